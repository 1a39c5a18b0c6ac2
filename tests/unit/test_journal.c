/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Journals that are not as they were written. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST CHANGE_JOURNAL "/1/"

/* It is told, by the history as by an undo, and no file is touched. */
static void assert_damage(struct system *sys, const char *damage)
{
	char *before = system_snapshot(sys), *after;
	struct change_history history;

	assert_int_equal(change_history_read(sys->host, &history, &sys->err), 0);
	assert_int_equal(history.count, 1);
	assert_non_null(history.items[0].title);
	assert_non_null(history.items[0].damage);
	if (damage)
		assert_string_equal(history.items[0].damage, damage);
	assert_true(system_undo(sys, 1) < 0);
	assert_string_equal(sys->err.subject, "/" CHANGE_JOURNAL "/1");
	assert_non_null(strstr(sys->err.message, "it is damaged"));
	assert_non_null(strstr(sys->err.message, history.items[0].damage));
	after = system_snapshot(sys);
	assert_string_equal(before, after);
	change_history_free(&history);
	free(before);
	free(after);
}

static void a_description_that_was_cut_is_told(void **state)
{
	struct system *sys = *state;
	size_t whole;
	char *text;

	system_change_all(sys);
	text = system_read(sys, FIRST "change.json", &whole);
	for (size_t len = 0; len < whole; len++) {
		tree_bytes(sys->tree, FIRST "change.json", text, len);
		assert_damage(sys, "change.json: it is not what was written");
	}
	unlinkat(sys->tree->fd, FIRST "change.json", 0);
	assert_damage(sys, "change.json: No such file or directory");
	tree_bytes(sys->tree, FIRST "change.json", text, whole);
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_file(sys, "etc/edited", "one\n");
	free(text);
}

/* Without a description nothing was done: it is written before the first line of state.
 */
static void what_was_never_begun_is_undone(void **state)
{
	struct system *sys = *state;
	struct change_history history;

	tree_bytes(sys->tree, FIRST "before-0", "one\n", 4);
	assert_int_equal(change_history_read(sys->host, &history, &sys->err), 0);
	assert_int_equal(history.count, 1);
	assert_int_equal(history.items[0].state, CHANGE_UNDONE);
	assert_null(history.items[0].damage);
	change_history_free(&history);
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_file(sys, FIRST "before-0", "one\n");
}

/* Wherever the power went, the files tell. */
static void a_state_that_was_cut_does_not_matter(void **state)
{
	static const char whole[] = "begin 0\nbegin 1\nbegin 2\napplied\nundo\nundone\n";
	size_t undone = strlen(whole);
	struct system *sys = *state;
	char *applied, *before, *now;

	system_change_all(sys);
	applied = system_snapshot(sys);
	assert_int_equal(system_undo(sys, 1), 0);
	before = system_snapshot(sys);
	for (size_t len = 0; len <= undone; len++) {
		tree_file(sys->tree, "etc/edited", "two\n");
		unlinkat(sys->tree->fd, "etc/removed", 0);
		tree_file(sys->tree, "etc/new/file", "new\n");
		tree_bytes(sys->tree, FIRST "state", whole, len);
		assert_int_equal(system_undo(sys, 1), 0);
		if (len == undone)
			break;
		now = system_snapshot(sys);
		assert_string_equal(now, before);
		free(now);
	}
	/* Only what ends with it is undone. */
	system_assert_file(sys, "etc/edited", "two\n");
	unlinkat(sys->tree->fd, FIRST "state", 0);
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_file(sys, "etc/edited", "one\n");
	tree_file(sys->tree, "etc/edited", "two\n");
	tree_bytes(sys->tree, FIRST "state", "\0\0\0\n\nundone \nundon\xff", 18);
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_file(sys, "etc/edited", "one\n");
	free(applied);
	free(before);
}

static void a_state_that_cannot_be_read_is_told(void **state)
{
	struct system *sys = *state;

	system_change_all(sys);
	unlinkat(sys->tree->fd, FIRST "state", 0);
	tree_folder(sys->tree, FIRST "state");
	assert_damage(sys, NULL);
}

