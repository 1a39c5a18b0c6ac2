/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/text.h"
#include "host/host.h"

static struct host *open_host(const struct tree *tree)
{
	struct host *host = NULL;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	return host;
}

static void unreadable_is_never_taken_for_absent(void **state)
{
	const struct tree *tree = *state;
	struct host *host = open_host(tree);
	long long number = 7;
	char text[8];

	tree_file(tree, "short", "value \n");
	tree_file(tree, "long", "more than eight\n");
	tree_file(tree, "number", "0x1f\n");
	tree_link(tree, "link", "/short");
	tree_folder(tree, "folder");
	assert_int_equal(host_read(host, "short", text, sizeof(text)), FACT_KNOWN);
	assert_string_equal(text, "value");
	assert_int_equal(host_read(host, "link", text, sizeof(text)), FACT_KNOWN);
	assert_int_equal(host_read(host, "nowhere", text, sizeof(text)), FACT_ABSENT);
	assert_int_equal(host_read(host, "long", text, sizeof(text)), FACT_UNREADABLE);
	assert_string_equal(text, "");
	assert_int_equal(host_read(host, "folder", text, sizeof(text)), FACT_UNREADABLE);
	assert_int_equal(host_read_number(host, "number", &number), FACT_KNOWN);
	assert_int_equal(number, 0x1f);
	assert_int_equal(host_read_number(host, "short", &number), FACT_UNREADABLE);
	assert_int_equal(host_link_name(host, "link", text, sizeof(text)), FACT_KNOWN);
	assert_string_equal(text, "short");
	assert_int_equal(host_link_name(host, "short", text, sizeof(text)),
			 FACT_UNREADABLE);
	host_free(host);
}

static void a_folder_that_is_no_host_is_named_with_the_way_out(void **state)
{
	const struct tree *tree = *state;
	struct error err = ERROR_INIT;
	struct host *host = NULL;

	assert_int_equal(host_open_directory(tree->path, &host, &err), -ENOENT);
	assert_string_equal(err.subject, tree->path);
	assert_string_not_equal(err.hint, "");
	assert_int_equal(host_open_directory("/nowhere/at/all", &host, &err), -ENOENT);
	assert_null(host);
	error_clear(&err);
}

static void a_file_is_replaced_whole_or_not_at_all(void **state)
{
	const struct tree *tree = *state;
	int dir = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct host *host = open_host(tree);
	char text[16];

	tree_file(tree, "file", "old");
	assert_int_equal(atomic_replace(dir, "file", "new", 3, 0600, ATOMIC_DURABLE), 0);
	assert_int_equal(host_read(host, "file", text, sizeof(text)), FACT_KNOWN);
	assert_string_equal(text, "new");
	tree_folder(tree, "folder");
	assert_true(atomic_replace(dir, "folder", "new", 3, 0600, ATOMIC_VOLATILE) < 0);
	assert_true(atomic_replace(dir, "no/where", "x", 1, 0600, ATOMIC_VOLATILE) < 0);
	host_free(host);
	close(dir);
}

/* Those of other network namespaces among them, which a listing leaves out. */
static void folders_that_are_not_shown_are_counted(void **state)
{
	const struct tree *tree = *state;
	struct string_list names = { 0 };
	struct host *host = open_host(tree);
	long long count = 7;

	assert_int_equal(host_count_folders(host, "sys/a/net", &count), FACT_ABSENT);
	tree_file(tree, "pciferry/folders/sys/a/net", "two\n");
	assert_int_equal(host_count_folders(host, "sys/a/net", &count), FACT_UNREADABLE);
	assert_int_equal(count, 7);
	tree_file(tree, "pciferry/folders/sys/a/net", "2\n");
	assert_int_equal(host_count_folders(host, "sys/a/net", &count), FACT_KNOWN);
	assert_int_equal(count, 2);
	host_free(host);
	assert_int_equal(host_open_live(&host, NULL), 0);
	if (host_reads_may_hang(host)) {
		assert_int_equal(host_count_folders(host, "sys/nowhere", &count),
				 FACT_ABSENT);
		assert_int_equal(host_list(host, "sys/class", &names), 0);
		assert_int_equal(host_count_folders(host, "sys/class", &count),
				 FACT_KNOWN);
		assert_int_equal(count, names.count);
	}
	string_list_free(&names);
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unreadable_is_never_taken_for_absent,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(
			a_folder_that_is_no_host_is_named_with_the_way_out, tree_setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(folders_that_are_not_shown_are_counted,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_file_is_replaced_whole_or_not_at_all,
						tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
