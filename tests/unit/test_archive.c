/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/archive.h"
#include "host/tree.h"

static const char head[] = "pciferry-recording 1\n";

/* The index with these lines, added to an empty tree. */
static int parse(const char *lines, struct host_tree **ret_tree)
{
	char text[8192];

	snprintf(text, sizeof(text), "%s%s", head, lines);
	*ret_tree = host_tree_new();
	assert_non_null(*ret_tree);
	return host_archive_parse_index(text, strlen(text), *ret_tree);
}

static int find(const struct host_tree *tree, const char *path,
		const struct host_tree_node **ret_node)
{
	return host_tree_find(tree, NULL, path, false, ret_node);
}

static void each_line_of_an_index_is_a_fact(void **state)
{
	const struct host_tree_node *node = NULL;
	struct host_tree *tree;

	(void)state;
	assert_int_equal(parse("listed sys/bus\n"
			       "entry sys/bus/pci\n"
			       "EACCES proc/1/fd\n"
			       "ENOENT etc/two words\n"
			       "EIO last without a newline",
			       &tree),
			 0);
	assert_int_equal(find(tree, "sys/bus/usb", &node), -ENOENT);
	assert_int_equal(find(tree, "sys/class", &node), -ENODATA);
	assert_int_equal(find(tree, "sys/bus/pci", &node), 0);
	assert_int_equal(node->kind, TREE_UNKNOWN);
	assert_int_equal(find(tree, "proc/1/fd", &node), -EACCES);
	assert_int_equal(find(tree, "etc/two words", &node), -ENOENT);
	assert_int_equal(find(tree, "last without a newline", &node), -EIO);
	host_tree_free(tree);
}

static void an_index_of_no_facts_is_refused(void **state)
{
	static const char *const bad[] = {
		"\n",
		"listed\n",
		"listed \n",
		"nonsense sys\n",
		"list sys\n",
		"listedx sys\n",
		"ENOENT ..\n",
		"entry /etc\n",
		"entry a/../../etc\n",
		"EWHAT sys\n",
		"E sys\n",
		" sys\n",
		"listed a\n\nlisted b\n",
	};
	struct host_tree *tree;
	char wide[5000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i], &tree) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		host_tree_free(tree);
	}
	memset(wide, 'x', sizeof(wide));
	memcpy(wide, "entry ", 6);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(parse(wide, &tree), -EINVAL);
	/* Another version, and none. */
	assert_int_equal(host_archive_parse_index("pciferry-recording 2\n", 21, tree),
			 -EINVAL);
	assert_int_equal(host_archive_parse_index(head, strlen(head) - 1, tree), -EINVAL);
	assert_int_equal(host_archive_parse_index("", 0, tree), -EINVAL);
	assert_int_equal(host_archive_parse_index(head, strlen(head), tree), 0);
	host_tree_free(tree);
}

static void an_index_is_no_way_around_the_limit_of_nodes(void **state)
{
	enum { LINE = sizeof("entry 0000000\n") - 1, LINES = HOST_TREE_NODES_MAX + 1 };
	const size_t len = sizeof(head) - 1 + (size_t)LINE * LINES;
	struct host_tree *tree = host_tree_new();
	char *text = malloc(len + 1);

	(void)state;
	assert_non_null(text);
	memcpy(text, head, sizeof(head));
	for (int i = 0; i < LINES; i++)
		snprintf(text + sizeof(head) - 1 + (size_t)LINE * i, LINE + 1,
			 "entry %07d\n", i);
	assert_int_equal(host_archive_parse_index(text, len - LINE, tree), 0);
	assert_int_equal(host_archive_parse_index(text, len, tree), -E2BIG);
	host_tree_free(tree);
	free(text);
}

static void a_name_says_which_archive_it_is(void **state)
{
	static const struct {
		const char *name;
		enum host_archive kind;
	} good[] = {
		{ "a.tar", HOST_ARCHIVE_TAR },
		{ "/x/a.b.tar.zst", HOST_ARCHIVE_ZSTD },
		{ "a.tar.xz", HOST_ARCHIVE_XZ },
		{ "a.zst.tar.gz", HOST_ARCHIVE_GZIP },
	};
	static const char *const bad[] = { "",	     "a",	 ".tar",  ".tar.gz",
					   "a.tar/", "a.tgz",	 "a.zst", "tar",
					   "a.TAR",  "a.tar.bz2" };
	struct error err = ERROR_INIT;
	enum host_archive kind;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(host_archive_kind(good[i].name, &kind, NULL), 0);
		assert_int_equal(kind, good[i].kind);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(host_archive_kind(bad[i], &kind, &err), -EINVAL);
		assert_int_equal(err.kind, ERROR_USAGE);
		error_clear(&err);
	}
}

/* Replaces what only the caller of host_recording_write() understands. */
static void edit(const char *path, unsigned char *bytes, size_t len)
{
	if (!strcmp(path, "pciferry/config") && len > 3)
		bytes[3] = 'x';
}

static void what_is_written_is_what_is_read(void **state)
{
	static const char binary[] = "\0\1\2\3 192.0.2.1 \xff";
	const struct tree *tree = *state;
	struct host_recording_summary summary;
	struct host *recorder;

	tree_folder(tree, "sys/bus/pci/devices");
	recorder = recorder_open(tree, true);
	host_recording_keep(recorder, "pciferry/config", binary, sizeof(binary));
	host_recording_keep(recorder, "pciferry/b\xff\nad", "x", 1);
	host_recording_keep(recorder, "pciferry/empty", "", 0);
	for (int kind = HOST_ARCHIVE_TAR; kind <= HOST_ARCHIVE_GZIP; kind++) {
		_cleanup_free_ char *bytes = NULL;
		const struct host_tree_node *node = NULL;
		struct host_tree *read = NULL;
		size_t len;

		assert_int_equal(host_recording_write(recorder, (enum host_archive)kind,
						      edit, &bytes, &len, &summary, NULL),
				 0);
		assert_int_equal(summary.files, 3);
		host_recording_summary_free(&summary);
		assert_int_equal(host_archive_parse("x", bytes, len, &read, NULL), 0);
		assert_int_equal(find(read, "pciferry/config", &node), 0);
		assert_int_equal(node->len, sizeof(binary));
		assert_memory_equal(node->bytes, "\0\1\2x 192.0.2.1 \xff", node->len);
		assert_int_equal(find(read, "pciferry/b\xff\nad", &node), 0);
		assert_int_equal(find(read, "pciferry/empty", &node), 0);
		assert_int_equal(node->len, 0);
		host_tree_free(read);
	}
	host_free(recorder);
}

static void what_is_no_archive_says_so(void **state)
{
	static const char *const texts[] = { "", "hello\n", "\x28\xb5\x2f\xfd garbage",
					     "\x1f\x8b\x08 garbage" };
	struct error err = ERROR_INIT;
	struct host_tree *tree = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(host_archive_parse("x.tar", texts[i], strlen(texts[i]),
						    &tree, &err),
				 -EINVAL);
		assert_string_equal(err.subject, "x.tar");
		assert_string_not_equal(err.message, "");
		error_clear(&err);
	}
	assert_null(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_of_an_index_is_a_fact),
		cmocka_unit_test(an_index_of_no_facts_is_refused),
		cmocka_unit_test(an_index_is_no_way_around_the_limit_of_nodes),
		cmocka_unit_test(a_name_says_which_archive_it_is),
		cmocka_unit_test_setup_teardown(what_is_written_is_what_is_read,
						tree_setup, tree_teardown),
		cmocka_unit_test(what_is_no_archive_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