static void bytes_that_are_not_what_was_kept_are_not_given_back(void **state)
{
	struct system *sys = *state;

	system_change_all(sys);
	tree_file(sys->tree, FIRST "before-0", "on");
	assert_damage(sys, "before-0: it is not what was written");
	tree_bytes(sys->tree, FIRST "before-0", "\0\0\0\0", 4);
	assert_damage(sys, "before-0: it is not what was written");
	tree_file(sys->tree, FIRST "before-0", "one\n");
	unlinkat(sys->tree->fd, FIRST "before-1", 0);
	assert_damage(sys, "before-1: No such file or directory");
	tree_file(sys->tree, FIRST "before-1", "gone\n");
	tree_file(sys->tree, FIRST "after-2", "");
	assert_damage(sys, "after-2: it is not what was written");
	unlinkat(sys->tree->fd, FIRST "after-2", 0);
	assert_damage(sys, "after-2: No such file or directory");
	tree_file(sys->tree, FIRST "after-2", "new\n");
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_file(sys, "etc/edited", "one\n");
	system_assert_file(sys, "etc/removed", "gone\n");
	system_assert_gone(sys, "etc/new");
}

/* The description, with the first of these words replaced. The caller frees it. */
static char *replace(const char *text, const char *word, const char *by)
{
	const char *at = strstr(text, word);
	char *replaced;

	assert_non_null(at);
	assert_true(asprintf(&replaced, "%.*s%s%s", (int)(at - text), text, by,
			     at + strlen(word)) > 0);
	return replaced;
}

static void what_is_of_another_kind_than_it_should_be_is_told(void **state)
{
	static const char *const changes[][2] = {
		{ "\"version\":1", "\"version\":2" },
		{ "\"version\":1", "\"version\":\"1\"" },
		{ "\"version\":1", "\"other\":1" },
		{ "\"title\":\"a test\"", "\"title\":5" },
		{ "\"time\":", "\"time\":true, \"other\":" },
		{ "\"subjects\":[", "\"subjects\":[7" },
		{ "\"subjects\":[", "\"subjects\":[null" },
		{ "\"edits\":[", "\"edits\":{}, \"other\":[" },
		{ "\"edits\":[", "\"edits\":[null," },
		{ "\"edits\":[", "\"edits\":[[]," },
		{ "\"kind\":\"write\"", "\"kind\":\"move\"" },
		{ "\"kind\":\"write\"", "\"kind\":0" },
		{ "\"kind\":\"write\"", "\"kind\":\"run\"" },
		{ "\"path\":\"etc", "\"path\":5, \"other\":\"etc" },
		{ "\"purpose\":", "\"other\":" },
		{ "\"existed\":true", "\"existed\":\"false\"" },
		{ "\"existed\":true", "\"existed\":0" },
		{ "\"existed\":true", "\"other\":true" },
		{ "\"before_sum\":", "\"other\":" },
		{ "\"before_sum\":\"", "\"before_sum\":\"0" },
		{ "\"after_sum\":", "\"after_sum\":5, \"other\":" },
		{ "\"folders\":[", "\"folders\":[5" },
		{ "\"folders\":[", "\"folders\":[[]" },
		{ "\"folders\":[", "\"other\":[" },
		{ "\"mode\":", "\"mode\":-1, \"other\":" },
		{ "\"mode\":", "\"mode\":4096, \"other\":" },
		{ "\"mode\":", "\"mode\":1e3, \"other\":" },
		{ "\"uid\":", "\"uid\":4294967295, \"other\":" },
		{ "\"uid\":", "\"uid\":99999999999999999999999, \"other\":" },
		{ "\"gid\":", "\"gid\":\"0\", \"other\":" },
		{ "\"accessed\":[", "\"accessed\":[],"
				    "\"other\":[" },
		{ "\"written\":[", "\"written\":[1,-1], \"other\":[" },
		{ "\"written\":[", "\"written\":[1,1073741823], \"other\":[" },
		{ "\"written\":[", "\"written\":[\"1\",1], \"other\":[" },
		{ "\"written\":[", "\"written\":[1,2,3], \"other\":[" },
		{ "\"attributes\":{", "\"attributes\":[], \"other\":{" },
		{ "\"attributes\":{", "\"attributes\":{\"user.x\":1}, \"other\":{" },
		{ "\"attributes\":{", "\"attributes\":{\"user.x\":\"0\"}, \"other\":{" },
		{ "\"attributes\":{", "\"attributes\":{\"user.x\":\"zz\"}, \"other\":{" },
		{ "\"attributes\":{", "\"attributes\":{\"user.x\":null}, \"other\":{" },
	};
	struct system *sys = *state;
	char *text;

	system_change_all(sys);
	/* The tokens are the same, whatever the spaces between them. */
	text = system_read(sys, FIRST "change.json", NULL);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *changed = replace(text, changes[i][0], changes[i][1]);

		tree_file(sys->tree, FIRST "change.json", changed);
		assert_damage(sys, NULL);
		free(changed);
	}
	tree_file(sys->tree, FIRST "change.json", "[]");
	assert_damage(sys, NULL);
	tree_file(sys->tree, FIRST "change.json", "5");
	assert_damage(sys, NULL);
	free(text);
}

