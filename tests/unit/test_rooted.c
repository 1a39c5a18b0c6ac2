/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rooted.h"

static atomic_bool stop_renaming;

static void make_tree(const struct tree *tree)
{
	tree_file(tree, "etc/inside", "inside");
	tree_file(tree, "sys/devices/a/name", "a");
	tree_link(tree, "sys/bus/a", "../devices/a");
	tree_link(tree, "absolute", "/etc/inside");
	tree_link(tree, "passwd", "/etc/passwd");
	tree_link(tree, "climb", "../../../../../../../../etc/passwd");
	tree_link(tree, "home", "/");
	tree_link(tree, "loop", "loop");
	tree_link(tree, "long1", "long2");
	tree_link(tree, "long2", "long1");
	tree_link(tree, "slash", "sys/devices/a/");
}

static int try_open(const struct tree *tree, const char *path, int flags)
{
	int fd = rooted_open(tree->fd, path, flags, 0600);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void check_all(const struct tree *tree)
{
	static const struct {
		const char *path;
		int flags, result;
	} cases[] = {
		{ "etc/inside", O_RDONLY, 0 },
		{ "/etc/inside", O_RDONLY, 0 },
		{ "absolute", O_RDONLY, 0 },
		{ "home/home/etc/inside", O_RDONLY, 0 },
		{ "sys/bus/a/name", O_RDONLY, 0 },
		{ "sys/bus/a/../a/name", O_RDONLY, 0 },
		{ "../../../../etc/inside", O_RDONLY, 0 },
		{ "slash/name", O_RDONLY, 0 },
		{ "slash", O_RDONLY | O_DIRECTORY, 0 },
		{ "/", O_RDONLY | O_DIRECTORY, 0 },
		{ "..", O_RDONLY | O_DIRECTORY, 0 },
		/* There is an /etc/passwd on every machine, and none in the tree. */
		{ "passwd", O_RDONLY, -ENOENT },
		{ "climb", O_RDONLY, -ENOENT },
		{ "../../../../../../etc/passwd", O_RDONLY, -ENOENT },
		{ "sys/bus/a/../../../../../etc/passwd", O_RDONLY, -ENOENT },
		{ "home/../../etc/passwd", O_RDONLY, -ENOENT },
		{ "", O_RDONLY, -ENOENT },
		{ "loop", O_RDONLY, -ELOOP },
		{ "long1/x", O_RDONLY, -ELOOP },
		{ "absolute", O_RDONLY | O_NOFOLLOW, -ELOOP },
		{ "etc/inside/x", O_RDONLY, -ENOTDIR },
		{ "etc/inside", O_RDONLY | O_DIRECTORY, -ENOTDIR },
		{ "nowhere/x", O_RDONLY, -ENOENT },
		{ "absolute", O_PATH | O_NOFOLLOW, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = try_open(tree, cases[i].path, cases[i].flags);

		if (r != cases[i].result)
			fail_msg("%s: %d instead of %d", cases[i].path, r,
				 cases[i].result);
	}
}

static void check_content(const struct tree *tree)
{
	char text[16] = "";
	int fd = rooted_open(tree->fd, "absolute", O_RDONLY, 0);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 6);
	assert_string_equal(text, "inside");
	close(fd);
}

static void check_create_and_readlink(const struct tree *tree)
{
	char text[64];

	assert_int_equal(try_open(tree, "home/etc/made", O_WRONLY | O_CREAT | O_EXCL), 0);
	assert_int_equal(faccessat(tree->fd, "etc/made", F_OK, 0), 0);
	assert_int_equal(unlinkat(tree->fd, "etc/made", 0), 0);
	assert_int_equal(rooted_readlink(tree->fd, "home/sys/bus/a", text, sizeof(text)),
			 12);
	assert_string_equal(text, "../devices/a");
	assert_int_equal(rooted_readlink(tree->fd, "climb", text, 8), -ENAMETOOLONG);
	assert_int_equal(rooted_readlink(tree->fd, "etc/inside", text, sizeof(text)),
			 -EINVAL);
}

static void a_hostile_tree_reaches_no_file_outside(void **state)
{
	make_tree(*state);
	check_all(*state);
	check_content(*state);
	check_create_and_readlink(*state);
}

static void nor_does_it_on_a_kernel_without_openat2(void **state)
{
	make_tree(*state);
	rooted_force_fallback(true);
	check_all(*state);
	check_content(*state);
	check_create_and_readlink(*state);
	rooted_force_fallback(false);
}

/* Renames of anything, anywhere, make openat2() give up at a "..". */
static void *rename_on_and_on(void *argument)
{
	const struct tree *tree = argument;

	while (!atomic_load(&stop_renaming)) {
		renameat(tree->fd, "moved/a", tree->fd, "moved/b");
		renameat(tree->fd, "moved/b", tree->fd, "moved/a");
	}
	return NULL;
}

static void what_others_rename_makes_nothing_unreadable(void **state)
{
	struct tree *tree = *state;
	pthread_t thread;
	int failed = 0;

	make_tree(tree);
	tree_file(tree, "moved/a/file", "x");
	atomic_store(&stop_renaming, false);
	assert_int_equal(pthread_create(&thread, NULL, rename_on_and_on, tree), 0);
	for (int i = 0; i < 20000; i++)
		if (try_open(tree, "sys/bus/a/../a/../a/name", O_RDONLY) < 0)
			failed++;
	atomic_store(&stop_renaming, true);
	pthread_join(thread, NULL);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_hostile_tree_reaches_no_file_outside,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(nor_does_it_on_a_kernel_without_openat2,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(
			what_others_rename_makes_nothing_unreadable, tree_setup,
			tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
