/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/tree.h"

static int setup(void **state)
{
	*state = host_tree_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	host_tree_free(*state);
	return 0;
}

static void add(struct host_tree *tree, const char *path, const char *text)
{
	assert_int_equal(host_tree_add(tree, path, TREE_FILE, text, strlen(text)), 0);
}

static void add_link(struct host_tree *tree, const char *path, const char *target)
{
	assert_int_equal(host_tree_add(tree, path, TREE_LINK, target, strlen(target)), 0);
}

/* The text of the file that a path leads to, or the error's name. */
static const char *at(const struct host_tree *tree, const char *path)
{
	const struct host_tree_node *node = NULL;
	int r = host_tree_find(tree, NULL, path, true, &node);

	if (r < 0)
		return strerrorname_np(-r);
	switch (node->kind) {
	case TREE_FILE:
		return node->bytes;
	case TREE_DIRECTORY:
		return "directory";
	default:
		return "unknown";
	}
}

static void a_link_leads_where_it_would_on_the_host(void **state)
{
	struct host_tree *tree = *state;

	add(tree, "sys/devices/a/value", "a");
	add(tree, "value", "root");
	add_link(tree, "sys/bus/devices/a", "../../devices/a");
	add_link(tree, "sys/absolute", "/sys/devices/a");
	add_link(tree, "sys/devices/a/self", ".");
	add_link(tree, "sys/twice", "absolute/self/value");
	assert_string_equal(at(tree, "sys/bus/devices/a/value"), "a");
	assert_string_equal(at(tree, "/sys//bus/./devices/a/value"), "a");
	assert_string_equal(at(tree, "sys/absolute/value"), "a");
	assert_string_equal(at(tree, "sys/absolute/self/self/value"), "a");
	assert_string_equal(at(tree, "sys/twice"), "a");
	/* ".." is of where the link has led, as for a kernel. */
	assert_string_equal(at(tree, "sys/bus/devices/a/../../../value"), "root");
	assert_string_equal(at(tree, ""), "directory");
	assert_string_equal(at(tree, "/"), "directory");
}

static void no_link_leads_out_of_the_tree(void **state)
{
	struct host_tree *tree = *state;

	add(tree, "etc/passwd", "theirs");
	add_link(tree, "up", "../../../../../../etc/passwd");
	add_link(tree, "deep/er/up", "../../../../../etc");
	assert_string_equal(at(tree, "up"), "theirs");
	assert_string_equal(at(tree, "deep/er/up/passwd"), "theirs");
	assert_string_equal(at(tree, "../../etc/passwd"), "theirs");
}

static void links_without_end_are_an_error(void **state)
{
	struct host_tree *tree = *state;
	char name[16], next[16];

	add_link(tree, "self", "self");
	add_link(tree, "a", "b/x");
	add_link(tree, "b", "a/x");
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(next, sizeof(next), "c%d", i + 1);
		add_link(tree, name, next);
	}
	add(tree, "c50", "end");
	add_link(tree, "grow", "grow/grow");
	assert_string_equal(at(tree, "self"), "ELOOP");
	assert_string_equal(at(tree, "a"), "ELOOP");
	assert_string_equal(at(tree, "b/y"), "ELOOP");
	assert_string_equal(at(tree, "grow"), "ELOOP");
	/* As many as a kernel follows. */
	assert_string_equal(at(tree, "c10"), "end");
	assert_string_equal(at(tree, "c9"), "ELOOP");
}

static void a_path_that_grows_too_long_is_an_error(void **state)
{
	struct host_tree *tree = *state;
	char target[3000], path[3000];

	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	memcpy(path, target, sizeof(path));
	memcpy(path, "l/", 2);
	add_link(tree, "l", target);
	assert_string_equal(at(tree, path), "ENAMETOOLONG");
}

static void what_was_not_asked_is_unknown_and_never_absent(void **state)
{
	struct host_tree *tree = *state;

	add(tree, "folder/known", "x");
	assert_int_equal(host_tree_add_error(tree, "folder/gone", ENOENT), 0);
	assert_int_equal(host_tree_add_error(tree, "folder/shut", EACCES), 0);
	assert_int_equal(host_tree_add(tree, "folder/seen", TREE_UNKNOWN, NULL, 0), 0);
	assert_string_equal(at(tree, "folder/gone"), "ENOENT");
	assert_string_equal(at(tree, "folder/gone/below"), "ENOENT");
	assert_string_equal(at(tree, "folder/shut"), "EACCES");
	assert_string_equal(at(tree, "folder/shut/below"), "EACCES");
	assert_string_equal(at(tree, "folder/seen"), "unknown");
	assert_string_equal(at(tree, "folder/seen/below"), "ENODATA");
	assert_string_equal(at(tree, "folder/known/below"), "ENOTDIR");
	assert_string_equal(at(tree, "folder/other"), "ENODATA");
	assert_string_equal(at(tree, "other/other"), "ENODATA");
	/* Of a listed one, all is known that is not in it. */
	assert_int_equal(host_tree_mark_listed(tree, "folder"), 0);
	assert_string_equal(at(tree, "folder/other"), "ENOENT");
	assert_string_equal(at(tree, "folder/seen"), "unknown");
	assert_string_equal(at(tree, "other"), "ENODATA");
}

