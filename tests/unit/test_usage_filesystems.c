/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that only the file system itself, a loop device or a target tells of. */
#include "looked.h"

#include <fcntl.h>
#include <unistd.h>

/* Of the other disk udev knows that it is no member of a pool. */
static int known_setup(void **state)
{
	int r = disks_setup(state);

	tree_file(*state, "run/udev/data/b259:10", "E:ID_PART_TABLE_TYPE=gpt\n");
	return r;
}

static void look_expect(const struct tree *tree, enum usage_kind kind, const char *text)
{
	look_expect_only(tree, DISK, OTHER_DISK, kind, text);
}

static void expect_both_free(const struct tree *tree)
{
	look_expect_free(tree, DISK);
	look_expect_free(tree, OTHER_DISK);
}

/* Also by "umount -l", after which no process shows it. */
static void a_mount_that_no_process_shows_is_in_use(void **state)
{
	static const char *const folders[][2] = {
		{ "sys/fs/ext4/nvme0n1p1", "the ext4 on nvme0n1p1" },
		{ "sys/fs/xfs/nvme0n1", "the xfs on nvme0n1 mounted" },
		{ "sys/fs/f2fs/nvme0n1p1", "the f2fs on nvme0n1p1" },
		{ "sys/fs/nilfs2/nvme0n1p1", "the nilfs2 on nvme0n1p1" },
		{ "sys/fs/erofs/nvme0n1p1", "the erofs on nvme0n1p1" },
	};
	const struct tree *tree = *state;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		tree_folder(tree, folders[i][0]);
		look_expect(tree, USAGE_MOUNT, folders[i][1]);
		assert_int_equal(unlinkat(tree->fd, folders[i][0], AT_REMOVEDIR), 0);
	}
	/* What belongs to the kernel's module alone, or to another disk. */
	tree_folder(tree, "sys/fs/ext4/features");
	tree_folder(tree, "sys/fs/ext4/nvme0n1p10");
	tree_folder(tree, "sys/fs/xfs/stats");
	tree_folder(tree, "sys/fs/btrfs/features");
	tree_folder(tree, "sys/fs/cgroup/nvme0n1");
	expect_both_free(tree);
}

static void a_mount_that_is_shown_is_told_once(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_folder(tree, "sys/fs/ext4/nvme0n1p1");
	quiet_mounts(tree, "30 22 259:1 / /mnt rw - ext4 /dev/nvme0n1p1 rw\n", "");
	look(tree, &looked);
	expect_use(&looked, DISK, USAGE_MOUNT, "nvme0n1p1 is mounted on /mnt");
	assert_int_equal(count_use(&looked, DISK, USAGE_MOUNT), 1);
	look_away(&looked);
}

static void a_journal_on_a_disk_of_its_own_is_in_use(void **state)
{
	const struct tree *tree = *state;

	/* With the number of the journal's inode: it is on the file system's disk. */
	tree_folder(tree, "proc/fs/jbd2/sda1-8");
	expect_both_free(tree);
	tree_folder(tree, "proc/fs/jbd2/nvme0n1p1");
	look_expect(tree, USAGE_MOUNT, "nvme0n1p1 is the journal of a file system");
	unlinkat(tree->fd, "proc/fs/jbd2/nvme0n1p1", AT_REMOVEDIR);
	quiet_mounts(tree,
		     "30 22 8:1 / /srv rw - xfs /dev/sda1"
		     " rw,logdev=/dev/nvme0n1p1,noquota\n",
		     "");
	look_expect(tree, USAGE_MOUNT, "nvme0n1p1 is mounted on /srv");
}

static void each_disk_of_a_bcachefs_is_in_use(void **state)
{
	const struct tree *tree = *state;

	quiet_mounts(tree,
		     "30 22 0:40 / /srv rw - bcachefs"
		     " /dev/sda:/dev/nvme0n1p1:/dev/sdb rw\n",
		     "");
	look_expect(tree, USAGE_MOUNT, "nvme0n1p1 is mounted on /srv");
	quiet_mounts(tree, "30 22 0:40 / / rw - bcachefs /dev/nvme0n1:/dev/sdb rw\n", "");
	look_expect(tree, USAGE_ROOT, "nvme0n1 is mounted on /");
	quiet_mounts(tree, "30 22 0:40 / /srv rw - bcachefs /dev/sda:/dev/nvme0n1 rw\n",
		     "");
	look_expect(tree, USAGE_MOUNT, "nvme0n1 is mounted on /srv");
	/* A server's name, and one that begins alike. */
	quiet_mounts(tree, "30 22 0:40 / /srv rw - nfs nvme0n1:/dev/nvme0n10 rw\n", "");
	expect_both_free(tree);
}

