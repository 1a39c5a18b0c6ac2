/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that were interrupted: finding them, and going on with them. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE(id) CHANGE_JOURNAL "/" id "/state"

static int apply_one(struct system *sys, const char *path)
{
	struct change_edits edits = { 0 };
	int r;

	change_edit_write(&edits, path, "edit", "two\n", 4);
	r = system_apply(sys, &edits, NULL);
	change_edits_free(&edits);
	return r;
}

static unsigned int interrupted(const struct system *sys)
{
	unsigned int id = 77;

	assert_int_equal(change_find_interrupted(sys->host, &id), 0);
	return id;
}

static int resume(struct system *sys)
{
	struct change_record record = { 0 };
	int r;

	system_forget(sys);
	r = change_resume(&sys->change, NULL, &record, &sys->err);
	assert_int_equal(error_is_set(&sys->err), r < 0);
	if (r == 0)
		assert_string_equal(record.title, "a test");
	change_record_free(&record);
	return r;
}

/* The files as they are when those of the set are made, and the others are not. */
static void put_half(const struct system *sys, unsigned int made)
{
	unlinkat(sys->tree->fd, "etc/removed", 0);
	unlinkat(sys->tree->fd, "etc/new/file", 0);
	tree_file(sys->tree, "etc/edited", made & 1 ? "two\n" : "one\n");
	if (!(made & 2))
		tree_file(sys->tree, "etc/removed", "gone\n");
	if (made & 4)
		tree_file(sys->tree, "etc/new/file", "new\n");
}

static void what_is_missing_is_made(void **state)
{
	struct system *sys = *state;

	system_change_all(sys);
	for (unsigned int made = 0; made < 8; made++) {
		put_half(sys, made);
		tree_file(sys->tree, "etc/.pciferry.new", "half");
		tree_file(sys->tree, STATE("1"), "begin 0\nbeg");
		assert_int_equal(interrupted(sys), 1);
		assert_int_equal(resume(sys), 0);
		system_assert_file(sys, "etc/edited", "two\n");
		system_assert_gone(sys, "etc/removed");
		system_assert_file(sys, "etc/new/file", "new\n");
		system_assert_gone(sys, "etc/.pciferry.new");
		assert_int_equal(interrupted(sys), 0);
	}
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_file(sys, "etc/edited", "one\n");
	system_assert_gone(sys, "etc/new/file");
}

static void what_is_finished_or_was_never_begun_is_not_interrupted(void **state)
{
	struct system *sys = *state;

	assert_int_equal(interrupted(sys), 0);
	assert_int_equal(resume(sys), -ENOENT);
	system_change_all(sys);
	assert_int_equal(interrupted(sys), 0);
	assert_int_equal(resume(sys), -ENOENT);
	assert_int_equal(system_undo(sys, 1), 0);
	assert_int_equal(interrupted(sys), 0);
	/* Cut off while its journal was written, and what is no journal at all. */
	tree_file(sys->tree, CHANGE_JOURNAL "/2/before-0", "one\n");
	tree_file(sys->tree, CHANGE_JOURNAL "/notes", "mine\n");
	assert_int_equal(interrupted(sys), 0);
	assert_int_equal(apply_one(sys, "etc/edited"), 0);
}

static void the_newest_one_comes_first(void **state)
{
	struct system *sys = *state;
	char path[32];

	for (int i = 1; i <= 10; i++) {
		snprintf(path, sizeof(path), "etc/file-%d", i);
		assert_int_equal(apply_one(sys, path), 0);
	}
	tree_file(sys->tree, STATE("2"), "begin 0\napplied\nundo\n");
	assert_int_equal(interrupted(sys), 2);
	/* The last one, by its number, not by its name. */
	unlinkat(sys->tree->fd, STATE("9"), 0);
	tree_file(sys->tree, STATE("10"), "begin 0\n");
	assert_int_equal(interrupted(sys), 10);
	assert_int_equal(resume(sys), 0);
	assert_int_equal(interrupted(sys), 9);
	assert_int_equal(system_undo(sys, 9), 0);
	assert_int_equal(resume(sys), 0);
	assert_int_equal(interrupted(sys), 0);
	system_assert_file(sys, "etc/file-2", "two\n");
	system_assert_gone(sys, "etc/file-9");
}

