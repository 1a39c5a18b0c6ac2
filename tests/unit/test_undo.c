/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an undo refuses, and what happens when a tool fails. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned int change_one(struct system *sys, const char *path, const char *text)
{
	struct change_edits edits = { 0 };
	unsigned int id;

	system_write(&edits, path, text);
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	change_edits_free(&edits);
	return id;
}

static bool has_evidence(const struct system *sys, const char *line)
{
	for (char **at = sys->err.evidence; at && *at; at++)
		if (!strcmp(*at, line))
			return true;
	return false;
}

static void assert_refused(struct system *sys, unsigned int id, const char *subject)
{
	char *before = system_snapshot(sys), *after;

	assert_true(system_undo(sys, id) < 0);
	assert_int_equal(sys->err.kind, ERROR_REFUSED);
	assert_string_equal(sys->err.subject, subject);
	after = system_snapshot(sys);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void a_file_that_was_edited_since_is_not_lost(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	unsigned int id;

	tree_file(sys->tree, "etc/first", "one\n");
	tree_file(sys->tree, "etc/removed", "one\n");
	system_write(&edits, "etc/first", "two\n");
	system_write(&edits, "etc/second", "two\n");
	change_edit_remove(&edits, "etc/removed", "a test");
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	tree_file(sys->tree, "etc/second", "two\ntheirs\n");
	assert_refused(sys, id, "/etc/second");
	assert_true(has_evidence(sys, "+theirs"));
	assert_true(has_evidence(sys, " two"));
	/* One that was removed, and is there again as another one. */
	tree_file(sys->tree, "etc/second", "two\n");
	tree_file(sys->tree, "etc/removed", "theirs");
	assert_refused(sys, id, "/etc/removed");
	assert_true(has_evidence(sys, "+theirs"));
	/* One that was written, and is gone. */
	unlinkat(sys->tree->fd, "etc/removed", 0);
	unlinkat(sys->tree->fd, "etc/first", 0);
	assert_refused(sys, id, "/etc/first");
	assert_true(has_evidence(sys, "-two"));
	/* By hand to what it was before is as good. */
	tree_file(sys->tree, "etc/first", "one\n");
	assert_int_equal(system_undo(sys, id), 0);
	system_assert_file(sys, "etc/removed", "one\n");
	system_assert_gone(sys, "etc/second");
	change_edits_free(&edits);
}

/* What it was before, what the change made of it, and what somebody has made of that. */
static void all_three_sides_of_a_file_are_shown(void **state)
{
	static const char *const expected[] = {
		"/etc/file: from what change 1 made of it to what it is now:",
		"--- /etc/file",
		"+++ /etc/file",
		"@@ -1 +1,2 @@",
		" ours",
		"+theirs",
		"/etc/file: from what it was before to what change 1 made of it:",
		"--- /etc/file",
		"+++ /etc/file",
		"@@ -1 +1 @@",
		"-before",
		"+ours",
	};
	struct system *sys = *state;
	unsigned int id;
	size_t count = 0;

	tree_file(sys->tree, "etc/file", "before\n");
	id = change_one(sys, "etc/file", "ours\n");
	tree_file(sys->tree, "etc/file", "ours\ntheirs\n");
	assert_refused(sys, id, "/etc/file");
	for (char **at = sys->err.evidence; *at; at++, count++) {
		assert_true(count < sizeof(expected) / sizeof(expected[0]));
		assert_string_equal(*at, expected[count]);
	}
	assert_int_equal(count, sizeof(expected) / sizeof(expected[0]));
}

static void of_a_long_difference_the_beginning_is_shown(void **state)
{
	struct system *sys = *state;
	unsigned int id = change_one(sys, "etc/long", "one\n");
	char text[100 * 3 + 1] = "";
	size_t count = 0;

	for (int i = 0; i < 100; i++)
		strcat(text, "x\n");
	tree_file(sys->tree, "etc/long", text);
	assert_refused(sys, id, "/etc/long");
	/* Three lines of heading, and 101 of difference. */
	assert_true(has_evidence(sys, "... 64 more lines"));
	while (sys->err.evidence[count])
		count++;
	assert_true(count < 60);
}

static void what_took_a_file_s_place_is_not_lost(void **state)
{
	struct system *sys = *state;
	unsigned int id = change_one(sys, "etc/new/file", "one\n");

	unlinkat(sys->tree->fd, "etc/new/file", 0);
	tree_link(sys->tree, "etc/new/file", "../elsewhere");
	tree_file(sys->tree, "etc/elsewhere", "one\n");
	assert_refused(sys, id, "/etc/new/file");
	assert_true(has_evidence(sys, "/etc/new/file: it is a link, and only files are "
				      "changed"));
	unlinkat(sys->tree->fd, "etc/new/file", 0);
	tree_folder(sys->tree, "etc/new/file");
	assert_refused(sys, id, "/etc/new/file");
	unlinkat(sys->tree->fd, "etc/new/file", AT_REMOVEDIR);
	unlinkat(sys->tree->fd, "etc/new", AT_REMOVEDIR);
	tree_file(sys->tree, "etc/new", "a file where the folder was");
	assert_refused(sys, id, "/etc/new/file");
}

static void changes_are_undone_in_the_other_order(void **state)
{
	struct system *sys = *state;
	unsigned int first, second;

	tree_file(sys->tree, "etc/file", "zero\n");
	first = change_one(sys, "etc/file", "one\n");
	second = change_one(sys, "etc/file", "two\n");
	assert_int_equal(second, first + 1);
	assert_refused(sys, first, "/etc/file");
	assert_int_equal(system_undo(sys, second), 0);
	system_assert_file(sys, "etc/file", "one\n");
	assert_int_equal(system_undo(sys, first), 0);
	system_assert_file(sys, "etc/file", "zero\n");
	/* One that is undone stays so, whatever came after it. */
	first = change_one(sys, "etc/file", "one\n");
	assert_int_equal(system_undo(sys, second), 0);
	system_assert_file(sys, "etc/file", "one\n");
}

static void what_never_was_cannot_be_undone(void **state)
{
	struct system *sys = *state;

	assert_int_equal(system_undo(sys, 1), -ENOENT);
	assert_string_equal(sys->err.subject, "1");
	change_one(sys, "etc/file", "one\n");
	assert_int_equal(system_undo(sys, 2), -ENOENT);
}

static int put_system(void **state)
{
	if (system_setup(state) < 0)
		return -1;
	/* What it makes follows from the file; a line tells that it ran. */
	system_put_maker(*state, "mkdir -p made; cat /etc/file >/made/image;"
				 " echo >>/made/runs; echo made of $(cat /etc/file)");
	return 0;
}

static size_t count_runs(const struct system *sys)
{
	size_t len = 0;

	free(system_read(sys, "made/runs", &len));
	return len;
}

static void what_tools_made_is_made_again(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	unsigned int id;

	if (!system_can_run_tools())
		skip();
	system_write(&edits, "etc/file", "two\n");
	system_run(&edits, "sbin/maker");
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	system_assert_file(sys, "made/image", "two\n");
	assert_int_equal(system_undo(sys, id), 0);
	system_assert_file(sys, "made/image", "one\n");
	system_assert_file(sys, CHANGE_JOURNAL "/1/output-1",
			   "made of two\nmade of one\n");
	/* Undone twice is undone once. */
	assert_int_equal(system_undo(sys, id), 0);
	assert_int_equal(count_runs(sys), 2);
	change_edits_free(&edits);
}

/* What was begun last is taken back first, and what is made again is made afterwards. */
static void what_has_a_way_back_of_its_own_is_taken_back_by_that(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const undo[] = { "sbin/teller", "one", "back", NULL };
	static const char *const undo_too[] = { "sbin/teller", "two", "back", NULL };
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	unsigned int id;

	if (!system_can_run_tools())
		skip();
	system_tool(sys, "sbin/teller", "echo ${*:-made} >>/made/told");
	system_tool(sys, "sbin/other", "cat /etc/file >>/made/told");
	tree_folder(sys->tree, "made");
	system_write(&edits, "etc/file", "two\n");
	assert_int_equal(change_edit_run_undone_by(&edits, "sbin/teller", none, undo,
						   "a test"),
			 0);
	assert_int_equal(change_edit_run_undone_by(&edits, "sbin/other", none, undo_too,
						   "a test"),
			 0);
	system_run(&edits, "sbin/maker");
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	system_assert_file(sys, "made/told", "made\ntwo\n");
	assert_int_equal(system_undo(sys, id), 0);
	system_assert_file(sys, "made/told", "made\ntwo\ntwo back\none back\n");
	system_assert_file(sys, "made/image", "one\n");
	assert_int_equal(count_runs(sys), 2);
	change_edits_free(&edits);
}

/* The tool behind the maker fails: all is as it was, and made of what was. */
static void assert_rolled_back(struct system *sys, const char *message)
{
	struct change_edits edits = { 0 };
	char *before = system_snapshot(sys), *after;

	system_write(&edits, "etc/file", "two\n");
	system_write(&edits, "etc/new/file", "two\n");
	system_run(&edits, "sbin/maker");
	system_run(&edits, "sbin/failing");
	assert_true(system_apply(sys, &edits, NULL) < 0);
	assert_int_equal(sys->err.kind, ERROR_FAILED);
	assert_string_equal(sys->err.subject, "/sbin/failing");
	assert_string_equal(sys->err.message, message);
	assert_null(strchr(sys->err.message, '\n'));
	after = system_snapshot(sys);
	assert_string_equal(before, after);
	free(before);
	free(after);
	change_edits_free(&edits);
}

/* Fails where the file is as the change made it, and not afterwards. */
static void put_failing(const struct system *sys, const char *how)
{
	char script[512];

	snprintf(script, sizeof(script), "grep -q one /etc/file && exit 0\n%s", how);
	system_tool(sys, "sbin/failing", script);
}

static void a_tool_that_fails_leaves_nothing_changed(void **state)
{
	struct system *sys = *state;

	if (!system_can_run_tools())
		skip();
	put_failing(sys, "echo no room >&2; exit 3");
	assert_rolled_back(sys, "it failed with status 3: no room");
	assert_true(has_evidence(sys, "everything is as it was before"));
	assert_non_null(strstr(sys->err.hint, "journal/1/output-3"));
	system_assert_file(sys, "made/image", "one\n");
	assert_int_equal(count_runs(sys), 2);
	/* It is undone already. */
	assert_int_equal(system_undo(sys, 1), 0);
	assert_int_equal(count_runs(sys), 2);
	put_failing(sys, "exit 1");
	assert_rolled_back(sys, "it failed with status 1");
	put_failing(sys, "kill -9 $$");
	assert_rolled_back(sys, "it was ended by signal 9");
	put_failing(sys, "echo half; exec >&- 2>&-; exit 2");
	assert_rolled_back(sys, "it failed with status 2: half");
	put_failing(sys, "echo half; sleep 20 & exit 2");
	assert_rolled_back(sys, "it failed with status 2: half");
}

static void of_a_line_without_an_end_only_its_beginning_is_told(void **state)
{
	struct system *sys = *state;
	char message[300] = "it failed with status 2: ";
	size_t len = 0;

	if (!system_can_run_tools())
		skip();
	put_failing(sys, "i=0; while [ $i -lt 20000 ]; do printf abcdefgh; i=$((i+1)); "
			 "done; exit 2");
	for (int i = 0; i < 25; i++)
		strcat(message, "abcdefgh");
	assert_rolled_back(sys, message);
	free(system_read(sys, CHANGE_JOURNAL "/1/output-3", &len));
	assert_int_equal(len, 160000);
}

static void a_tool_that_is_missing_is_missed_before_anything_is_done(void **state)
{
	struct system *sys = *state;
	char *before;

	if (!system_can_run_tools())
		skip();
	assert_rolled_back(sys, "it is needed, and is not there");
	tree_file(sys->tree, "sbin/failing", "no program");
	assert_rolled_back(sys, "it is needed, and is no program");
	assert_int_equal(count_runs(sys), 0);
	system_assert_gone(sys, CHANGE_JOURNAL);
	/* It can only be seen when it is run that its interpreter is missing. */
	unlinkat(sys->tree->fd, "sbin/failing", 0);
	tree_file(sys->tree, "sbin/failing", "#!/bin/nothing\n");
	fchmodat(sys->tree->fd, "sbin/failing", 0755, 0);
	assert_rolled_back(sys, "it is not there, or what it needs is not");
	before = system_read(sys, CHANGE_JOURNAL "/1/state", NULL);
	assert_non_null(strstr(before, "undo\n"));
	assert_null(strstr(before, "undone\n"));
	free(before);
}

/* It fails when things are put back, too: the files are back, and that is not the end. */
static void what_cannot_be_made_again_is_not_called_undone(void **state)
{
	struct system *sys = *state;

	if (!system_can_run_tools())
		skip();
	system_tool(sys, "sbin/failing", "test -e /etc/mended || { echo ill; exit 4; }");
	assert_rolled_back(sys, "it failed with status 4: ill");
	assert_true(has_evidence(
		sys, "taking it back failed, too: /sbin/failing: it failed with status 4:"
		     " ill: mend that, then: pciferry undo 1"));
	assert_int_equal(count_runs(sys), 2);
	assert_int_equal(system_undo(sys, 1), -EIO);
	assert_string_equal(sys->err.subject, "/sbin/failing");
	tree_file(sys->tree, "etc/mended", "");
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_file(sys, "made/image", "one\n");
}

/* A tool edits what was written: neither version is lost. */
static void what_a_tool_does_to_a_file_is_told(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };

	if (!system_can_run_tools())
		skip();
	system_tool(sys, "sbin/failing", "echo tool >>/etc/file; exit 1");
	system_write(&edits, "etc/file", "two\n");
	system_write(&edits, "etc/new", "two\n");
	system_run(&edits, "sbin/failing");
	assert_true(system_apply(sys, &edits, NULL) < 0);
	assert_string_equal(sys->err.subject, "/sbin/failing");
	assert_true(has_evidence(sys, "taking it back failed, too: /etc/file: somebody "
				      "else has changed it meanwhile: it stays: mend "
				      "that, then: pciferry undo 1"));
	system_assert_gone(sys, "etc/new");
	assert_refused(sys, 1, "/etc/file");
	change_edits_free(&edits);
}

