/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes that are given to a user, in a folder: the nodes are made, and udev does not see
 * them. That it has done with a real one first is shown in the virtual host.
 */
#include "system.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char path[] = "dev/vfio/7";

/* A character device that does nothing, as /dev/null; false: not root here. */
static bool put_node(const struct system *sys)
{
	struct stat status;

	tree_folder(sys->tree, "dev/vfio");
	if (mknodat(sys->tree->fd, path, S_IFCHR | 0600, makedev(1, 3)) < 0)
		return false;
	assert_int_equal(fstatat(sys->tree->fd, path, &status, 0), 0);
	assert_int_equal(status.st_uid, 0);
	return true;
}

static void owner_alone_changes(void **state)
{
	struct system *sys = *state;
	struct stat status;

	if (!put_node(sys))
		skip();
	assert_int_equal(change_give_node(&sys->change, path, "1234"), 0);
	assert_int_equal(fstatat(sys->tree->fd, path, &status, 0), 0);
	assert_int_equal(status.st_uid, 1234);
	assert_int_equal(status.st_gid, 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(change_give_node(&sys->change, path, "0"), 0);
	assert_int_equal(fstatat(sys->tree->fd, path, &status, 0), 0);
	assert_int_equal(status.st_uid, 0);
}

static void what_is_no_node_is_left_alone(void **state)
{
	struct system *sys = *state;
	struct stat status;

	tree_file(sys->tree, "etc/file", "one\n");
	tree_link(sys->tree, "dev/vfio/8", "../../etc/file");
	assert_int_equal(change_give_node(&sys->change, "etc/file", "1234"), -ENODEV);
	assert_true(change_give_node(&sys->change, "dev/vfio/8", "1234") < 0);
	assert_int_equal(change_give_node(&sys->change, "dev/vfio/9", "1234"), -ENOENT);
	assert_int_equal(fstatat(sys->tree->fd, "etc/file", &status, 0), 0);
	assert_int_equal(status.st_uid, geteuid());
}

static void what_is_no_number_is_nobody(void **state)
{
	static const char *const users[] = { "", "-1", "root", "1 ", "4294967295" };
	struct system *sys = *state;

	if (!put_node(sys))
		skip();
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		assert_int_equal(change_give_node(&sys->change, path, users[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(owner_alone_changes, system_setup,
						system_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_node_is_left_alone,
						system_setup, system_teardown),
		cmocka_unit_test_setup_teardown(what_is_no_number_is_nobody, system_setup,
						system_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
