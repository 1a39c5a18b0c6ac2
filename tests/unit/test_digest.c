/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of a file that is too large to be kept, and when it was written. */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static const struct timespec written = { .tv_sec = 1700000000, .tv_nsec = 123456789 };

static int setup(void **state)
{
	const struct tree *tree;
	const struct timespec times[] = { written, written };
	int r = tree_setup(state);

	if (r < 0)
		return r;
	tree = *state;
	tree_folder(tree, "sys/bus/pci/devices");
	tree_file(tree, "boot/image", "five\n");
	tree_link(tree, "boot/link", "/boot/image");
	tree_link(tree, "boot/loop", "loop");
	return utimensat(tree->fd, "boot/image", times, 0);
}

/* Counts its calls in *argument. */
static int make(int fd, const struct host_status *status, void *argument, char **ret_text,
		size_t *ret_len)
{
	char bytes[64];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	++*(int *)argument;
	assert_int_equal(n, status->size);
	if (bytes[0] == 'X')
		return -EIO;
	return asprintf(ret_text, "begins with %c", bytes[0]) < 0
		       ? -ENOMEM
		       : (*ret_len = strlen(*ret_text), 0);
}

static void assert_status(const struct host *host, const char *path)
{
	struct host_status status;

	assert_int_equal(host_file_status(host, path, &status), FACT_KNOWN);
	assert_int_equal(status.size, strlen("five\n"));
	assert_int_equal(status.mtime, 1700000000123456789);
}

static void assert_absent_and_unreadable(const struct host *host)
{
	struct host_status status;

	assert_int_equal(host_file_status(host, "boot/nothing", &status), FACT_ABSENT);
	assert_int_equal(host_file_status(host, "boot/loop", &status), FACT_UNREADABLE);
}

static void a_status_is_replayed_as_it_was(void **state)
{
	const struct tree *tree = *state;
	struct host *host = recorder_open(tree, false),
		    *recorder = recorder_open(tree, true);
	struct host *archive;
	struct host_status one, other;

	assert_status(host, "boot/image");
	assert_status(host, "boot/link");
	assert_absent_and_unreadable(host);
	assert_status(recorder, "boot/image");
	assert_status(recorder, "boot/link");
	assert_absent_and_unreadable(recorder);
	assert_int_equal(host_file_status(recorder, "boot", &one), FACT_KNOWN);
	archive = recorder_replay(recorder, HOST_ARCHIVE_TAR, NULL);
	assert_status(archive, "boot/image");
	assert_status(archive, "boot/link");
	assert_absent_and_unreadable(archive);
	assert_int_equal(host_file_status(archive, "boot", &other), FACT_KNOWN);
	assert_memory_equal(&one, &other, sizeof(one));
	assert_int_equal(host_file_status(archive, "etc/never-asked", &one),
			 FACT_UNREADABLE);
	host_free(archive);
	host_free(recorder);
	host_free(host);
}

static void only_the_digest_is_recorded(void **state)
{
	const struct tree *tree = *state;
	struct host *recorder = recorder_open(tree, true), *archive;
	_cleanup_free_ char *one = NULL, *other = NULL, *bytes = NULL;
	int calls = 0;
	size_t len, n;

	assert_int_equal(host_read_digest(recorder, "images", "boot/image", make, &calls,
					  &one, &len),
			 0);
	assert_string_equal(one, "begins with f");
	archive = recorder_replay(recorder, HOST_ARCHIVE_TAR, NULL);
	assert_int_equal(host_read_digest(archive, "images", "boot/image", make, &calls,
					  &other, &n),
			 0);
	assert_int_equal(calls, 1);
	assert_int_equal(n, len);
	assert_string_equal(other, one);
	assert_int_equal(host_read_file(archive, "boot/image", &bytes, &n), -ENODATA);
	host_free(archive);
	host_free(recorder);
}

/* A recording that somebody unpacked. */
static void a_folder_may_hold_the_digest_in_place_of_the_file(void **state)
{
	const struct tree *tree = *state;
	struct host *host = recorder_open(tree, false);
	_cleanup_free_ char *made = NULL, *kept = NULL;
	struct host_status status;
	int calls = 0;
	size_t len;

	assert_int_equal(host_read_digest(host, "images", "boot/image", make, &calls,
					  &made, &len),
			 0);
	assert_string_equal(made, "begins with f");
	tree_file(tree, "pciferry/images/boot/gone", "kept");
	tree_file(tree, "pciferry/status/boot/gone.status", "1 2 3 -4\n");
	tree_file(tree, "pciferry/status/boot/nothing.status", "1 2 3\n");
	assert_int_equal(host_read_digest(host, "images", "boot/gone", make, &calls,
					  &kept, &len),
			 0);
	assert_string_equal(kept, "kept");
	assert_int_equal(calls, 1);
	assert_int_equal(host_file_status(host, "boot/gone", &status), FACT_KNOWN);
	assert_int_equal(status.mtime, -4);
	assert_absent_and_unreadable(host);
	host_free(host);
}

static void why_there_is_no_digest_is_replayed(void **state)
{
	static const struct {
		const char *path;
		int r;
	} wrong[] = {
		{ "boot/nothing", -ENOENT },
		{ "boot/loop", -ELOOP },
		{ "boot/damaged", -EIO },
	};
	const struct tree *tree = *state;
	struct host *recorder = recorder_open(tree, true), *archive;
	char *text = NULL;
	int calls = 0;
	size_t len;

	tree_file(tree, "boot/damaged", "X");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(host_read_digest(recorder, "images", wrong[i].path, make,
						  &calls, &text, &len),
				 wrong[i].r);
	assert_int_equal(host_read_digest(recorder, "images", "boot", make, &calls, &text,
					  &len),
			 -EINVAL);
	archive = recorder_replay(recorder, HOST_ARCHIVE_TAR, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(host_read_digest(archive, "images", wrong[i].path, make,
						  &calls, &text, &len),
				 wrong[i].r);
	assert_int_equal(host_read_digest(archive, "images", "boot/never-asked", make,
					  &calls, &text, &len),
			 -ENODATA);
	assert_int_equal(calls, 1);
	assert_null(text);
	host_free(archive);
	host_free(recorder);
}

static void a_status_that_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"1",
		"1 2 3",
		"1 2 3 4 5",
		"1 2 3 4 ",
		"a 2 3 4",
		" 1 2 3 4",
		"1 2 -3 4",
		"1  2 3 4",
		"1 2 3 --4",
		"1 2 3 4\n",
		"1 2 3 99999999999999999999",
		"99999999999999999999 2 3 4",
		"1 2 3 9223372036854775808",
	};
	struct host_status status = { 0 }, again = { 0 };
	char text[HOST_STATUS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(host_status_parse(wrong[i], &status), -EINVAL);
	status = (struct host_status){ UINT64_MAX, UINT64_MAX, UINT64_MAX, -INT64_MAX };
	assert_int_equal(host_status_parse(host_status_format(&status, text), &again), 0);
	assert_memory_equal(&status, &again, sizeof(status));
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(a_status_is_replayed_as_it_was),
		TREE_TEST(only_the_digest_is_recorded),
		TREE_TEST(a_folder_may_hold_the_digest_in_place_of_the_file),
		TREE_TEST(why_there_is_no_digest_is_replayed),
		cmocka_unit_test(a_status_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