struct told {
	unsigned int edits, ticks;
	char line[64];
};

static void tell_edit(const struct change_edit *edit, void *argument)
{
	struct told *told = argument;

	assert_non_null(edit->purpose);
	told->edits++;
}

static void tell_tool(const struct change_edit *edit, unsigned int seconds,
		      const char *line, void *argument)
{
	struct told *told = argument;

	assert_string_equal(edit->path, "sbin/slow");
	assert_true(seconds < 10);
	told->ticks++;
	snprintf(told->line, sizeof(told->line), "%s", line);
}

static void a_tool_s_last_line_is_told_while_it_runs(void **state)
{
	struct system *sys = *state;
	struct told told = { 0 };
	struct change_watcher watcher = { tell_edit, tell_tool, &told };
	struct change_title title = { .title = "a test", .subjects = &sys->subjects };
	struct change_edits edits = { 0 };
	unsigned int id;

	if (!system_can_run_tools())
		skip();
	system_tool(sys, "sbin/slow", "echo first; printf 'second\\r\\n\\n'; sleep 1");
	system_write(&edits, "etc/file", "two\n");
	system_run(&edits, "sbin/slow");
	assert_int_equal(change_edits_look(sys->host, &edits, &sys->err), 0);
	assert_int_equal(
		change_apply(&sys->change, &title, &edits, &watcher, &id, &sys->err), 0);
	assert_int_equal(told.edits, 2);
	assert_true(told.ticks > 2);
	assert_string_equal(told.line, "second");
	change_edits_free(&edits);
}

#define SYSTEM_TEST(name) \
	cmocka_unit_test_setup_teardown(name, put_system, system_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(a_file_that_was_edited_since_is_not_lost),
		SYSTEM_TEST(all_three_sides_of_a_file_are_shown),
		SYSTEM_TEST(of_a_long_difference_the_beginning_is_shown),
		SYSTEM_TEST(what_took_a_file_s_place_is_not_lost),
		SYSTEM_TEST(changes_are_undone_in_the_other_order),
		SYSTEM_TEST(what_never_was_cannot_be_undone),
		SYSTEM_TEST(what_tools_made_is_made_again),
		SYSTEM_TEST(what_has_a_way_back_of_its_own_is_taken_back_by_that),
		SYSTEM_TEST(a_tool_that_fails_leaves_nothing_changed),
		SYSTEM_TEST(of_a_line_without_an_end_only_its_beginning_is_told),
		SYSTEM_TEST(a_tool_that_is_missing_is_missed_before_anything_is_done),
		SYSTEM_TEST(what_cannot_be_made_again_is_not_called_undone),
		SYSTEM_TEST(what_a_tool_does_to_a_file_is_told),
		SYSTEM_TEST(a_tool_s_last_line_is_told_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
