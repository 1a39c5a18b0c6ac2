/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "looked.h"

#include <stdio.h>

#define HOLDS "sys/class/block/%s/holders/%s"

static void add_holder(const struct tree *tree, const char *below, const char *name,
		       const char *number)
{
	char path[256];

	snprintf(path, sizeof(path), HOLDS, below, name);
	tree_folder(tree, path);
	quiet_disk(tree, "virtual/block", name, NULL, number);
}

static void a_disk_that_nothing_uses_can_be_given_away(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	/* Of another disk, whose numbers begin alike; and one that is not on PCI. */
	quiet_disk(tree, "platform/host0", "sda", NULL, "8:0");
	quiet_mounts(tree,
		     "30 22 8:0 / / rw - ext4 /dev/sda rw\n"
		     "31 22 259:100 / /mnt rw - ext4 /dev/nvme0n10 rw\n"
		     "32 22 0:21 / /sys rw - sysfs sysfs rw\n",
		     "/dev/nvme0n1p10 partition 1 0 -2\n");
	look(tree, &looked);
	expect_free(&looked, DISK);
	expect_free(&looked, OTHER_DISK);
	look_away(&looked);
}

static void a_mounted_partition_is_not_pulled_away(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	/* By its number: the source may be a name that nobody knows any more. */
	quiet_mounts(tree, "30 22 259:1 / /mnt/a\\040b rw - ext4 /dev/root rw\n", "");
	look(tree, &looked);
	expect_use(&looked, DISK, USAGE_MOUNT, "nvme0n1p1 is mounted on /mnt/a b");
	expect_verdict(&looked, DISK, USAGE_IN_USE,
		       DISK ": nvme0n1p1 is mounted on /mnt/a b");
	expect_free(&looked, OTHER_DISK);
	look_away(&looked);
}

static void a_disk_mounted_whole_is_not_pulled_away(void **state)
{
	const struct tree *tree = *state;

	quiet_mounts(tree, "30 22 259:0 / /srv rw - xfs /dev/nvme0n1 rw\n", "");
	look_expect_use(tree, DISK, USAGE_MOUNT, "nvme0n1 is mounted on /srv");
}

static void the_root_file_system_is_told_as_such(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_mounts(tree,
		     "30 22 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n"
		     "31 22 259:1 / /boot rw - vfat /dev/nvme0n1p1 rw\n",
		     "");
	look(tree, &looked);
	expect_use(&looked, DISK, USAGE_ROOT,
		   "nvme0n1p2 is mounted on /: the root file system");
	expect_use(&looked, DISK, USAGE_MOUNT, "nvme0n1p1 is mounted on /boot");
	assert_int_equal(count_use(&looked, DISK, USAGE_ROOT), 1);
	look_away(&looked);
}

/* The one who asks may be in a namespace of his own, without the host's mounts. */
static void a_mount_that_only_the_first_process_has_counts(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "proc/1/mountinfo",
		  "30 22 259:1 / /srv rw - ext4 /dev/nvme0n1p1 rw\n");
	look_expect_use(tree, DISK, USAGE_MOUNT, "nvme0n1p1 is mounted on /srv");
}

static void a_mount_in_another_namespace_counts_and_names_the_process(void **state)
{
	const struct tree *tree = *state;

	quiet_process(tree, "640", "sleep", "/dev/null");
	tree_file(tree, "proc/812/comm", "containerd-shim\n");
	tree_link(tree, "proc/812/ns/mnt", "mnt:[4026532999]");
	tree_file(tree, "proc/812/mountinfo",
		  "90 80 259:1 / /data rw - ext4 /dev/nvme0n1p1 rw\n");
	look_expect_only(
		tree, DISK, OTHER_DISK, USAGE_MOUNT,
		"nvme0n1p1 is mounted on /data in the mount namespace of process 812"
		" (containerd-shim)");
}