/* One that was added later is not in the mount's source. */
static void a_disk_that_bcache_or_bcachefs_marks_is_in_use(void **state)
{
	const struct tree *tree = *state;

	tree_folder(tree, "sys/fs/bcachefs/aa-bb");
	tree_folder(tree, "sys/fs/bcache");
	expect_both_free(tree);
	tree_link(tree, "sys/devices/" ON_DISK "/nvme0n1/bcachefs",
		  "/sys/fs/bcachefs/aa-bb/dev-0");
	tree_folder(tree, "sys/fs/bcachefs/aa-bb/dev-0");
	look_expect(tree, USAGE_POOL, "nvme0n1 belongs to a bcachefs that is mounted");
	unlinkat(tree->fd, "sys/devices/" ON_DISK "/nvme0n1/bcachefs", 0);
	tree_folder(tree, "sys/class/block/nvme0n1p1/bcache");
	look_expect(tree, USAGE_HOLDER, "nvme0n1p1 belongs to bcache");
}

/* By name: udev's links have colons in them. */
static void a_mount_by_path_is_found(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "run/udev/data/b259:0",
		  "S:disk/by-path/pci-0000:01:00.0-nvme-1\n");
	quiet_mounts(tree,
		     "30 22 0:40 / /srv rw - btrfs"
		     " /dev/disk/by-path/pci-0000:01:00.0-nvme-1 rw\n",
		     "");
	look_expect(tree, USAGE_MOUNT, "nvme0n1 is mounted on /srv");
}

static void set_up_loop(const struct tree *tree, const char *beneath)
{
	tree_file(tree, "sys/class/block/loop0/loop/backing_file", beneath);
}

static void a_disk_beneath_a_loop_device_is_in_use(void **state)
{
	static const char *const paths[] = {
		"/dev/nvme0n1\n",
		"/dev/nvme0n1 (deleted)\n",
		/* Of a /dev that is not mounted any more; of a container's. */
		"/nvme0n1\n",
		"/srv/container/dev/nvme0n1\n",
	};
	const struct tree *tree = *state;

	quiet_disk(tree, "virtual/block", "loop0", NULL, "7:0");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		set_up_loop(tree, paths[i]);
		look_expect(tree, USAGE_HOLDER, "nvme0n1 is what loop0 is made of");
	}
	quiet_mounts(tree, "30 22 7:0 / / rw - ext4 /dev/loop0 rw\n", "");
	look_expect_only(tree, DISK, OTHER_DISK, USAGE_ROOT,
			 "loop0 is mounted on /: the root");
}

static void a_file_beneath_a_loop_device_is_no_disk(void **state)
{
	static const char *const paths[] = {
		"/var/lib/snapd/snaps/core.snap\n",
		"/srv/images/nvme0n1\n",
		"/dev/nvme0n10\n",
		"/dev/xnvme0n1\n",
	};
	const struct tree *tree = *state;

	quiet_disk(tree, "virtual/block", "loop0", NULL, "7:0");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		set_up_loop(tree, paths[i]);
		expect_both_free(tree);
	}
	/* Not set up. */
	quiet_disk(tree, "virtual/block", "loop1", NULL, "7:1");
	expect_both_free(tree);
}

static void a_disk_that_zram_writes_back_to_is_in_use(void **state)
{
	const struct tree *tree = *state;

	quiet_disk(tree, "virtual/block", "zram0", NULL, "252:0");
	tree_file(tree, "sys/class/block/zram0/backing_dev", "none\n");
	expect_both_free(tree);
	tree_file(tree, "sys/class/block/zram0/backing_dev", "/dev/nvme0n1p1\n");
	look_expect(tree, USAGE_HOLDER, "nvme0n1p1 is what zram0 is made of");
}

static void a_loop_device_that_cannot_be_read_may_have_any_disk(void **state)
{
	const struct tree *tree = *state;

	quiet_disk(tree, "virtual/block", "loop0", NULL, "7:0");
	set_up_loop(tree, "");
	quiet_unreadable(tree, "sys/class/block/loop0/loop/backing_file");
	look_expect_unreadable(tree, DISK, "what loop0 is made of could not be read");
}

