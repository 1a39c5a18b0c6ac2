/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/block.h"

/* The mounts of one namespace, by a process in it. */
struct mount_namespace {
	struct libmnt_table *table;
	char process[96];
};

struct block_mounts {
	struct libmnt_table *own, *init; /* NULL: unreadable */
	struct libmnt_table *swaps;	 /* NULL: unreadable */
	struct mount_namespace *others;
	size_t n_others;
	bool others_unreadable;
};

struct libmount libmount;

int block_load_libmount(void)
{
	struct libmount loaded;

	if (libmount.mnt_new_table)
		return 0;
	if (libmount_load(&loaded, NULL) < 0)
		return -ELIBACC;
	libmount = loaded;
	return 0;
}

static void free_table(struct libmnt_table *table)
{
	if (table)
		libmount.mnt_unref_table(table);
}

/* For libmount, of a line that it cannot read and passes over. */
static int note_damage(struct libmnt_table *table, const char *name, int line)
{
	bool *damaged = libmount.mnt_table_get_userdata(table);

	(void)name, (void)line;
	*damaged = true;
	return 1;
}

/* libmount takes the format from the first line, not from the name. */
static bool is_kernels(struct libmnt_table *table, int (*is_kind)(struct libmnt_fs *fs))
{
	struct libmnt_iter *iter = libmount.mnt_new_iter(MNT_ITER_FORWARD);
	bool all = iter != NULL;
	struct libmnt_fs *fs;

	while (all && libmount.mnt_table_next_fs(table, iter, &fs) == 0)
		all = is_kind(fs);
	libmount.mnt_free_iter(iter);
	return all;
}

struct libmnt_table *block_table_parse(const char *bytes, size_t len, const char *name)
{
	struct libmnt_table *table =
		block_load_libmount() == 0 ? libmount.mnt_new_table() : NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	bool damaged, whole;

	if (!table || !len)
		return table;
	/* libmount would see its line end there. */
	damaged = memchr(bytes, '\0', len);
	libmount.mnt_table_set_userdata(table, &damaged);
	libmount.mnt_table_set_parser_errcb(table, note_damage);
	stream = fmemopen((void *)bytes, len, "r");
	whole = stream && libmount.mnt_table_parse_stream(table, stream, name) == 0;
	libmount.mnt_table_set_userdata(table, NULL);
	/* People write fstab, and mount(8) passes over what it cannot read there. */
	if (whole && !strcmp(name, "mountinfo"))
		whole = !damaged && !libmount.mnt_table_is_empty(table) &&
			is_kernels(table, libmount.mnt_fs_is_kernel);
	else if (whole && !strcmp(name, "swaps"))
		whole = !damaged && is_kernels(table, libmount.mnt_fs_is_swaparea);
	if (whole)
		return table;
	libmount.mnt_unref_table(table);
	return NULL;
}

static struct libmnt_table *read_table(const struct host *host, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	int r = host_read_file(host, path, &bytes, &len);

	/* On this machine "not there" is an answer: a kernel without swap has no
	 * /proc/swaps. */
	if (r == -ENOENT && host_is_live(host))
		return libmount.mnt_new_table();
	return r < 0 ? NULL : block_table_parse(bytes, len, name);
}

static int add_namespace(const struct host *host, struct block_mounts *mounts,
			 const char *pid)
{
	struct mount_namespace *larger;
	struct libmnt_table *table;
	char path[64];

	snprintf(path, sizeof(path), "proc/%s/mountinfo", pid);
	if (!host_exists(host, path))
		return 0; /* it has ended */
	table = read_table(host, path);
	if (!table) {
		mounts->others_unreadable = true;
		return 0;
	}
	larger = reallocarray(mounts->others, mounts->n_others + 1, sizeof(*larger));
	if (!larger) {
		libmount.mnt_unref_table(table);
		return -ENOMEM;
	}
	mounts->others = larger;
	larger += mounts->n_others++;
	larger->table = table;
	usage_process_name(host, pid, larger->process, sizeof(larger->process));
	return 0;
}

