/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

static int setup(void **state)
{
	int r = tree_setup(state);

	if (r == 0)
		tree_folder(*state, "sys/bus/pci/devices");
	return r;
}

/* Every question that can be asked about a path, and the answer, as texts. */
static void ask(const struct host *host, const char *path, struct string_list *answers)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	_cleanup_free_ char *bytes = NULL;
	char text[64], target[256];
	struct host_dir dir;
	size_t len = 0;
	int r;

	string_list_addf(answers, "%s read %d %s", path,
			 host_read(host, path, text, sizeof(text)), text);
	string_list_addf(answers, "%s link %d %s", path,
			 host_link_target(host, path, target, sizeof(target)), target);
	string_list_addf(answers, "%s name %d %s", path,
			 host_link_name(host, path, target, 8), target);
	string_list_addf(answers, "%s exists %d", path, host_exists(host, path));
	r = host_read_file(host, path, &bytes, &len);
	string_list_addf(answers, "%s file %d %zu %.40s", path, r, len,
			 bytes ? bytes : "");
	r = host_list(host, path, &names);
	string_list_addf(answers, "%s list %d", path, r);
	for (size_t i = 0; i < names.count; i++)
		string_list_addf(answers, "%s has %s", path, names.items[i]);
	r = host_dir_open(host, path, &dir);
	string_list_addf(answers, "%s open %d", path, r);
	if (r < 0)
		return;
	string_list_addf(answers, "%s in it %d %s", path,
			 host_dir_read(&dir, "value", text, sizeof(text)), text);
	string_list_addf(answers, "%s in it %d %s", path,
			 host_dir_link_name(&dir, "link", text, sizeof(text)), text);
	string_list_addf(answers, "%s in it %d", path,
			 host_dir_read(&dir, "link", text, sizeof(text)));
	host_dir_close(&dir);
}

static const char *const asked[] = {
	"value",       "no/such/thing",	  "nothing",	    "folder",	   "folder/value",
	"folder/link", "folder/../value", "folder/./value", "value/below", "link",
	"link/value",  "absolute",	  "out/folder",	    "out/value",   "dangling",
	"loop",	       "loop/x",	  "long",	    "/value",	   "empty",
	"shut",	       "shut/value",
};

static void fill(const struct tree *tree)
{
	char large[9000];

	tree_file(tree, "value", "one \n");
	tree_file(tree, "folder/value", "two\n");
	tree_file(tree, "empty", "");
	tree_file(tree, "other", "0x12\n");
	tree_link(tree, "folder/link", "../value");
	tree_link(tree, "link", "folder");
	tree_link(tree, "absolute", "/folder/link");
	tree_link(tree, "out", "../../../../..");
	tree_link(tree, "dangling", "folder/nowhere");
	tree_link(tree, "loop", "loop");
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	tree_file(tree, "long", large);
	tree_file(tree, "shut/value", "x");
}

static void assert_same_answers(const struct host *one, const struct host *other)
{
	_cleanup_(string_list_free) struct string_list left = { 0 }, right = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		ask(one, asked[i], &left);
		ask(other, asked[i], &right);
	}
	for (size_t i = 0; i < left.count && i < right.count; i++)
		assert_string_equal(left.items[i], right.items[i]);
	assert_int_equal(left.count, right.count);
}

/* Root is refused nothing: becomes nobody, and back. */
static void become(const struct tree *tree, uid_t user)
{
	if (getuid() == 0) {
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(chmod(tree->path, 0755), 0);
		assert_int_equal(seteuid(user), 0);
		/* The leak sanitizer looks at this process from another one. */
		assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
	}
}

static void a_recording_says_what_the_host_said(void **state)
{
	const struct tree *tree = *state;
	struct host *host, *recorder;

	fill(tree);
	assert_int_equal(fchmodat(tree->fd, "shut", 0, 0), 0);
	become(tree, 65534);
	host = recorder_open(tree, false);
	recorder = recorder_open(tree, true);
	assert_same_answers(host, recorder);
	for (int kind = HOST_ARCHIVE_TAR; kind <= HOST_ARCHIVE_GZIP; kind++) {
		struct host *archive =
			recorder_replay(recorder, (enum host_archive)kind, NULL);

		assert_same_answers(host, archive);
		assert_false(host_is_live(archive));
		assert_false(host_reads_may_hang(archive));
		assert_int_equal(host_root_fd(archive), -1);
		host_free(archive);
	}
	host_free(recorder);
	host_free(host);
	become(tree, 0);
	assert_int_equal(fchmodat(tree->fd, "shut", 0700, 0), 0);
}

