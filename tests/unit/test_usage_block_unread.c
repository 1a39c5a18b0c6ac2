/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of disks: what could not be read counts as in use, and says so. */
#include "looked.h"

#include <stdio.h>
#include <unistd.h>

static int disk_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, DISK, MODALIAS_NVME, "nvme", "1");
	quiet_disk(tree, ON_DISK, "nvme0n1", NULL, "259:0");
	return 0;
}

static void without_any_mountinfo_a_disk_may_be_mounted(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "proc/self/mountinfo");
	quiet_unreadable(tree, "proc/1/mountinfo");
	look_expect_unreadable(tree, DISK,
			       "whether nvme0n1 is mounted is not known: no mountinfo");
}

/* A copy of a host's /sys alone. */
static void without_proc_a_disk_may_be_mounted(void **state)
{
	const struct tree *tree = *state;

	assert_int_equal(unlinkat(tree->fd, "proc/self/mountinfo", 0), 0);
	assert_int_equal(unlinkat(tree->fd, "proc/1/mountinfo", 0), 0);
	look_expect_unreadable(tree, DISK, "no mountinfo");
}

static void the_first_process_may_have_mounts_that_others_have_not(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "proc/1/mountinfo");
	look_expect_free(tree, DISK);
	assert_int_equal(unlinkat(tree->fd, "proc/self/ns/mnt", 0), 0);
	tree_link(tree, "proc/self/ns/mnt", "mnt:[4026532001]");
	look_expect_unreadable(tree, DISK, "asked whether it has nvme0n1 mounted");
}

static void swap_that_cannot_be_read_counts(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "proc/swaps");
	look_expect_unreadable(tree, DISK, "whether nvme0n1 is swap space is not known");
}

static void a_namespace_that_cannot_be_read_may_have_it_mounted(void **state)
{
	const struct tree *tree = *state;

	tree_link(tree, "proc/812/ns/mnt", "mnt:[4026532999]");
	quiet_unreadable(tree, "proc/812/mountinfo");
	look_expect_unreadable(tree, DISK, "asked whether it has nvme0n1 mounted");
}

static void a_process_that_cannot_be_looked_at_may_have_it_mounted(void **state)
{
	const struct tree *tree = *state;

	/* No link, and not absent either: what an ordinary user gets of root's. */
	quiet_unreadable(tree, "proc/812/ns/mnt");
	look_expect_unreadable(tree, DISK, "asked whether it has nvme0n1 mounted");
}

/* Once a mount is known, what others may have mounted says nothing more. */
static void a_known_mount_is_the_reason_given(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, "proc/812/ns/mnt");
	quiet_mounts(tree, "30 22 259:0 / /srv rw - ext4 /dev/nvme0n1 rw\n", "");
	look(tree, &looked);
	expect_use(&looked, DISK, USAGE_MOUNT, "nvme0n1 is mounted on /srv");
	expect_verdict(&looked, DISK, USAGE_IN_USE, "nvme0n1 is mounted on /srv");
	look_away(&looked);
}

/* hidepid=2: one sees one's own processes, and no sign that there are others. */
static void where_processes_are_hidden_one_may_have_it_mounted(void **state)
{
	const struct tree *tree = *state;

	assert_int_equal(renameat(tree->fd, "proc/1", tree->fd, "proc/4711"), 0);
	look_expect_unreadable(tree, DISK, "asked whether it has nvme0n1 mounted");
}

static void a_number_that_cannot_be_read_may_be_of_a_mount(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "sys/class/block/nvme0n1/dev");
	look_expect_unreadable(tree, DISK, "nvme0n1");
}

static void holders_that_cannot_be_read_count(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "sys/class/block/nvme0n1/holders", "");
	look_expect_unreadable(tree, DISK, "what is built on nvme0n1 could not be read");
}

static void what_udev_saw_and_cannot_be_read_may_be_a_pool(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "run/udev/data/b259:0");
	look_expect_unreadable(tree, DISK, "what udev knows of nvme0n1");
}

static void an_fstab_that_cannot_be_read_may_name_it(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "etc/fstab");
	look_expect_unreadable(tree, DISK, "/etc/fstab could not be read");
}

static void a_crypttab_that_cannot_be_read_may_name_it(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "etc/crypttab");
	look_expect_unreadable(tree, DISK, "/etc/crypttab could not be read");
}

/* Then there are no disks to ask about, but the driver may have made some. */
static void without_the_class_every_controller_with_a_driver_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:02:00.0", MODALIAS_NVME, NULL, "2");
	tree_function(tree, "0000:03:00.0", MODALIAS_NIC, "e1000e", "3");
	assert_int_equal(renameat(tree->fd, "sys/class/block", tree->fd,
				  "sys/class/was-block"),
			 0);
	look(tree, &looked);
	expect_unreadable(&looked, DISK, "no /sys/class/block");
	expect_free(&looked, "0000:02:00.0");
	expect_free(&looked, "0000:03:00.0");
	look_away(&looked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disk_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_any_mountinfo_a_disk_may_be_mounted),
		TEST(without_proc_a_disk_may_be_mounted),
		TEST(the_first_process_may_have_mounts_that_others_have_not),
		TEST(swap_that_cannot_be_read_counts),
		TEST(a_namespace_that_cannot_be_read_may_have_it_mounted),
		TEST(a_process_that_cannot_be_looked_at_may_have_it_mounted),
		TEST(a_known_mount_is_the_reason_given),
		TEST(where_processes_are_hidden_one_may_have_it_mounted),
		TEST(a_number_that_cannot_be_read_may_be_of_a_mount),
		TEST(holders_that_cannot_be_read_count),
		TEST(what_udev_saw_and_cannot_be_read_may_be_a_pool),
		TEST(an_fstab_that_cannot_be_read_may_name_it),
		TEST(a_crypttab_that_cannot_be_read_may_name_it),
		TEST(without_the_class_every_controller_with_a_driver_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