/* Each namespace once, and not that of the processes which are read anyway. */
static int read_namespaces(struct usage_scan *scan, struct block_mounts *mounts)
{
	_cleanup_(string_list_free) struct string_list seen = { 0 };
	int r = usage_read_processes(scan);
	char own[32], first[32];

	if (r < 0)
		return r;
	host_link_target(scan->host, "proc/self/ns/mnt", own, sizeof(own));
	host_link_target(scan->host, "proc/1/ns/mnt", first, sizeof(first));
	/* The first process's mounts are known by ours only where they are the same. */
	mounts->others_unreadable =
		scan->processes.unreadable ||
		(!mounts->init && (!own[0] || strcmp(own, first) != 0));
	if (own[0] && string_list_add(&seen, own) < 0)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < scan->processes.count; i++) {
		const struct usage_process *process = &scan->processes.items[i];

		if (process->namespace_fact != FACT_KNOWN ||
		    string_list_has(&seen, process->namespace))
			continue;
		r = string_list_add(&seen, process->namespace);
		if (r == 0 && strcmp(process->pid, "1") != 0)
			r = add_namespace(scan->host, mounts, process->pid);
	}
	return r;
}

int block_mounts_read(struct usage_scan *scan)
{
	struct block_mounts *mounts;
	int r;

	if (scan->mounts)
		return 0;
	r = block_load_libmount();
	if (r < 0)
		return r;
	mounts = calloc(1, sizeof(*mounts));
	if (!mounts)
		return -ENOMEM;
	mounts->own = read_table(scan->host, "proc/self/mountinfo");
	mounts->init = read_table(scan->host, "proc/1/mountinfo");
	mounts->swaps = read_table(scan->host, "proc/swaps");
	r = read_namespaces(scan, mounts);
	if (r < 0) {
		block_mounts_free(mounts);
		return r;
	}
	scan->mounts = mounts;
	return 0;
}

void block_mounts_free(struct block_mounts *mounts)
{
	if (!mounts)
		return;
	free_table(mounts->own);
	free_table(mounts->init);
	free_table(mounts->swaps);
	for (size_t i = 0; i < mounts->n_others; i++)
		libmount.mnt_unref_table(mounts->others[i].table);
	free(mounts->others);
	free(mounts);
}

int block_mounts_add(struct usage_scan *scan, const struct pci_device *owner,
		     const char *name, const char *target, const char *process)
{
	if (process)
		return usage_add(
			scan->usage, owner, USAGE_MOUNT,
			"%s is mounted on %s in the mount namespace of process %s", name,
			target, process);
	if (!strcmp(target, "/"))
		return usage_add(scan->usage, owner, USAGE_ROOT,
				 "%s is mounted on /: the root file system", name);
	return usage_add(scan->usage, owner, USAGE_MOUNT, "%s is mounted on %s", name,
			 target);
}

/* Whether an option names it: XFS's "logdev=/dev/sdb", EROFS's "device=/dev/sdb". */
static bool is_in_options(const struct block_device *block, struct libmnt_fs *fs)
{
	const char *options = libmount.mnt_fs_get_fs_options(fs);
	const char *at = options ? strstr(options, "=/dev/") : NULL;

	for (; at; at = strstr(at + 1, "=/dev/")) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.*s", (int)strcspn(at + 1, ","), at + 1);
		if (block_is_path(block, path))
			return true;
	}
	return false;
}

