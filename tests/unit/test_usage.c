/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <stdio.h>
#include <string.h>

#include "usage/usage.h"

#define NVME  "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n"
#define NIC   "pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00\n"
#define SWAPS "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

struct looked {
	struct host *host;
	struct pci_devices devices;
	struct iommu_groups groups;
	struct usage usage;
};

static void look(const struct tree *tree, struct looked *looked)
{
	memset(looked, 0, sizeof(*looked));
	assert_int_equal(host_open_directory(tree->path, &looked->host, NULL), 0);
	assert_int_equal(pci_scan(looked->host, &looked->devices, NULL), 0);
	assert_int_equal(iommu_scan(&looked->devices, &looked->groups, NULL), 0);
	assert_int_equal(usage_scan(looked->host, &looked->devices, &looked->groups,
				    &looked->usage, NULL),
			 0);
}

static void look_away(struct looked *looked)
{
	usage_free(&looked->usage);
	iommu_groups_free(&looked->groups);
	pci_devices_free(&looked->devices);
	host_free(looked->host);
}

/* A disk, or a partition of it, beneath a PCI function or elsewhere. */
static void add_disk(const struct tree *tree, const char *folder, const char *disk,
		     const char *part, const char *number)
{
	char path[256], target[256], line[32];

	snprintf(target, sizeof(target), "../../devices/%s/%s%s%s", folder, disk,
		 part ? "/" : "", part ? part : "");
	snprintf(path, sizeof(path), "sys/class/block/%s", part ? part : disk);
	tree_link(tree, path, target);
	snprintf(path, sizeof(path), "sys/devices/%s/%s%s%s/dev", folder, disk,
		 part ? "/" : "", part ? part : "");
	snprintf(line, sizeof(line), "%s\n", number);
	tree_file(tree, path, line);
	snprintf(path, sizeof(path), "sys/devices/%s/%s/%s/partition", folder, disk,
		 part ? part : "");
	if (part)
		tree_file(tree, path, "1\n");
}

static void add_proc(const struct tree *tree, const char *mounts, const char *swaps)
{
	char table[2048];

	snprintf(table, sizeof(table), "22 1 0:5 / /proc rw - proc proc rw\n%s", mounts);
	tree_file(tree, "proc/self/mountinfo", table);
	tree_file(tree, "proc/1/mountinfo", table);
	snprintf(table, sizeof(table), SWAPS "%s", swaps);
	tree_file(tree, "proc/swaps", table);
}

/* Whether the only device, or the one at index, has a finding with this text in it. */
static bool found(const struct looked *looked, size_t index, enum usage_kind kind,
		  const char *text)
{
	const struct usage_findings *findings;

	findings = usage_of(&looked->usage, &looked->devices.items[index]);
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == kind &&
		    strstr(findings->items[i].detail, text))
			return true;
	return false;
}

static void a_disk_in_use_is_never_called_free(void **state)
{
	static const char in_one[] = "pci0000:00/0000:01:00.0/nvme/nvme0";
	static const char in_two[] = "pci0000:00/0000:02:00.0/nvme/nvme1";
	static const char in_three[] = "pci0000:00/0000:03:00.0/nvme/nvme2";
	static const char in_four[] = "pci0000:00/0000:04:00.0/nvme/nvme3";
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:01:00.0", NVME, "nvme", "1");
	tree_function(tree, "0000:02:00.0", NVME, "nvme", "2");
	tree_function(tree, "0000:03:00.0", NVME, "nvme", "3");
	tree_function(tree, "0000:04:00.0", NVME, "nvme", "4");
	tree_folder(tree, "sys/class/net");
	add_disk(tree, in_one, "nvme0n1", NULL, "259:0");
	add_disk(tree, in_one, "nvme0n1", "nvme0n1p1", "259:1");
	add_disk(tree, in_two, "nvme1n1", NULL, "259:2");
	add_disk(tree, in_two, "nvme1n1", "nvme1n1p1", "259:3");
	add_disk(tree, in_three, "nvme2n1", NULL, "259:4");
	add_disk(tree, in_four, "nvme3n1", NULL, "259:5");
	/* The second carries a volume of device mapper. */
	tree_folder(tree,
		    "sys/devices/pci0000:00/0000:02:00.0/nvme/nvme1/nvme1n1/nvme1n1p1/"
		    "holders/dm-0");
	add_disk(tree, "virtual/block", "dm-0", NULL, "254:0");
	tree_file(tree, "sys/devices/virtual/block/dm-0/dm/name", "vg-root\n");
	add_proc(tree,
		 "30 22 259:1 / /mnt/a\\040b rw - ext4 /dev/nvme0n1p1 rw\n"
		 "31 22 254:0 / / rw - ext4 /dev/mapper/vg-root rw\n"
		 "32 22 0:44 / /data rw - btrfs /dev/nvme2n1 rw\n",
		 "/dev/nvme0n1p1 partition 1 0 -2\n");
	look(tree, &looked);
	assert_true(found(&looked, 0, USAGE_MOUNT, "nvme0n1p1 is mounted on /mnt/a b"));
	assert_true(found(&looked, 0, USAGE_SWAP, "nvme0n1p1"));
	assert_true(found(&looked, 1, USAGE_HOLDER, "nvme1n1p1 is part of dm-0"));
	assert_true(found(&looked, 1, USAGE_ROOT, "dm-0 is mounted on /"));
	/* btrfs: the mount's device number is no disk's. */
	assert_true(found(&looked, 2, USAGE_MOUNT, "/data"));
	assert_int_equal(usage_of(&looked.usage, &looked.devices.items[3])->count, 0);
	look_away(&looked);
}

