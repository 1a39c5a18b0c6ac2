/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "looked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROC_MOUNT "22 1 0:5 / /proc rw - proc proc rw\n"
#define SWAPS_HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
#define FIRST_MNT  "mnt:[4026531841]"

void quiet_unreadable(const struct tree *tree, const char *path)
{
	unlinkat(tree->fd, path, 0);
	tree_folder(tree, path);
}

void quiet_mounts(const struct tree *tree, const char *mounts, const char *swaps)
{
	char table[4096];

	snprintf(table, sizeof(table), PROC_MOUNT "%s", mounts);
	tree_file(tree, "proc/self/mountinfo", table);
	tree_file(tree, "proc/1/mountinfo", table);
	snprintf(table, sizeof(table), SWAPS_HEAD "%s", swaps);
	tree_file(tree, "proc/swaps", table);
}

const struct tree *quiet_setup(void **state)
{
	const struct tree *tree;

	assert_int_equal(tree_setup(state), 0);
	tree = *state;
	tree_folder(tree, "sys/bus/pci/devices");
	tree_folder(tree, "sys/class/block");
	quiet_class(tree, "net", "virtual/net", "lo");
	tree_file(tree, "sys/class/net/lo/flags", "0x9\n");
	quiet_network(tree, "address lo 127.0.0.1/8\n");
	quiet_mounts(tree, "", "");
	tree_file(tree, "proc/iomem", "00000000-00000fff : Reserved\n");
	tree_file(tree, "proc/1/comm", "systemd\n");
	tree_folder(tree, "proc/1/fd");
	tree_link(tree, "proc/1/ns/mnt", FIRST_MNT);
	tree_link(tree, "proc/self/ns/mnt", FIRST_MNT);
	return tree;
}

int disks_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, DISK, MODALIAS_NVME, "nvme", "1");
	tree_function(tree, OTHER_DISK, MODALIAS_NVME, "nvme", "2");
	quiet_disk(tree, ON_DISK, "nvme0n1", NULL, "259:0");
	quiet_disk(tree, ON_DISK, "nvme0n1", "nvme0n1p1", "259:1");
	quiet_disk(tree, ON_DISK, "nvme0n1", "nvme0n1p2", "259:2");
	quiet_disk(tree, "pci0000:00/0000:02:00.0/nvme/nvme1", "nvme1n1", NULL, "259:10");
	return 0;
}

int nics_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, NIC, MODALIAS_NIC, "e1000e", "2");
	tree_function(tree, OTHER_NIC, MODALIAS_NIC, "e1000e", "3");
	quiet_interface(tree, "pci0000:00/0000:02:00.0/net", "eth0", true);
	quiet_interface(tree, "pci0000:00/0000:03:00.0/net", "eth1", false);
	return 0;
}

void quiet_class(const struct tree *tree, const char *class_name, const char *folder,
		 const char *name)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "sys/class/%s/%s", class_name, name);
	snprintf(target, sizeof(target), "../../devices/%s/%s", folder, name);
	tree_link(tree, path, target);
	snprintf(path, sizeof(path), "sys/devices/%s/%s", folder, name);
	tree_folder(tree, path);
}

void quiet_disk(const struct tree *tree, const char *folder, const char *disk,
		const char *part, const char *number)
{
	const char *name = part ? part : disk;
	char path[256], line[32];

	snprintf(path, sizeof(path), "%s%s%s", folder, part ? "/" : "", part ? disk : "");
	quiet_class(tree, "block", path, name);
	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	snprintf(line, sizeof(line), "%s\n", number);
	tree_file(tree, path, line);
	snprintf(path, sizeof(path), "sys/class/block/%s/partition", name);
	if (part)
		tree_file(tree, path, "1\n");
}

void quiet_interface(const struct tree *tree, const char *folder, const char *name,
		     bool up)
{
	char path[256];

	quiet_class(tree, "net", folder, name);
	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	tree_file(tree, path, up ? "0x1003\n" : "0x1002\n");
}

void quiet_network(const struct tree *tree, const char *text)
{
	tree_file(tree, "pciferry/network", text);
}

void quiet_process(const struct tree *tree, const char *pid, const char *command,
		   const char *node)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "proc/%s/comm", pid);
	snprintf(line, sizeof(line), "%s\n", command);
	tree_file(tree, path, line);
	snprintf(path, sizeof(path), "proc/%s/ns/mnt", pid);
	tree_link(tree, path, FIRST_MNT);
	snprintf(path, sizeof(path), "proc/%s/fd/0", pid);
	tree_link(tree, path, "/dev/null");
	snprintf(path, sizeof(path), "proc/%s/fd/13", pid);
	tree_link(tree, path, node);
}

/* Out of the numbers' way: an entry of /proc that is no process. */
void quiet_end(const struct tree *tree, const char *pid)
{
	static unsigned int count;
	char path[64], away[64];

	snprintf(path, sizeof(path), "proc/%s", pid);
	snprintf(away, sizeof(away), "proc/ended-%u", count++);
	assert_int_equal(renameat(tree->fd, path, tree->fd, away), 0);
}

/*
 * Who asks for one device alone is told the same of it: else a use would be missed by
 * every command that takes a device away.
 */
