/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders that a virtual machine's host shares by virtio: virtiofs and 9p. They are on no
 * block device; the mount's source is the share's tag.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/block.h"

struct share {
	const struct pci_device *device;
	const char *type; /* of its file system */
	char tag[256];	  /* "": not known */
};

struct shares {
	struct usage_scan *scan;
	struct share *items;
	size_t count;
};

/* By today's ID or that of before virtio 1.0 (virtio 1.3, 4.1.2.1 and 5). NULL: none. */
static const char *share_type(const struct pci_device *device)
{
	if (!usage_is_virtio(device) || device->driver_fact != FACT_KNOWN)
		return NULL;
	if (device->device_id == 0x1049 || device->device_id == 0x1009)
		return "9p";
	return device->device_id == 0x105a ? "virtiofs" : NULL;
}

/* net/9p/trans_virtio.c, p9_mount_tag_show */
static void read_9p_tag(const struct host *host, struct share *share)
{
	char name[32], attribute[64], path[PCI_ATTRIBUTE_PATH_SIZE];

	if (usage_virtio_name(host, share->device, name, sizeof(name)) < 0 || !name[0])
		return;
	snprintf(attribute, sizeof(attribute), "%s/mount_tag", name);
	pci_attribute_path(&share->device->address, attribute, path);
	host_read(host, path, share->tag, sizeof(share->tag));
}

/* Since Linux 6.9: Documentation/ABI/testing/sysfs-fs-virtiofs */
static int read_virtiofs_tag(const struct usage_scan *scan, struct share *share)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "sys/fs/virtiofs", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < names.count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "sys/fs/virtiofs/%s/device", names.items[i]);
		if (usage_link_owner(scan, path) != share->device)
			continue;
		snprintf(path, sizeof(path), "sys/fs/virtiofs/%s/tag", names.items[i]);
		host_read(scan->host, path, share->tag, sizeof(share->tag));
	}
	return 0;
}

static int list_shares(struct usage_scan *scan, struct shares *shares)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++) {
		struct share one = { .device = &devices->items[i] }, *larger;

		one.type = share_type(one.device);
		if (!one.type)
			continue;
		if (!strcmp(one.type, "9p"))
			read_9p_tag(scan->host, &one);
		else
			r = read_virtiofs_tag(scan, &one);
		larger = reallocarray(shares->items, shares->count + 1, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		shares->items = larger;
		larger[shares->count++] = one;
	}
	return r;
}

/* 9p has other ways, such as TCP; virtio is not always told, being the default. */
static bool is_of_type(struct libmnt_fs *fs, const char *type)
{
	const char *mounted = libmount.mnt_fs_get_fstype(fs);
	char *way;
	size_t len;

	return mounted && !strcmp(mounted, type) &&
	       (libmount.mnt_fs_get_option(fs, "trans", &way, &len) != 0 ||
		(len == strlen("virtio") && !strncmp(way, "virtio", len)));
}

/*
 * The share with the mount's tag; where none has it, those whose tag is not known. A
 * mount by another name ("/dev/root") may be of any.
 */
static bool may_be(const struct shares *shares, const struct share *share,
		   const char *source)
{
	bool has_unknown = false;

	for (size_t i = 0; i < shares->count; i++) {
		const struct share *other = &shares->items[i];

		if (strcmp(other->type, share->type) != 0)
			continue;
		if (!strcmp(other->tag, source))
			return !strcmp(share->tag, source);
		has_unknown |= !other->tag[0];
	}
	return !has_unknown || !share->tag[0];
}

static int look_at_mount(void *argument, struct libmnt_fs *fs, const char *process)
{
	const struct shares *shares = argument;
	const char *source = libmount.mnt_fs_get_source(fs),
		   *target = libmount.mnt_fs_get_target(fs);
	struct usage *usage = shares->scan->usage;
	char name[300];
	int r = 0;

	for (size_t i = 0; r == 0 && i < shares->count; i++) {
		const struct share *share = &shares->items[i];

		if (!source || !target || !is_of_type(fs, share->type) ||
		    !may_be(shares, share, source))
			continue;
		snprintf(name, sizeof(name), "the share %s", source);
		if (strcmp(share->tag, source) != 0)
			r = usage_add(usage, share->device, USAGE_UNREADABLE,
				      "a %s is mounted on %s; whether it is this one"
				      " could not be read",
				      share->type, target);
		/* Most namespaces are copies of the first. */
		else if (!process || (!usage_has_kind(usage, share->device, USAGE_ROOT) &&
				      !usage_has_kind(usage, share->device, USAGE_MOUNT)))
			r = block_mounts_add(shares->scan, share->device, name, target,
					     process);
	}
	return r;
}

static int mark_unread(const struct shares *shares)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < shares->count; i++)
		r = usage_add(shares->scan->usage, shares->items[i].device,
			      USAGE_UNREADABLE,
			      "not every process could be asked whether it has it"
			      " mounted (as root, more can)");
	return r;
}

/* To which one a mount belongs, the others' tags tell as well. */
static bool is_any_asked(const struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;

	for (size_t i = 0; i < devices->count; i++)
		if (usage_is_asked(scan, &devices->items[i]) &&
		    share_type(&devices->items[i]))
			return true;
	return false;
}

int usage_scan_shares(struct usage_scan *scan)
{
	struct shares shares = { .scan = scan };
	int r = is_any_asked(scan) ? list_shares(scan, &shares) : 0;

	if (r == 0 && shares.count) {
		r = block_mounts_read(scan);
		if (r == 0)
			r = block_mounts_visit(scan->mounts, look_at_mount, &shares);
		if (r == 0 && !block_mounts_are_all(scan->mounts))
			r = mark_unread(&shares);
	}
	free(shares.items);
	return r;
}