static void swap_space_is_in_use(void **state)
{
	const struct tree *tree = *state;

	quiet_mounts(tree, "", "/dev/nvme0n1p2 partition 8388604 0 -2\n");
	look_expect_only(tree, DISK, OTHER_DISK, USAGE_SWAP, "nvme0n1p2 is swap space");
}

/* The kernel tells the file only: the file system that it is on must be mounted. */
static void a_swap_file_keeps_the_disk_beneath_it(void **state)
{
	const struct tree *tree = *state;

	quiet_mounts(tree, "30 22 259:1 / /var rw - ext4 /dev/nvme0n1p1 rw\n",
		     "/var/swapfile file 1048572 0 -2\n");
	look_expect_use(tree, DISK, USAGE_MOUNT, "nvme0n1p1 is mounted on /var");
}

/* A key that cryptsetup opened, a volume in it, and the mount that is on top. */
static void what_is_built_on_a_disk_is_followed_to_its_top(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	add_holder(tree, "nvme0n1p2", "dm-0", "254:0");
	tree_file(tree, "sys/class/block/dm-0/dm/name", "luks-1234\n");
	add_holder(tree, "dm-0", "dm-1", "254:1");
	tree_file(tree, "sys/class/block/dm-1/dm/name", "vg-swap\n");
	add_holder(tree, "dm-0", "dm-2", "254:2");
	tree_file(tree, "sys/class/block/dm-2/dm/name", "vg-home\n");
	quiet_mounts(tree, "30 22 254:2 / /home rw - ext4 /dev/mapper/vg-home rw\n",
		     "/dev/mapper/vg-swap partition 1 0 -2\n");
	look(tree, &looked);
	expect_use(&looked, DISK, USAGE_HOLDER, "nvme0n1p2 is part of dm-0 (luks-1234)");
	expect_use(&looked, DISK, USAGE_HOLDER, "dm-0 is part of dm-2 (vg-home)");
	expect_use(&looked, DISK, USAGE_SWAP, "dm-1 is swap space");
	expect_use(&looked, DISK, USAGE_MOUNT, "dm-2 is mounted on /home");
	expect_free(&looked, OTHER_DISK);
	look_away(&looked);
}

/* An array that is running, and is not mounted: its member is no less in use. */
static void a_member_of_an_array_is_in_use(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	add_holder(tree, "nvme0n1", "md127", "9:127");
	quiet_disk(tree, "virtual/block", "md127", "md127p1", "259:20");
	look(tree, &looked);
	expect_use(&looked, DISK, USAGE_HOLDER, "nvme0n1 is part of md127");
	assert_int_equal(count_use(&looked, DISK, USAGE_MOUNT), 0);
	look_away(&looked);
	quiet_mounts(tree, "30 22 259:20 / /srv rw - ext4 /dev/md127p1 rw\n", "");
	look_expect_use(tree, DISK, USAGE_MOUNT, "md127p1 is mounted on /srv");
}

static void a_stack_without_end_is_not_followed_for_ever(void **state)
{
	const struct tree *tree = *state;
	char below[16] = "nvme0n1", name[16], number[16];
	struct looked looked;

	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "dm-%d", i);
		snprintf(number, sizeof(number), "254:%d", i);
		add_holder(tree, below, name, number);
		snprintf(below, sizeof(below), "%s", name);
	}
	look(tree, &looked);
	expect_use(&looked, DISK, USAGE_UNREADABLE, "stacked too deep");
	expect_use(&looked, DISK, USAGE_HOLDER, "nvme0n1 is part of dm-0");
	look_away(&looked);
}

static void a_member_of_a_zfs_pool_is_in_use(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "run/udev/data/b259:1",
		  "S:disk/by-id/nvme-x-part1\nE:ID_FS_TYPE=zfs_member\n"
		  "E:ID_FS_LABEL=tank\n");
	/* Without ZFS in the kernel, no pool can have it. */
	look_expect_free(tree, DISK);
	tree_folder(tree, "sys/module/zfs");
	look_expect_only(tree, DISK, OTHER_DISK, USAGE_POOL,
			 "nvme0n1p1 belongs to the ZFS pool tank");
}