static void expect_same_when_asked_alone(const struct looked *looked, size_t index)
{
	const struct pci_device *device = &looked->devices.items[index];
	bool *asked = calloc(looked->devices.count, sizeof(*asked));
	const struct usage_findings *all, *alone;
	struct usage usage;

	assert_non_null(asked);
	asked[index] = true;
	assert_int_equal(usage_scan(looked->host, &looked->devices, &looked->groups,
				    asked, &usage, NULL),
			 0);
	all = usage_of(&looked->usage, device);
	alone = usage_of(&usage, device);
	assert_int_equal(alone->count, all->count);
	for (size_t i = 0; i < all->count; i++) {
		assert_int_equal(alone->items[i].kind, all->items[i].kind);
		assert_string_equal(alone->items[i].detail, all->items[i].detail);
	}
	usage_free(&usage);
	free(asked);
}

void look(const struct tree *tree, struct looked *looked)
{
	memset(looked, 0, sizeof(*looked));
	assert_int_equal(host_open_directory(tree->path, &looked->host, NULL), 0);
	assert_int_equal(pci_scan(looked->host, &looked->devices, NULL), 0);
	assert_int_equal(iommu_scan(&looked->devices, &looked->groups, NULL), 0);
	assert_int_equal(usage_scan(looked->host, &looked->devices, &looked->groups, NULL,
				    &looked->usage, NULL),
			 0);
	for (size_t i = 0; i < looked->devices.count; i++)
		expect_same_when_asked_alone(looked, i);
}

void look_away(struct looked *looked)
{
	usage_free(&looked->usage);
	iommu_groups_free(&looked->groups);
	pci_devices_free(&looked->devices);
	host_free(looked->host);
}

static const struct pci_device *device_at(const struct looked *looked,
					  const char *address)
{
	const struct pci_device *device;
	struct pci_address parsed;

	assert_int_equal(pci_address_parse(address, &parsed), 0);
	device = pci_find(&looked->devices, &parsed);
	assert_non_null(device);
	return device;
}

static const struct usage_findings *findings_at(const struct looked *looked,
						const char *address)
{
	return usage_of(&looked->usage, device_at(looked, address));
}

/* Says all that was found, so that a failure tells what is wrong. */
static void print_findings(const struct looked *looked, const char *address)
{
	const struct usage_findings *findings = findings_at(looked, address);

	for (size_t i = 0; i < findings->count; i++)
		print_error("%s: %s: %s\n", address,
			    usage_kind_name(findings->items[i].kind),
			    findings->items[i].detail);
}

size_t count_use(const struct looked *looked, const char *address, enum usage_kind kind)
{
	const struct usage_findings *findings = findings_at(looked, address);
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].kind == kind;
	return count;
}

static bool has_use(const struct looked *looked, const char *address,
		    enum usage_kind kind, const char *text)
{
	const struct usage_findings *findings = findings_at(looked, address);

	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == kind &&
		    strstr(findings->items[i].detail, text))
			return true;
	return false;
}

void expect_verdict(const struct looked *looked, const char *address,
		    enum usage_verdict verdict, const char *text)
{
	enum usage_verdict given;
	char reason[256];

	given = usage_verdict(&looked->usage, &looked->groups, device_at(looked, address),
			      reason, sizeof(reason));
	if (given == verdict && strstr(reason, text))
		return;
	print_findings(looked, address);
	fail_msg("%s: the verdict is %s (%s), not %s (%s)", address,
		 usage_verdict_name(given), reason, usage_verdict_name(verdict), text);
}

void expect_free(const struct looked *looked, const char *address)
{
	if (findings_at(looked, address)->count) {
		print_findings(looked, address);
		fail_msg("%s is free", address);
	}
	expect_verdict(looked, address, USAGE_CAN_GO, "");
}

void expect_use(const struct looked *looked, const char *address, enum usage_kind kind,
		const char *text)
{
	if (!has_use(looked, address, kind, text)) {
		print_findings(looked, address);
		fail_msg("%s: no finding %s: %s", address, usage_kind_name(kind), text);
	}
	expect_verdict(looked, address, USAGE_IN_USE, "");
}

void expect_unreadable(const struct looked *looked, const char *address, const char *text)
{
	size_t count = count_use(looked, address, USAGE_UNREADABLE);

	expect_use(looked, address, USAGE_UNREADABLE, text);
	if (count != findings_at(looked, address)->count) {
		print_findings(looked, address);
		fail_msg("%s: all that is known is what could not be read", address);
	}
	expect_verdict(looked, address, USAGE_IN_USE, "which counts as in use");
}

void look_expect_free(const struct tree *tree, const char *address)
{
	struct looked looked;

	look(tree, &looked);
	expect_free(&looked, address);
	look_away(&looked);
}

void look_expect_use(const struct tree *tree, const char *address, enum usage_kind kind,
		     const char *text)
{
	struct looked looked;

	look(tree, &looked);
	expect_use(&looked, address, kind, text);
	look_away(&looked);
}

void look_expect_only(const struct tree *tree, const char *address, const char *other,
		      enum usage_kind kind, const char *text)
{
	struct looked looked;

	look(tree, &looked);
	expect_use(&looked, address, kind, text);
	expect_free(&looked, other);
	look_away(&looked);
}

void look_expect_unreadable(const struct tree *tree, const char *address,
			    const char *text)
{
	struct looked looked;

	look(tree, &looked);
	expect_unreadable(&looked, address, text);
	look_away(&looked);
}
