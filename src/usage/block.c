/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The graph of block devices, from each disk of a PCI function up to what is built on it.
 */
#include "usage/block.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Devices stacked on one another deeper than this are reported as unreadable. */
enum { MAX_STACK = 16 };

struct block_walk {
	struct usage_scan *scan;
	struct block_systems *systems;
	struct block_backing backing;
	struct block_exports exports;
	struct block_boot *boot;
	const struct pci_device *owner;
};

static void block_release(struct block_device *block)
{
	free(block->properties);
}

static int identify(const struct block_walk *walk, const char *name,
		    struct block_device *block)
{
	const struct host *host = walk->scan->host;
	char path[PATH_MAX];
	enum fact fact;
	size_t len;
	int r = 0;

	block->owner = walk->owner;
	block->name = name;
	snprintf(path, sizeof(path), "sys/class/block/%s/dev", name);
	/* A hidden path of a multipath NVMe disk has no number, and cannot be mounted. */
	fact = host_read(host, path, block->number, sizeof(block->number));
	if (fact == FACT_UNREADABLE)
		r = usage_add(walk->scan->usage, walk->owner, USAGE_UNREADABLE,
			      "whether %s is mounted is not known: its number could not"
			      " be read",
			      name);
	snprintf(path, sizeof(path), "sys/class/block/%s/dm/name", name);
	host_read(host, path, block->dm_name, sizeof(block->dm_name));
	if (r < 0 || fact != FACT_KNOWN)
		return r;
	snprintf(path, sizeof(path), "run/udev/data/b%s", block->number);
	r = host_read_file(host, path, &block->properties, &len);
	if (r == 0 || r == -ENOENT || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	return usage_add(walk->scan->usage, walk->owner, USAGE_UNREADABLE,
			 "what udev knows of %s could not be read: %s", name,
			 strerror(-r));
}

static int look_at(const struct block_walk *walk, const char *name)
{
	_cleanup_(block_release) struct block_device block = { 0 };
	int r = identify(walk, name, &block), found;

	if (r < 0)
		return r;
	found = block_mounts_look(walk->scan, &block);
	if (found < 0)
		return found;
	r = block_systems_look(walk->scan, walk->systems, &block, found);
	if (r == 0)
		r = block_exports_look(walk->scan, &walk->exports, &block);
	if (r == 0)
		r = block_boot_look(walk->scan, walk->boot, &block);
	return r;
}

static int visit_block(struct block_walk *walk, const char *name, unsigned int depth);

/* What is built on it: device mapper, MD, bcache's devices, all of them in "holders". */
static int visit_holders(struct block_walk *walk, const char *name, unsigned int depth)
{
	_cleanup_(string_list_free) struct string_list holders = { 0 };
	struct usage *usage = walk->scan->usage;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "sys/class/block/%s/holders", name);
	r = host_list(walk->scan->host, path, &holders);
	if (r < 0 && r != -ENOENT)
		return r == -ENOMEM
			       ? r
			       : usage_add(usage, walk->owner, USAGE_UNREADABLE,
					   "what is built on %s could not be read: %s",
					   name, strerror(-r));
	r = 0;
	for (size_t i = 0; r == 0 && i < holders.count; i++) {
		char dm_name[256];

		snprintf(path, sizeof(path), "sys/class/block/%s/dm/name",
			 holders.items[i]);
		host_read(walk->scan->host, path, dm_name, sizeof(dm_name));
		r = usage_add(usage, walk->owner, USAGE_HOLDER, "%s is part of %s%s%s%s",
			      name, holders.items[i], dm_name[0] ? " (" : "", dm_name,
			      dm_name[0] ? ")" : "");
		if (r == 0)
			r = visit_block(walk, holders.items[i], depth + 1);
	}
	return r;
}

/* What is built on it and no holder: loop devices. */
static int visit_backed(struct block_walk *walk, const char *name, unsigned int depth)
{
	const struct block_backing *backing = &walk->backing;
	struct usage *usage = walk->scan->usage;
	int r = 0;

	for (size_t i = 0; r == 0 && i < backing->pairs.count / 2; i++) {
		const char *upper = backing->pairs.items[2 * i];

		if (!block_is_beneath(backing, i, name))
			continue;
		r = usage_add(usage, walk->owner, USAGE_HOLDER,
			      "%s is what %s is made of", name, upper);
		if (r == 0)
			r = visit_block(walk, upper, depth + 1);
	}
	for (size_t i = 0; r == 0 && i < backing->unread.count; i++)
		r = usage_add(usage, walk->owner, USAGE_UNREADABLE,
			      "what %s is made of could not be read: it may be a disk"
			      " of this device",
			      backing->unread.items[i]);
	return r;
}

static int visit_partitions(struct block_walk *walk, const char *name, unsigned int depth)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = usage_list_partitions(walk->scan->host, name, &names);

	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = visit_block(walk, names.items[i], depth + 1);
	return r;
}

static int visit_block(struct block_walk *walk, const char *name, unsigned int depth)
{
	int r;

	if (depth > MAX_STACK)
		return usage_add(walk->scan->usage, walk->owner, USAGE_UNREADABLE,
				 "block devices on it are stacked too deep to follow");
	r = look_at(walk, name);
	if (r == 0)
		r = visit_partitions(walk, name, depth);
	if (r == 0)
		r = visit_holders(walk, name, depth);
	if (r == 0)
		r = visit_backed(walk, name, depth);
	return r;
}

static int visit_entry(struct block_walk *walk, const char *name)
{
	char head[64];
	int r;

	walk->owner = usage_class_owner(walk->scan, "block", name);
	if (!walk->owner)
		return 0;
	r = visit_block(walk, name, 0);
	if (r == 0 && usage_multipath_head(name, head, sizeof(head)))
		r = visit_block(walk, head, 0);
	return r;
}

static bool is_any_asked(const struct usage_scan *scan, const struct string_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (usage_class_owner(scan, "block", names->items[i]))
			return true;
	return false;
}

int usage_scan_block(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct block_walk walk = { .scan = scan };
	int r;

	r = host_list(scan->host, "sys/class/block", &names);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return usage_mark_unreadable(
			scan->usage, PCI_CLASS_STORAGE,
			"whether its disks are in use is not known: no /sys/class/block");
	/* Else there is nothing that mounts and the like would be looked up for. */
	if (!is_any_asked(scan, &names))
		return 0;
	r = block_mounts_read(scan);
	if (r == 0)
		r = block_systems_read(scan->host, &walk.systems);
	if (r == 0)
		r = block_backing_read(scan->host, &names, &walk.backing);
	if (r == 0)
		r = block_exports_read(scan->host, &walk.exports);
	if (r == 0)
		r = block_boot_read(scan->host, &walk.boot);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = visit_entry(&walk, names.items[i]);
	block_systems_free(walk.systems);
	block_backing_free(&walk.backing);
	block_exports_free(&walk.exports);
	block_boot_free(walk.boot);
	return r;
}