/* Without udev, as in some initial RAM disks and containers, nothing tells ZFS's disks.
 */
static void while_zfs_is_in_use_a_disk_that_udev_does_not_know_may_be_of_it(void **state)
{
	static const char sentence[] =
		"whether nvme0n1 belongs to a ZFS pool is not known";
	const struct tree *tree = *state;
	struct looked looked;

	tree_folder(tree, "sys/module/zfs");
	tree_file(tree, "proc/spl/kstat/zfs/arcstats", "");
	expect_both_free(tree);
	quiet_mounts(tree, "30 22 0:30 / / rw - zfs rpool/ROOT rw\n", "");
	look(tree, &looked);
	expect_unreadable(&looked, DISK, sentence);
	/* Of this one udev knows that it has nothing of ZFS on it. */
	expect_free(&looked, OTHER_DISK);
	look_away(&looked);
	/* A pool of which nothing is mounted. */
	quiet_mounts(tree, "", "");
	tree_file(tree, "proc/spl/kstat/zfs/tank/state", "ONLINE\n");
	look_expect_unreadable(tree, DISK, sentence);
}

#define NVMET  "sys/kernel/config/nvmet/subsystems/nqn.test/namespaces/1/"
#define IBLOCK "sys/kernel/config/target/core/iblock_0/lun/"

static void a_disk_that_is_served_to_other_machines_is_in_use(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "run/udev/data/b259:1", "S:disk/by-id/nvme-x-part1\n");
	tree_file(tree, "sys/kernel/config/target/core/alua/lu_gps", "");
	tree_file(tree, NVMET "device_path", "(null)\n");
	tree_file(tree, NVMET "enable", "0\n");
	expect_both_free(tree);
	tree_file(tree, NVMET "device_path", "/dev/nvme0n1\n");
	expect_both_free(tree);
	tree_file(tree, NVMET "enable", "1\n");
	look_expect(tree, USAGE_HOLDER,
		    "nvme0n1 is served to other machines, as nqn.test");
	tree_file(tree, NVMET "enable", "0\n");
	tree_file(tree, IBLOCK "udev_path", "/dev/disk/by-id/nvme-x-part1\n");
	tree_file(tree, IBLOCK "enable", "1\n");
	look_expect(tree, USAGE_HOLDER, "nvme0n1p1 is served to other machines, as lun");
}

static void a_target_that_cannot_be_read_may_serve_any_disk(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, IBLOCK "udev_path");
	look_expect_unreadable(tree, DISK, "is served to other machines could not be");
}

static void a_list_of_mounts_that_cannot_be_read_counts(void **state)
{
	static const char *const folders[][2] = {
		{ "sys/fs/ext4", "/sys/fs/ext4 could not be read" },
		{ "sys/fs/btrfs/aa-bb/devices", "/sys/fs/btrfs/aa-bb/devices could not" },
	};
	const struct tree *tree = *state;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		tree_file(tree, folders[i][0], "");
		look_expect_unreadable(tree, DISK, folders[i][1]);
		assert_int_equal(unlinkat(tree->fd, folders[i][0], 0), 0);
	}
	expect_both_free(tree);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, known_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mount_that_no_process_shows_is_in_use),
		TEST(a_mount_that_is_shown_is_told_once),
		TEST(a_journal_on_a_disk_of_its_own_is_in_use),
		TEST(each_disk_of_a_bcachefs_is_in_use),
		TEST(a_disk_that_bcache_or_bcachefs_marks_is_in_use),
		TEST(a_mount_by_path_is_found),
		TEST(a_disk_beneath_a_loop_device_is_in_use),
		TEST(a_file_beneath_a_loop_device_is_no_disk),
		TEST(a_disk_that_zram_writes_back_to_is_in_use),
		TEST(a_loop_device_that_cannot_be_read_may_have_any_disk),
		TEST(while_zfs_is_in_use_a_disk_that_udev_does_not_know_may_be_of_it),
		TEST(a_disk_that_is_served_to_other_machines_is_in_use),
		TEST(a_target_that_cannot_be_read_may_serve_any_disk),
		TEST(a_list_of_mounts_that_cannot_be_read_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
