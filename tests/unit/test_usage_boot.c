/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the next boot wants: without its disk it waits, or ends in a rescue shell. */
#include "looked.h"

#include <stdio.h>

#include "usage/block.h"

static int known_setup(void **state)
{
	int r = disks_setup(state);

	/* As udev writes it: white space is "_" in one label, "\x20" in the other. */
	tree_file(*state, "run/udev/data/b259:1",
		  "S:disk/by-uuid/0A1B-2C3D\nS:disk/by-id/nvme-Made_Disk_1-part1\n"
		  "S:disk/by-label/my\\x20data\nI:12345\nE:ID_SERIAL=Made_Disk_1\n"
		  "E:ID_FS_UUID=0A1B-2C3D\nE:ID_FS_LABEL=my_data\n"
		  "E:ID_FS_LABEL_ENC=my\\x20data\nE:ID_FS_TYPE=vfat\n"
		  "E:ID_PART_ENTRY_UUID=c0ffee00-0001\n"
		  "E:ID_PART_ENTRY_NAME=EFI\\x20System\n");
	tree_file(*state, "run/udev/data/b259:10",
		  "S:disk/by-uuid/ffff-eeee\nE:ID_FS_UUID=ffff-eeee\n"
		  "E:ID_FS_LABEL=data\nE:ID_FS_LABEL_ENC=data\n");
	return r;
}

static void expect_line(const struct tree *tree, const char *file, const char *line,
			const char *text)
{
	tree_file(tree, file, line);
	look_expect_only(tree, DISK, OTHER_DISK, USAGE_BOOT, text);
}

static void every_way_to_name_a_disk_in_fstab_is_known(void **state)
{
	static const char *const specs[] = {
		"/dev/nvme0n1p1",
		"/dev/disk/by-uuid/0A1B-2C3D",
		"/dev/disk/by-label/my\\x20data",
		"UUID=0A1B-2C3D",
		"UUID=0a1b-2c3d",
		"UUID=\"0A1B-2C3D\"",
		"LABEL=my\\040data",
		"LABEL=\"my\\040data\"",
		"PARTUUID=c0ffee00-0001",
		"PARTLABEL=EFI\\040System",
		"ID=nvme-Made_Disk_1-part1",
	};
	char line[128];

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		snprintf(line, sizeof(line), "%s /mnt/a\\040b vfat defaults 0 2\n",
			 specs[i]);
		expect_line(*state, "etc/fstab", line,
			    "nvme0n1p1 is in /etc/fstab, for /mnt/a b: the next boot"
			    " wants it");
	}
}

static void what_fstab_does_not_name_is_free(void **state)
{
	/* Names that begin or end like those of the disk, and of what is elsewhere. */
	tree_file(*state, "etc/fstab",
		  "# UUID=0A1B-2C3D /a ext4 defaults 0 2\n"
		  "\t#/dev/nvme0n1p1 /b ext4 defaults 0 2\n"
		  "\n"
		  "UUID=0A1B-2C3 /c ext4 defaults 0 2\n"
		  "UUID=0A1B-2C3D0 /d ext4 defaults 0 2\n"
		  "LABEL=data2 /e ext4 defaults 0 2\n"
		  "LABEL=my /f ext4 defaults 0 2\n"
		  "LABEL=my_data /f ext4 defaults 0 2\n"
		  "ID=Made_Disk_1 /f ext4 defaults 0 2\n"
		  "PARTLABEL=0A1B-2C3D /g ext4 defaults 0 2\n"
		  "/dev/nvme0n1p10 /h ext4 defaults 0 2\n"
		  "/dev/disk/by-uuid/0A1B /i ext4 defaults 0 2\n"
		  "nvme0n1p1:/export /j nfs defaults 0 0\n"
		  "tmpfs /tmp tmpfs defaults 0 0\n"
		  "damaged\n");
	look_expect_free(*state, DISK);
	look_expect_free(*state, OTHER_DISK);
}

static void what_fstab_mounts_only_when_asked_is_free(void **state)
{
	tree_file(*state, "etc/fstab",
		  "/dev/nvme0n1p1 /a vfat noauto,user 0 0\n"
		  "UUID=0A1B-2C3D /b vfat rw,noauto 0 0\n");
	look_expect_free(*state, DISK);
	/* Of two lines for one disk, the one that is not noauto counts. */
	expect_line(*state, "etc/fstab",
		    "/dev/nvme0n1p1 /a vfat noauto 0 0\n"
		    "/dev/nvme0n1p1 /c vfat x-noauto-not 0 0\n",
		    "for /c");
}