static void what_was_not_asked_is_unreadable_and_never_absent(void **state)
{
	const struct tree *tree = *state;
	struct host *recorder = recorder_open(tree, true), *archive;
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct host_recording_summary summary;
	char text[64], *bytes = NULL;
	size_t len;

	fill(tree);
	host_read(recorder, "value", text, sizeof(text));
	host_read(recorder, "nothing", text, sizeof(text));
	assert_int_equal(host_list(recorder, "folder", &names), 0);
	archive = recorder_replay(recorder, HOST_ARCHIVE_TAR, &summary);
	assert_int_equal(summary.files, 1);
	assert_int_equal(summary.absent, 1);
	assert_int_equal(summary.unreadable.count, 0);
	host_recording_summary_free(&summary);
	assert_int_equal(host_read(archive, "value", text, sizeof(text)), FACT_KNOWN);
	assert_int_equal(host_read(archive, "other", text, sizeof(text)),
			 FACT_UNREADABLE);
	assert_int_equal(host_read_file(archive, "other", &bytes, &len), -ENODATA);
	assert_int_equal(host_list(archive, "/", &names), -ENODATA);
	assert_int_equal(host_read(archive, "nothing", text, sizeof(text)), FACT_ABSENT);
	/* It was seen, and not read; and of a listed folder all is known that is not
	 * in it. */
	assert_true(host_exists(archive, "folder/value"));
	assert_int_equal(host_read(archive, "folder/value", text, sizeof(text)),
			 FACT_UNREADABLE);
	assert_int_equal(host_read(archive, "folder/other", text, sizeof(text)),
			 FACT_ABSENT);
	host_free(archive);
	host_free(recorder);
}

static void a_process_keeps_its_files_and_arguments_to_itself(void **state)
{
	static const char arguments[] = "qemu\0-name\0guest=web\0-vnc\0password=x\0-name";
	const struct tree *tree = *state;
	struct host *recorder, *archive;
	char *bytes = NULL, text[64];
	struct host_dir dir;
	size_t len;
	struct string_list names = { 0 };
	int fd;

	tree_file(tree, "proc/7/cmdline", "");
	fd = openat(tree->fd, "proc/7/cmdline", O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, arguments, sizeof(arguments)), sizeof(arguments));
	close(fd);
	tree_file(tree, "proc/cmdline", "quiet splash\n");
	tree_link(tree, "proc/7/fd/1", "/home/ada/secret");
	tree_link(tree, "proc/7/fd/2", "/dev/vfio/7");
	recorder = recorder_open(tree, true);
	assert_int_equal(host_read_file(recorder, "proc/7/cmdline", &bytes, &len), 0);
	assert_int_equal(len, sizeof(arguments));
	free(bytes);
	assert_int_equal(host_read_file(recorder, "proc/cmdline", &bytes, &len), 0);
	free(bytes);
	assert_int_equal(host_list(recorder, "proc/7/fd", &names), 0);
	assert_int_equal(names.count, 2);
	string_list_free(&names);
	assert_int_equal(host_dir_open(recorder, "proc/7/fd", &dir), 0);
	assert_int_equal(host_dir_link_target(&dir, "1", text, sizeof(text)), FACT_KNOWN);
	assert_string_equal(text, "/home/ada/secret");
	assert_int_equal(host_dir_link_target(&dir, "2", text, sizeof(text)), FACT_KNOWN);
	host_dir_close(&dir);

	archive = recorder_replay(recorder, HOST_ARCHIVE_TAR, NULL);
	assert_int_equal(host_read_file(archive, "proc/7/cmdline", &bytes, &len), 0);
	assert_int_equal(len, strlen("qemu.-name.guest=web.-name."));
	assert_memory_equal(bytes, "qemu\0-name\0guest=web\0-name", len);
	free(bytes);
	assert_int_equal(host_read_file(archive, "proc/cmdline", &bytes, &len), 0);
	assert_string_equal(bytes, "quiet splash\n");
	free(bytes);
	assert_int_equal(host_list(archive, "proc/7/fd", &names), 0);
	assert_int_equal(names.count, 1);
	string_list_free(&names);
	assert_int_equal(host_link_target(archive, "proc/7/fd/2", text, sizeof(text)),
			 FACT_KNOWN);
	assert_string_equal(text, "/dev/vfio/7");
	host_free(archive);
	host_free(recorder);
}

static void what_was_made_is_kept_beside_what_was_read(void **state)
{
	struct host *recorder = recorder_open(*state, true), *archive;
	char *bytes = NULL;
	size_t len;

	host_recording_keep(recorder, "pciferry/names", "a\n192.0.2.1\n", 12);
	archive = recorder_replay(recorder, HOST_ARCHIVE_ZSTD, NULL);
	assert_int_equal(host_read_file(archive, "pciferry/names", &bytes, &len), 0);
	assert_string_equal(bytes, "a\n198.18.0.1\n");
	free(bytes);
	host_free(archive);
	host_free(recorder);
}

static void only_this_machine_is_recorded(void **state)
{
	struct host *host = recorder_open(*state, false);
	struct error err = ERROR_INIT;

	assert_int_equal(host_record(host, &err), -EROFS);
	assert_string_equal(err.message, "only this machine is recorded");
	error_clear(&err);
	host_free(host);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(a_recording_says_what_the_host_said),
		TREE_TEST(what_was_not_asked_is_unreadable_and_never_absent),
		TREE_TEST(a_process_keeps_its_files_and_arguments_to_itself),
		TREE_TEST(what_was_made_is_kept_beside_what_was_read),
		TREE_TEST(only_this_machine_is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