static void nothing_new_is_begun_beside_it(void **state)
{
	struct system *sys = *state;

	system_change_all(sys);
	tree_file(sys->tree, STATE("1"), "begin 0\n");
	assert_int_equal(apply_one(sys, "etc/other"), -EBUSY);
	assert_int_equal(sys->err.kind, ERROR_REFUSED);
	assert_string_equal(sys->err.subject, "change 1");
	assert_non_null(strstr(sys->err.hint, "pciferry undo 1 --root /"));
	assert_non_null(strstr(sys->err.hint, "pciferry apply --resume --root /"));
	system_assert_gone(sys, "etc/other");
	assert_int_equal(resume(sys), 0);
	assert_int_equal(apply_one(sys, "etc/other"), 0);
}

/* What cannot be read is not taken for finished. */
static void a_state_that_cannot_be_read_is_told(void **state)
{
	struct system *sys = *state;

	system_change_all(sys);
	unlinkat(sys->tree->fd, STATE("1"), 0);
	tree_folder(sys->tree, STATE("1"));
	assert_int_equal(interrupted(sys), 1);
	assert_true(resume(sys) < 0);
	assert_non_null(strstr(sys->err.message, "it is damaged, and nothing was done"));
}

/* By the journal alone: else a hook would be there, and not run. */
static void a_program_that_is_made_later_can_be_run_all_the_same(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	struct stat status;

	assert_int_equal(change_edit_write_program(&edits, "etc/new", "a test", "x", 1),
			 0);
	assert_int_equal(system_apply(sys, &edits, NULL), 0);
	unlinkat(sys->tree->fd, "etc/new", 0);
	tree_file(sys->tree, STATE("1"), "begin 0\n");
	assert_int_equal(resume(sys), 0);
	assert_int_equal(fstatat(sys->tree->fd, "etc/new", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0755);
	change_edits_free(&edits);
}

static void what_somebody_edited_is_refused_with_all_three_sides(void **state)
{
	struct system *sys = *state;
	char *before, *after;

	system_change_all(sys);
	tree_file(sys->tree, STATE("1"), "begin 0\n");
	put_half(sys, 1);
	tree_file(sys->tree, "etc/edited", "theirs\n");
	before = system_snapshot(sys);
	assert_int_equal(resume(sys), -EBUSY);
	assert_int_equal(sys->err.kind, ERROR_REFUSED);
	assert_string_equal(sys->err.message,
			    "it is not as change 1 left it: nothing was "
			    "done");
	after = system_snapshot(sys);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void a_tool_that_fails_takes_all_of_it_back(void **state)
{
	static const char *const none[] = { NULL };
	struct system *sys = *state;
	struct change_edits edits = { 0 };

	if (!system_can_run_tools())
		skip();
	system_put_shell(sys);
	system_tool(sys, "sbin/maker", "exit 0");
	tree_file(sys->tree, "etc/edited", "one\n");
	change_edit_write(&edits, "etc/edited", "edit", "two\n", 4);
	change_edit_run(&edits, "sbin/maker", none, "make an image");
	assert_int_equal(system_apply(sys, &edits, NULL), 0);
	tree_file(sys->tree, STATE("1"), "begin 0\nbegin 1\n");
	system_tool(sys, "sbin/maker", "grep -q one /etc/edited || exit 3");
	assert_int_equal(resume(sys), -EIO);
	assert_string_equal(sys->err.subject, "/sbin/maker");
	system_assert_file(sys, "etc/edited", "one\n");
	assert_int_equal(interrupted(sys), 0);
	/* One that is gone is missed before anything is done. */
	tree_file(sys->tree, STATE("1"), "begin 0\nbegin 1\n");
	unlinkat(sys->tree->fd, "sbin/maker", 0);
	assert_int_equal(resume(sys), -ENOENT);
	system_assert_file(sys, "etc/edited", "one\n");
	assert_int_equal(interrupted(sys), 1);
	change_edits_free(&edits);
}

#define SYSTEM_TEST(name) \
	cmocka_unit_test_setup_teardown(name, system_setup, system_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(what_is_missing_is_made),
		SYSTEM_TEST(what_is_finished_or_was_never_begun_is_not_interrupted),
		SYSTEM_TEST(the_newest_one_comes_first),
		SYSTEM_TEST(nothing_new_is_begun_beside_it),
		SYSTEM_TEST(a_state_that_cannot_be_read_is_told),
		SYSTEM_TEST(a_program_that_is_made_later_can_be_run_all_the_same),
		SYSTEM_TEST(what_somebody_edited_is_refused_with_all_three_sides),
		SYSTEM_TEST(a_tool_that_fails_takes_all_of_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