/* Adds a finding for each entry that is this device's. Returns how many, or -ENOMEM. */
static int look_in_table(struct usage_scan *scan, struct libmnt_table *table,
			 const struct block_device *block, bool swap, const char *process)
{
	struct libmnt_iter *iter = libmount.mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int r = iter ? 0 : -ENOMEM, found = 0;

	while (r == 0 && libmount.mnt_table_next_fs(table, iter, &fs) == 0) {
		dev_t devno = libmount.mnt_fs_get_devno(fs);
		char text[32];

		snprintf(text, sizeof(text), "%u:%u", major(devno), minor(devno));
		/* By source too: btrfs gives its mounts a device number of their own. */
		if (!block_is_path(block, libmount.mnt_fs_get_source(fs)) &&
		    (!devno || strcmp(text, block->number) != 0) &&
		    !is_in_options(block, fs))
			continue;
		found++;
		r = swap ? usage_add(scan->usage, block->owner, USAGE_SWAP,
				     "%s is swap space", block->name)
			 : block_mounts_add(scan, block->owner, block->name,
					    libmount.mnt_fs_get_target(fs), process);
	}
	libmount.mnt_free_iter(iter);
	return r < 0 ? r : found;
}

/* Most namespaces are copies of the first: only what is mounted nowhere else is told.
 * Returns how many there are, or -ENOMEM. */
static int look_in_others(struct usage_scan *scan, const struct block_mounts *mounts,
			  const struct block_device *block)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < mounts->n_others; i++)
		r = look_in_table(scan, mounts->others[i].table, block, false,
				  mounts->others[i].process);
	if (r == 0 && mounts->others_unreadable)
		r = usage_add(
			scan->usage, block->owner, USAGE_UNREADABLE,
			"not every process could be asked whether it has %s mounted for"
			" itself (as root, more can)",
			block->name);
	return r;
}

static int look_for_mounts(struct usage_scan *scan, const struct block_mounts *mounts,
			   const struct block_device *block)
{
	int own = 0, init = 0;

	if (!mounts->own && !mounts->init)
		return usage_add(scan->usage, block->owner, USAGE_UNREADABLE,
				 "whether %s is mounted is not known: no mountinfo",
				 block->name);
	if (mounts->own)
		own = look_in_table(scan, mounts->own, block, false, NULL);
	if (own >= 0 && mounts->init)
		init = look_in_table(scan, mounts->init, block, false, NULL);
	if (own < 0 || init < 0)
		return -ENOMEM;
	return own || init ? 1 : look_in_others(scan, mounts, block);
}

int block_mounts_look(struct usage_scan *scan, const struct block_device *block)
{
	const struct block_mounts *mounts = scan->mounts;
	int found = look_for_mounts(scan, mounts, block), r;

	if (found < 0)
		return found;
	r = mounts->swaps
		    ? look_in_table(scan, mounts->swaps, block, true, NULL)
		    : usage_add(scan->usage, block->owner, USAGE_UNREADABLE,
				"whether %s is swap space is not known: no /proc/swaps",
				block->name);
	return r < 0 ? r : found > 0;
}

static int visit_table(struct libmnt_table *table, block_mounts_visitor visitor,
		       void *argument, const char *process)
{
	struct libmnt_iter *iter = libmount.mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int r = iter ? 0 : -ENOMEM;

	while (table && r == 0 && libmount.mnt_table_next_fs(table, iter, &fs) == 0)
		r = visitor(argument, fs, process);
	libmount.mnt_free_iter(iter);
	return r;
}

int block_mounts_visit(const struct block_mounts *mounts, block_mounts_visitor visitor,
		       void *argument)
{
	int r = visit_table(mounts->own, visitor, argument, NULL);

	if (r == 0)
		r = visit_table(mounts->init, visitor, argument, NULL);
	for (size_t i = 0; r == 0 && i < mounts->n_others; i++)
		r = visit_table(mounts->others[i].table, visitor, argument,
				mounts->others[i].process);
	return r;
}

bool block_mounts_are_all(const struct block_mounts *mounts)
{
	return (mounts->own || mounts->init) && !mounts->others_unreadable;
}

static int is_zfs(void *argument, struct libmnt_fs *fs, const char *process)
{
	const char *type = libmount.mnt_fs_get_fstype(fs);

	(void)argument;
	(void)process;
	return type && !strcmp(type, "zfs");
}

bool block_mounts_have_zfs(const struct block_mounts *mounts)
{
	return block_mounts_visit(mounts, is_zfs, NULL) > 0;
}