static void a_line_after_a_damaged_one_counts(void **state)
{
	expect_line(*state, "etc/fstab",
		    "damaged\n"
		    "/dev/nvme0n1p1 /a vfat defaults 0 2", /* and no newline */
		    "for /a");
}

static void swap_in_fstab_is_told_as_swap(void **state)
{
	expect_line(*state, "etc/fstab", "UUID=0A1B-2C3D none swap sw 0 0\n", "for swap");
}

static void what_is_built_on_a_disk_counts_in_fstab_too(void **state)
{
	const struct tree *tree = *state;

	tree_folder(tree, "sys/class/block/nvme0n1p1/holders/dm-0");
	quiet_disk(tree, "virtual/block", "dm-0", NULL, "254:0");
	tree_file(tree, "sys/class/block/dm-0/dm/name", "vg-home\n");
	expect_line(tree, "etc/fstab", "/dev/mapper/vg-home /home ext4 defaults 0 2\n",
		    "dm-0 is in /etc/fstab, for /home");
}

static void a_disk_in_crypttab_is_wanted_at_boot(void **state)
{
	static const char *const specs[] = {
		"/dev/nvme0n1p1",
		"UUID=0A1B-2C3D",
		"UUID=\"0A1B-2C3D\"",
		"PARTUUID=c0ffee00-0001",
		"ID=nvme-Made_Disk_1-part1",
	};
	char line[128];

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		snprintf(line, sizeof(line), "# comment\n\nhome  %s\tnone luks,discard\n",
			 specs[i]);
		expect_line(*state, "etc/crypttab", line,
			    "nvme0n1p1 is in /etc/crypttab, as home");
	}
	/* The password and the options may be left out. */
	expect_line(*state, "etc/crypttab", "\thome UUID=0A1B-2C3D", "as home");
}

static void what_crypttab_does_not_open_at_boot_is_free(void **state)
{
	tree_file(*state, "etc/crypttab",
		  "#home UUID=0A1B-2C3D none luks\n"
		  "  # home UUID=0A1B-2C3D none luks\n"
		  "later UUID=0A1B-2C3D none luks,noauto\n"
		  "home\n"
		  "swap /dev/nvme0n1p10 /dev/urandom swap\n");
	look_expect_free(*state, DISK);
}

/* Only the option itself: a word that has it within is another one. */
static void noauto_in_crypttab_is_a_whole_word(void **state)
{
	expect_line(*state, "etc/crypttab",
		    "home UUID=0A1B-2C3D none luks,header=/boot/noauto.img\n", "as home");
}

static void a_damaged_crypttab_is_read_as_far_as_it_is_one(void **state)
{
	struct string_list pairs = { 0 };
	/* Not ended by a NUL where it ends: only len bytes are its own. */
	static const char text[] = "a\n\n \t \nb /dev/b\nc /dev/c x\ne /dev/eXXXX";

	(void)state;
	assert_int_equal(block_crypttab_parse(text, sizeof(text) - 5, &pairs), 0);
	assert_int_equal(pairs.count, 6);
	assert_string_equal(pairs.items[0], "/dev/b");
	assert_string_equal(pairs.items[1], "b");
	assert_string_equal(pairs.items[4], "/dev/e");
	assert_string_equal(pairs.items[5], "e");
	string_list_free(&pairs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, known_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_way_to_name_a_disk_in_fstab_is_known),
		TEST(what_fstab_does_not_name_is_free),
		TEST(what_fstab_mounts_only_when_asked_is_free),
		TEST(a_line_after_a_damaged_one_counts),
		TEST(swap_in_fstab_is_told_as_swap),
		TEST(what_is_built_on_a_disk_counts_in_fstab_too),
		TEST(a_disk_in_crypttab_is_wanted_at_boot),
		TEST(what_crypttab_does_not_open_at_boot_is_free),
		TEST(noauto_in_crypttab_is_a_whole_word),
		cmocka_unit_test(a_damaged_crypttab_is_read_as_far_as_it_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
