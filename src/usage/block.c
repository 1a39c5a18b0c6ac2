/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

/* Devices stacked on one another deeper than this are reported as unreadable. */
enum { MAX_STACK = 16 };

struct block_scan {
	const struct host *host;
	struct usage *usage;
	const struct pci_device *owner;
	struct libmnt_table
		*tables[2];	    /* of this process and of init; NULL: unreadable */
	struct libmnt_table *swaps; /* NULL: unreadable */
};

static struct libmnt_table *read_table(const struct host *host, const char *path)
{
	_cleanup_fclose_ FILE *stream = NULL;
	_cleanup_free_ char *bytes = NULL;
	struct libmnt_table *table;
	size_t len;

	int r = host_read_file(host, path, &bytes, &len);

	/* On this machine "not there" is an answer: a kernel without swap has no
	 * /proc/swaps. */
	if (r == -ENOENT && host_is_live(host))
		return mnt_new_table();
	if (r < 0)
		return NULL;
	table = mnt_new_table();
	if (!table || !len)
		return table;
	stream = fmemopen(bytes, len, "r");
	if (!stream || mnt_table_parse_stream(table, stream, path) != 0) {
		mnt_unref_table(table);
		return NULL;
	}
	return table;
}

/* Whether a path such as /dev/nvme0n1p1 or /dev/mapper/root names this block device. */
static bool names_block_device(const char *path, const char *name, const char *dm_name)
{
	if (!path || strncmp(path, "/dev/", 5) != 0)
		return false;
	path += 5;
	return !strcmp(path, name) ||
	       (dm_name[0] && !strncmp(path, "mapper/", 7) && !strcmp(path + 7, dm_name));
}

static int look_in_table(struct block_scan *scan, struct libmnt_table *table,
			 enum usage_kind kind, const char *name, const char *number,
			 const char *dm_name)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int r = iter ? 0 : -ENOMEM;

	while (r == 0 && mnt_table_next_fs(table, iter, &fs) == 0) {
		dev_t devno = mnt_fs_get_devno(fs);
		char text[32];

		snprintf(text, sizeof(text), "%u:%u", major(devno), minor(devno));
		/* By source too: btrfs gives its mounts a device number of their own. */
		if (!names_block_device(mnt_fs_get_source(fs), name, dm_name) &&
		    (!devno || strcmp(text, number) != 0))
			continue;
		if (kind == USAGE_SWAP)
			r = usage_add(scan->usage, scan->owner, kind, "%s is swap space",
				      name);
		else
			r = usage_add(scan->usage, scan->owner, kind,
				      "%s is mounted on %s", name, mnt_fs_get_target(fs));
	}
	mnt_free_iter(iter);
	return r;
}

static int look_at_tables(struct block_scan *scan, const char *name)
{
	char path[PATH_MAX], number[32], dm_name[256];
	int r = 0;

	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	/* A hidden path of a multipath NVMe disk has no number, and cannot be mounted. */
	if (host_read(scan->host, path, number, sizeof(number)) != FACT_KNOWN)
		number[0] = '\0';
	snprintf(path, sizeof(path), "sys/class/block/%s/dm/name", name);
	host_read(scan->host, path, dm_name, sizeof(dm_name));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(scan->tables); i++)
		if (scan->tables[i])
			r = look_in_table(scan, scan->tables[i], USAGE_MOUNT, name,
					  number, dm_name);
	if (r == 0 && !scan->tables[0] && !scan->tables[1])
		r = usage_add(scan->usage, scan->owner, USAGE_UNREADABLE,
			      "whether %s is mounted is not known: no mountinfo", name);
	if (r == 0 && scan->swaps)
		r = look_in_table(scan, scan->swaps, USAGE_SWAP, name, number, dm_name);
	else if (r == 0)
		r = usage_add(scan->usage, scan->owner, USAGE_UNREADABLE,
			      "whether %s is swap space is not known: no /proc/swaps",
			      name);
	return r;
}