/* Any byte may be another one: it is told or not, but nothing is read past its end. */
static void no_byte_of_a_description_is_trusted(void **state)
{
	struct system *sys = *state;
	size_t len;
	char *text;

	system_change_all(sys);
	text = system_read(sys, FIRST "change.json", &len);
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			struct change_history history;

			text[i] ^= (char)(1 << bit);
			tree_bytes(sys->tree, FIRST "change.json", text, len);
			text[i] ^= (char)(1 << bit);
			assert_int_equal(
				change_history_read(sys->host, &history, &sys->err), 0);
			assert_int_equal(history.count, 1);
			change_history_free(&history);
		}
	free(text);
}

/* Makes the new file of the description another one. */
static void redirect(struct system *sys, const char *text, const char *path)
{
	char *quoted, *changed;

	assert_true(asprintf(&quoted, "\"path\":\"%s\"", path) > 0);
	changed = replace(text, "\"path\":\"etc\\/new\\/file\"", quoted);
	tree_file(sys->tree, FIRST "change.json", changed);
	free(quoted);
	free(changed);
}

/*
 * A root that was mounted may hold any journal. The victim has exactly the bytes that the
 * journal claims to have made, so that an undo that reached it would remove it.
 */
static void nothing_outside_of_the_root_is_reached(void **state)
{
	static const char *const ways[] = { "%s/victim", "../../../../../..%s/victim",
					    "etc/../../..%s/victim", "etc/link/victim",
					    "etc/up/victim" };
	struct system *sys = *state;
	struct system outside = { 0 };
	char path[256], *text, *before, *after;
	void *tree = NULL;

	assert_int_equal(tree_setup(&tree), 0);
	outside.tree = tree;
	tree_file(tree, "victim", "new\n");
	system_change_all(sys);
	tree_link(sys->tree, "etc/link", outside.tree->path);
	snprintf(path, sizeof(path), "../../../..%s", outside.tree->path);
	tree_link(sys->tree, "etc/up", path);
	text = system_read(sys, FIRST "change.json", NULL);
	before = system_snapshot(&outside);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(path, sizeof(path), ways[i], outside.tree->path);
		redirect(sys, text, path);
		unlinkat(sys->tree->fd, FIRST "state", 0);
		assert_int_equal(system_undo(sys, 1), 0);
		after = system_snapshot(&outside);
		assert_string_equal(before, after);
		free(after);
	}
	free(text);
	free(before);
	assert_int_equal(tree_teardown(&tree), 0);
}

static void no_folder_outside_of_the_root_is_removed(void **state)
{
	struct system *sys = *state;
	struct system outside = { 0 };
	char folders[512], *text, *changed, *before, *after;
	void *tree = NULL;

	assert_int_equal(tree_setup(&tree), 0);
	outside.tree = tree;
	tree_folder(tree, "empty");
	system_change_all(sys);
	before = system_snapshot(&outside);
	text = system_read(sys, FIRST "change.json", NULL);
	snprintf(folders, sizeof(folders),
		 "\"..%s/empty\", \"%s/empty\", \"..\", \"\", \"/\", \"etc/..\", "
		 "\"etc/new\"",
		 outside.tree->path, outside.tree->path);
	changed = replace(text, "\"etc\\/new\"", folders);
	tree_file(sys->tree, FIRST "change.json", changed);
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_gone(sys, "etc/new");
	after = system_snapshot(&outside);
	assert_string_equal(before, after);
	free(text);
	free(changed);
	free(before);
	free(after);
	assert_int_equal(tree_teardown(&tree), 0);
}

#define SYSTEM_TEST(name) \
	cmocka_unit_test_setup_teardown(name, system_setup, system_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(a_description_that_was_cut_is_told),
		SYSTEM_TEST(what_was_never_begun_is_undone),
		SYSTEM_TEST(a_state_that_was_cut_does_not_matter),
		SYSTEM_TEST(a_state_that_cannot_be_read_is_told),
		SYSTEM_TEST(bytes_that_are_not_what_was_kept_are_not_given_back),
		SYSTEM_TEST(what_is_of_another_kind_than_it_should_be_is_told),
		SYSTEM_TEST(no_byte_of_a_description_is_trusted),
		SYSTEM_TEST(nothing_outside_of_the_root_is_reached),
		SYSTEM_TEST(no_folder_outside_of_the_root_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