/* mountinfo tells one device of a btrfs, and a number that is no device's. */
static void each_member_of_a_btrfs_is_in_use(void **state)
{
	static const char properties[] = "E:ID_FS_TYPE=btrfs\nE:ID_FS_UUID=aa-bb\n";
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:03:00.0", MODALIAS_NVME, "nvme", "3");
	quiet_disk(tree, "pci0000:00/0000:03:00.0/nvme/nvme2", "nvme2n1", NULL, "259:20");
	tree_file(tree, "run/udev/data/b259:1", properties);
	tree_file(tree, "run/udev/data/b259:20", properties);
	quiet_mounts(tree, "30 22 0:44 /@ /data rw - btrfs /dev/nvme2n1 rw\n", "");
	/* Unless the kernel says that it has it, it may be a copy with the same UUID. */
	look_expect_free(tree, DISK);
	tree_folder(tree, "sys/fs/btrfs/aa-bb/devices/nvme0n1p1");
	tree_folder(tree, "sys/fs/btrfs/aa-bb/devices/nvme2n1");
	look(tree, &looked);
	expect_use(&looked, "0000:03:00.0", USAGE_MOUNT, "nvme2n1 is mounted on /data");
	expect_use(&looked, DISK, USAGE_POOL,
		   "nvme0n1p1 belongs to a btrfs that is mounted (aa-bb)");
	expect_free(&looked, OTHER_DISK);
	look_away(&looked);
}

/* The controller's own path is hidden; what is mounted belongs to the subsystem. */
static void a_multipath_disk_in_use_is_found_by_its_head(void **state)
{
	static const char subsystem[] = "virtual/nvme-subsystem/nvme-subsys5";
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:05:00.0", MODALIAS_NVME, "nvme", "5");
	tree_function(tree, "0000:06:00.0", MODALIAS_NVME, "nvme", "6");
	quiet_class(tree, "block", "pci0000:00/0000:05:00.0/nvme/nvme7", "nvme5c7n1");
	quiet_class(tree, "block", "pci0000:00/0000:06:00.0/nvme/nvme8", "nvme5c8n1");
	quiet_disk(tree, subsystem, "nvme5n1", NULL, "259:30");
	quiet_disk(tree, subsystem, "nvme5n1", "nvme5n1p2", "259:32");
	look_expect_free(tree, "0000:05:00.0");
	quiet_mounts(tree, "30 22 259:32 / /srv rw - xfs /dev/nvme5n1p2 rw\n", "");
	look(tree, &looked);
	expect_use(&looked, "0000:05:00.0", USAGE_MOUNT, "nvme5n1p2 is mounted on /srv");
	expect_use(&looked, "0000:06:00.0", USAGE_MOUNT, "nvme5n1p2 is mounted on /srv");
	expect_free(&looked, DISK);
	look_away(&looked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disks_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_disk_that_nothing_uses_can_be_given_away),
		TEST(a_mounted_partition_is_not_pulled_away),
		TEST(a_disk_mounted_whole_is_not_pulled_away),
		TEST(the_root_file_system_is_told_as_such),
		TEST(a_mount_that_only_the_first_process_has_counts),
		TEST(a_mount_in_another_namespace_counts_and_names_the_process),
		TEST(swap_space_is_in_use),
		TEST(a_swap_file_keeps_the_disk_beneath_it),
		TEST(what_is_built_on_a_disk_is_followed_to_its_top),
		TEST(a_member_of_an_array_is_in_use),
		TEST(a_stack_without_end_is_not_followed_for_ever),
		TEST(a_member_of_a_zfs_pool_is_in_use),
		TEST(each_member_of_a_btrfs_is_in_use),
		TEST(a_multipath_disk_in_use_is_found_by_its_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