static void what_says_more_is_kept(void **state)
{
	struct host_tree *tree = *state;

	add(tree, "file", "first");
	add(tree, "file", "one");
	assert_int_equal(host_tree_add_error(tree, "file", EIO), 0);
	assert_int_equal(host_tree_add(tree, "file", TREE_UNKNOWN, NULL, 0), 0);
	assert_string_equal(at(tree, "file"), "first");
	add(tree, "file", "the whole file");
	assert_string_equal(at(tree, "file"), "the whole file");
	assert_int_equal(host_tree_add_error(tree, "late", ENOENT), 0);
	assert_int_equal(host_tree_add(tree, "late", TREE_UNKNOWN, NULL, 0), 0);
	assert_string_equal(at(tree, "late"), "ENOENT");
	add(tree, "late", "there after all");
	assert_string_equal(at(tree, "late"), "there after all");
	/* That it could not be listed does not hide what could be read in it. */
	add(tree, "shut/file", "read");
	assert_int_equal(host_tree_add_error(tree, "shut", EACCES), 0);
	assert_string_equal(at(tree, "shut/file"), "read");
}

static void nothing_is_two_things(void **state)
{
	struct host_tree *tree = *state;

	add(tree, "file", "x");
	add_link(tree, "link", "file");
	add(tree, "folder/file", "x");
	assert_int_equal(host_tree_add(tree, "file/below", TREE_FILE, "x", 1), -EEXIST);
	assert_int_equal(host_tree_add(tree, "link/below", TREE_FILE, "x", 1), -EEXIST);
	assert_int_equal(host_tree_add(tree, "link", TREE_FILE, "x", 1), -EEXIST);
	assert_int_equal(host_tree_add(tree, "file", TREE_LINK, "x", 1), -EEXIST);
	assert_int_equal(host_tree_add(tree, "folder", TREE_FILE, "x", 1), -EEXIST);
	assert_int_equal(host_tree_mark_listed(tree, "file"), -EEXIST);
	assert_int_equal(host_tree_mark_listed(tree, "link"), -EEXIST);
}

static void only_plain_paths_are_added(void **state)
{
	static const char *const bad[] = { "",	   "/",	   "/a",     ".",     "..",
					   "a/..", "../a", "a/../b", "a/./b", "./a" };
	struct host_tree *tree = *state;
	char wide[300], deep[2 * HOST_TREE_DEPTH_MAX + 4] = "";

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(host_tree_add(tree, bad[i], TREE_FILE, "x", 1), -EINVAL);
		assert_int_equal(host_tree_add_error(tree, bad[i], ENOENT), -EINVAL);
		assert_int_equal(host_tree_mark_listed(tree, bad[i]), -EINVAL);
	}
	memset(wide, 'w', sizeof(wide));
	wide[256] = '\0';
	assert_int_equal(host_tree_add(tree, wide, TREE_FILE, "x", 1), -EINVAL);
	wide[255] = '\0';
	assert_int_equal(host_tree_add(tree, wide, TREE_FILE, "x", 1), 0);
	for (int i = 0; i < HOST_TREE_DEPTH_MAX; i++)
		memcpy(deep + 2 * i, "d/", 3);
	assert_int_equal(host_tree_add(tree, deep, TREE_DIRECTORY, NULL, 0), 0);
	memcpy(deep + 2 * HOST_TREE_DEPTH_MAX, "x", 2);
	assert_int_equal(host_tree_add(tree, deep, TREE_FILE, "x", 1), -EINVAL);
	/* Dots that are no more than letters. */
	add(tree, "..a/.b/...", "x");
	assert_string_equal(at(tree, "..a/.b/..."), "x");
}

static void as_many_nodes_as_may_be_and_no_more(void **state)
{
	struct host_tree *tree = *state;
	char path[16];
	int r = 0, n;

	for (n = 0; r == 0 && n <= HOST_TREE_NODES_MAX; n++) {
		snprintf(path, sizeof(path), "%07d", n);
		r = host_tree_add(tree, path, TREE_UNKNOWN, NULL, 0);
	}
	assert_int_equal(r, -E2BIG);
	assert_int_equal(n, HOST_TREE_NODES_MAX + 1);
	/* What is there already is no new one. */
	add(tree, "0000000", "x");
}

static int collect(const char *path, const struct host_tree_node *node, void *argument)
{
	(void)node;
	return string_list_add(argument, path);
}

static int stop(const char *path, const struct host_tree_node *node, void *argument)
{
	(void)path, (void)node;
	return --*(int *)argument ? 0 : -ECANCELED;
}

static void a_walk_is_in_order_and_parents_come_first(void **state)
{
	static const char *const wanted[] = { "a", "a/b", "a/b/c", "a/ba", "ab", "b" };
	_cleanup_(string_list_free) struct string_list paths = { 0 };
	struct host_tree *tree = *state;
	int left = 3;

	add(tree, "b", "x");
	add(tree, "ab", "x");
	add(tree, "a/ba", "x");
	add(tree, "a/b/c", "x");
	assert_int_equal(host_tree_walk(tree, collect, &paths), 0);
	assert_int_equal(paths.count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < paths.count; i++)
		assert_string_equal(paths.items[i], wanted[i]);
	assert_int_equal(host_tree_walk(tree, stop, &left), -ECANCELED);
	assert_int_equal(left, 0);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(a_link_leads_where_it_would_on_the_host),
		TREE_TEST(no_link_leads_out_of_the_tree),
		TREE_TEST(links_without_end_are_an_error),
		TREE_TEST(a_path_that_grows_too_long_is_an_error),
		TREE_TEST(what_was_not_asked_is_unknown_and_never_absent),
		TREE_TEST(what_says_more_is_kept),
		TREE_TEST(nothing_is_two_things),
		TREE_TEST(only_plain_paths_are_added),
		TREE_TEST(as_many_nodes_as_may_be_and_no_more),
		TREE_TEST(a_walk_is_in_order_and_parents_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
