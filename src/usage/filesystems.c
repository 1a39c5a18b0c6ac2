/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which devices file systems have, by what they say of themselves in /sys and /proc: also
 * where no mount table that can be read shows them, and all members of those that have
 * several.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/block.h"

struct block_systems {
	struct string_list mounted; /* device and file system, in turn */
	struct string_list members; /* device and UUID of a btrfs, in turn */
	struct string_list unread;  /* folders that could not be read */
	bool bcache, bcachefs;	    /* the kernel has it */
	bool zfs, pools;	    /* the kernel has ZFS; and pools */
};

/* Those of one device have a folder of its name (of ext4: fs/ext4/sysfs.c). It is there
 * from mount until the last namespace, and the last open file of a lazy umount, let go.
 */
static const char *const of_one[] = { "ext4", "xfs", "f2fs", "nilfs2", "erofs" };

/* The names in a folder. One that is there and cannot be read is kept as such. */
static int list_folder(const struct host *host, struct block_systems *systems,
		       const char *path, struct string_list *ret_names)
{
	int r = host_list(host, path, ret_names);

	if (r == -ENOMEM)
		return r;
	return r < 0 && r != -ENOENT ? string_list_add(&systems->unread, path) : 0;
}

static int add_all(struct string_list *pairs, const struct string_list *names,
		   const char *second)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->count; i++) {
		r = string_list_add(pairs, names->items[i]);
		if (r == 0)
			r = string_list_add(pairs, second);
	}
	return r;
}

static int read_folder(const struct host *host, struct block_systems *systems,
		       const char *path, struct string_list *pairs, const char *second)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = list_folder(host, systems, path, &names);

	return r == 0 ? add_all(pairs, &names, second) : r;
}

/* btrfs tells its devices while it is mounted (fs/btrfs/sysfs.c). */
static int read_btrfs(const struct host *host, struct block_systems *systems)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = list_folder(host, systems, "sys/fs/btrfs", &names);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char path[PATH_MAX];

		if (!strcmp(names.items[i], "features"))
			continue;
		snprintf(path, sizeof(path), "sys/fs/btrfs/%s/devices", names.items[i]);
		r = read_folder(host, systems, path, &systems->members, names.items[i]);
	}
	return r;
}

/* A pool that is imported has a folder with its state (module/os/linux/spl/spl-kstat.c of
 * OpenZFS), whether something of it is mounted or not. */
static int read_zfs(const struct host *host, struct block_systems *systems)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r;

	systems->zfs = host_exists(host, "sys/module/zfs");
	if (!systems->zfs)
		return 0;
	r = host_list(host, "proc/spl/kstat/zfs", &names);
	for (size_t i = 0; r == 0 && !systems->pools && i < names.count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "proc/spl/kstat/zfs/%s/state",
			 names.items[i]);
		systems->pools = host_exists(host, path);
	}
	return r == -ENOMEM ? r : 0;
}

int block_systems_read(const struct host *host, struct block_systems **ret_systems)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct block_systems *systems = calloc(1, sizeof(*systems));
	int r;

	if (!systems)
		return -ENOMEM;
	r = list_folder(host, systems, "sys/fs", &names);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(of_one); i++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/fs/%s", of_one[i]);
		if (string_list_has(&names, of_one[i]))
			r = read_folder(host, systems, path, &systems->mounted,
					of_one[i]);
	}
	/* A journal on a device of its own has no inode's number behind its name
	 * (fs/jbd2/journal.c, jbd2_journal_init_dev). */
	if (r == 0)
		r = read_folder(host, systems, "proc/fs/jbd2", &systems->mounted,
				"journal");
	if (r == 0 && string_list_has(&names, "btrfs"))
		r = read_btrfs(host, systems);
	systems->bcache = string_list_has(&names, "bcache");
	systems->bcachefs = string_list_has(&names, "bcachefs");
	if (r == 0)
		r = read_zfs(host, systems);
	if (r < 0) {
		block_systems_free(systems);
		return r;
	}
	*ret_systems = systems;
	return 0;
}