static int visit_block(struct block_scan *scan, const char *name, unsigned int depth);

/* What is built on it: device mapper, MD, bcache, all of them in "holders". */
static int visit_holders(struct block_scan *scan, const char *name, unsigned int depth)
{
	_cleanup_(string_list_free) struct string_list holders = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "sys/class/block/%s/holders", name);
	r = host_list(scan->host, path, &holders);
	if (r < 0 && r != -ENOENT)
		return r == -ENOMEM
			       ? r
			       : usage_add(scan->usage, scan->owner, USAGE_UNREADABLE,
					   "what is built on %s could not be read: %s",
					   name, strerror(-r));
	r = 0;
	for (size_t i = 0; r == 0 && i < holders.count; i++) {
		r = usage_add(scan->usage, scan->owner, USAGE_HOLDER, "%s is part of %s",
			      name, holders.items[i]);
		if (r == 0)
			r = visit_block(scan, holders.items[i], depth + 1);
	}
	return r;
}

static int visit_partitions(struct block_scan *scan, const char *name, unsigned int depth)
{
	_cleanup_(string_list_free) struct string_list entries = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	r = host_list(scan->host, path, &entries);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < entries.count; i++) {
		snprintf(path, sizeof(path), "sys/class/block/%s/%s/partition", name,
			 entries.items[i]);
		if (host_exists(scan->host, path))
			r = visit_block(scan, entries.items[i], depth + 1);
	}
	return r;
}

static int visit_block(struct block_scan *scan, const char *name, unsigned int depth)
{
	int r;

	if (depth > MAX_STACK)
		return usage_add(scan->usage, scan->owner, USAGE_UNREADABLE,
				 "block devices on it are stacked too deep to follow");
	r = look_at_tables(scan, name);
	if (r == 0)
		r = visit_partitions(scan, name, depth);
	if (r == 0)
		r = visit_holders(scan, name, depth);
	return r;
}

/*
 * With native multipath the disk that the controller gives, nvme0c1n1, is hidden, and the
 * one that is used is nvme0n1, which belongs to the subsystem and to no controller
 * (drivers/nvme/host/multipath.c, nvme_mpath_set_disk_name). Returns whether it is such a
 * one.
 */
static bool multipath_head(const char *name, char *head, size_t size)
{
	unsigned int subsystem, controller, namespace;
	char rest;

	if (sscanf(name, "nvme%uc%un%u%c", &subsystem, &controller, &namespace, &rest) !=
	    3)
		return false;
	snprintf(head, size, "nvme%un%u", subsystem, namespace);
	return true;
}

static int visit_entry(struct block_scan *scan, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX], head[64];
	int r;

	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	if (host_link_target(scan->host, path, target, sizeof(target)) != FACT_KNOWN)
		return 0;
	scan->owner = pci_find_by_path(scan->usage->devices, target);
	if (!scan->owner)
		return 0;
	r = visit_block(scan, name, 0);
	if (r == 0 && multipath_head(name, head, sizeof(head)))
		r = visit_block(scan, head, 0);
	return r;
}

int usage_scan_block(const struct host *host, struct usage *usage)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct block_scan scan = { .host = host, .usage = usage };
	int r;

	r = host_list(host, "sys/class/block", &names);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return usage_mark_unreadable(
			usage, 0x01,
			"whether its disks are in use is not known: no /sys/class/block");
	scan.tables[0] = read_table(host, "proc/self/mountinfo");
	scan.tables[1] = read_table(host, "proc/1/mountinfo");
	scan.swaps = read_table(host, "proc/swaps");
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = visit_entry(&scan, names.items[i]);
	for (size_t i = 0; i < ARRAY_SIZE(scan.tables); i++)
		mnt_unref_table(scan.tables[i]);
	mnt_unref_table(scan.swaps);
	return r;
}