static void a_multipath_disk_in_use_is_found_by_its_head(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:01:00.0", NVME, "nvme", "1");
	tree_folder(tree, "sys/class/net");
	tree_link(tree, "sys/class/block/nvme0c0n1",
		  "../../devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0c0n1");
	tree_folder(tree, "sys/devices/pci0000:00/0000:01:00.0/nvme/nvme0/nvme0c0n1");
	add_disk(tree, "virtual/nvme-subsystem/nvme-subsys0", "nvme0n1", NULL, "259:0");
	add_disk(tree, "virtual/nvme-subsystem/nvme-subsys0", "nvme0n1", "nvme0n1p2",
		 "259:2");
	add_proc(tree, "30 22 259:2 / /srv rw - xfs /dev/nvme0n1p2 rw\n", "");
	look(tree, &looked);
	assert_true(found(&looked, 0, USAGE_MOUNT, "nvme0n1p2 is mounted on /srv"));
	look_away(&looked);
}

static void what_cannot_be_read_counts_as_in_use(void **state)
{
	const struct tree *tree = *state;
	char reason[256];
	struct looked looked;

	tree_function(tree, "0000:01:00.0", NVME, "nvme", "1");
	tree_function(tree, "0000:02:00.0", NIC, "e1000e", "2");
	tree_function(tree, "0000:03:00.0", NIC, "e1000e", "3");
	add_disk(tree, "pci0000:00/0000:01:00.0/nvme/nvme0", "nvme0n1", NULL, "259:0");
	/* One is up, and a copy of /sys does not hold its addresses; the other is down.
	 */
	tree_link(tree, "sys/class/net/eth0",
		  "../../devices/pci0000:00/0000:02:00.0/net/eth0");
	tree_file(tree, "sys/devices/pci0000:00/0000:02:00.0/net/eth0/flags", "0x1003\n");
	tree_link(tree, "sys/class/net/eth1",
		  "../../devices/pci0000:00/0000:03:00.0/net/eth1");
	tree_file(tree, "sys/devices/pci0000:00/0000:03:00.0/net/eth1/flags", "0x1002\n");
	look(tree, &looked);
	assert_true(found(&looked, 0, USAGE_UNREADABLE, "no mountinfo"));
	assert_int_equal(usage_verdict(&looked.usage, &looked.groups,
				       &looked.devices.items[0], reason, sizeof(reason)),
			 USAGE_IN_USE);
	assert_true(found(&looked, 1, USAGE_UNREADABLE, "eth0 is up"));
	assert_int_equal(usage_verdict(&looked.usage, &looked.groups,
				       &looked.devices.items[2], reason, sizeof(reason)),
			 USAGE_CAN_GO);
	look_away(&looked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_disk_in_use_is_never_called_free,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(
			a_multipath_disk_in_use_is_found_by_its_head, tree_setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_counts_as_in_use,
						tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