void block_systems_free(struct block_systems *systems)
{
	if (!systems)
		return;
	string_list_free(&systems->mounted);
	string_list_free(&systems->members);
	string_list_free(&systems->unread);
	free(systems);
}

/* ZFS does not tell its devices; what udev saw on them does. */
static int look_for_zfs(struct usage_scan *scan, const struct block_systems *systems,
			const struct block_device *block)
{
	char type[32], label[128] = "";

	if (block_property(block, "ID_FS_TYPE", type, sizeof(type)) &&
	    !strcmp(type, "zfs_member") && systems->zfs) {
		block_property(block, "ID_FS_LABEL", label, sizeof(label));
		return usage_add(scan->usage, block->owner, USAGE_POOL,
				 "%s belongs to the ZFS pool %s", block->name, label);
	}
	if (block->properties || !block->number[0] ||
	    !(systems->pools || block_mounts_have_zfs(scan->mounts)))
		return 0;
	return usage_add(scan->usage, block->owner, USAGE_UNREADABLE,
			 "whether %s belongs to a ZFS pool is not known: ZFS is in use,"
			 " and udev has not said what is on this disk",
			 block->name);
}

/* bcache and bcachefs put a name of theirs into the folder of each device that they have
 * (drivers/md/bcache/super.c; fs/bcachefs/super.c, bch2_dev_sysfs_online): also of what
 * is only a cache, which is no holder, and of what the mount's source does not name. */
static int look_for_marks(struct usage_scan *scan, const struct block_systems *systems,
			  const struct block_device *block)
{
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "sys/class/block/%s/bcache", block->name);
	if (systems->bcache && host_exists(scan->host, path))
		r = usage_add(scan->usage, block->owner, USAGE_HOLDER,
			      "%s belongs to bcache", block->name);
	snprintf(path, sizeof(path), "sys/class/block/%s/bcachefs", block->name);
	if (r == 0 && systems->bcachefs && host_exists(scan->host, path))
		r = usage_add(scan->usage, block->owner, USAGE_POOL,
			      "%s belongs to a bcachefs that is mounted", block->name);
	return r;
}

static int look_for_mounted(struct usage_scan *scan, const struct block_systems *systems,
			    const struct block_device *block)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < systems->mounted.count; i += 2) {
		const char *type = systems->mounted.items[i + 1];

		if (strcmp(systems->mounted.items[i], block->name) != 0)
			continue;
		if (!strcmp(type, "journal"))
			r = usage_add(scan->usage, block->owner, USAGE_MOUNT,
				      "%s is the journal of a file system that is"
				      " mounted",
				      block->name);
		else
			r = usage_add(scan->usage, block->owner, USAGE_MOUNT,
				      "the kernel has the %s on %s mounted, though no"
				      " process shows where",
				      type, block->name);
	}
	return r;
}

int block_systems_look(struct usage_scan *scan, const struct block_systems *systems,
		       const struct block_device *block, bool is_mounted)
{
	int r = is_mounted ? 0 : look_for_mounted(scan, systems, block);

	for (size_t i = 0; r == 0 && i + 1 < systems->members.count; i += 2)
		if (!strcmp(systems->members.items[i], block->name))
			r = usage_add(scan->usage, block->owner, USAGE_POOL,
				      "%s belongs to a btrfs that is mounted (%s)",
				      block->name, systems->members.items[i + 1]);
	if (r == 0)
		r = look_for_marks(scan, systems, block);
	if (r == 0 && !is_mounted)
		r = look_for_zfs(scan, systems, block);
	for (size_t i = 0; r == 0 && !is_mounted && i < systems->unread.count; i++)
		r = usage_add(scan->usage, block->owner, USAGE_UNREADABLE,
			      "whether %s is mounted is not known: /%s could not be read",
			      block->name, systems->unread.items[i]);
	return r;
}
