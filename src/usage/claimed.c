/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks that the kernel has claimed: the last word on whether something uses them. */
#include "host/claimed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

/* Far more than an open takes, unless the driver is repairing its disk. */
enum { DEADLINE_MS = 3000 };

/* The disks of a function, without partitions: they are in the disk's own folder. */
static int list_disks(const struct usage_scan *scan, const struct pci_device *device,
		      struct string_list *ret_disks)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "sys/class/block", &names);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const char *name = names.items[i];
		char path[PATH_MAX], head[64];

		snprintf(path, sizeof(path), "sys/class/block/%s/partition", name);
		if (usage_class_owner(scan, "block", name) != device ||
		    host_exists(scan->host, path))
			continue;
		r = string_list_add(
			ret_disks,
			usage_multipath_head(name, head, sizeof(head)) ? head : name);
	}
	return r;
}

static int find_claimed(const struct usage_scan *scan, const struct string_list *names,
			enum host_claim **ret_claims)
{
	enum host_claim *claims = calloc(names->count + 1, sizeof(*claims));
	int r;

	if (!claims)
		return -ENOMEM;
	r = host_find_claimed(scan->host, (const char *const *)names->items, names->count,
			      DEADLINE_MS, claims);
	if (r < 0)
		free(claims);
	else
		*ret_claims = claims;
	return r;
}

static int add_claimed(const struct usage_scan *scan, const struct pci_device *device,
		       const char *name)
{
	return usage_add(scan->usage, device, USAGE_HOLDER,
			 "%s is claimed by the kernel, or by a program that wants it for"
			 " itself: it does not tell by whom",
			 name);
}

/* Whoever claims a partition claims its disk in part: the partition says more. */
static int tell_claimed(const struct usage_scan *scan, const struct pci_device *device,
			const char *disk)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	_cleanup_free_ enum host_claim *claims = NULL;
	bool told = false;
	int r;

	r = usage_list_partitions(scan->host, disk, &names);
	if (r == 0)
		r = find_claimed(scan, &names, &claims);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		if (claims[i] == HOST_CLAIM_HELD) {
			r = add_claimed(scan, device, names.items[i]);
			told = true;
		}
	return r == 0 && !told ? add_claimed(scan, device, disk) : r;
}

bool usage_has_disk_in_use(const struct usage *usage, const struct pci_device *device)
{
	const struct usage_findings *findings = usage_of(usage, device);

	for (size_t i = 0; i < findings->count; i++)
		switch (findings->items[i].kind) {
		case USAGE_ROOT:
		case USAGE_MOUNT:
		case USAGE_SWAP:
		case USAGE_HOLDER:
		case USAGE_POOL:
			return true;
		default:
			break;
		}
	return false;
}

static int note_claim(const struct usage_scan *scan, const struct pci_device *device,
		      const char *disk, enum host_claim claim)
{
	if (claim == HOST_CLAIM_HELD)
		return tell_claimed(scan, device, disk);
	if (claim == HOST_CLAIM_UNKNOWN)
		return usage_add(scan->usage, device, USAGE_UNREADABLE,
				 "whether the kernel has %s claimed could not be found"
				 " out",
				 disk);
	return 0;
}

int usage_look_for_claims(struct usage *usage, const struct pci_device *const *devices,
			  size_t count, struct string_list *ret_disks)
{
	struct usage_scan scan = { .host = usage->host, .usage = usage };
	_cleanup_(string_list_free) struct string_list all = { 0 };
	_cleanup_free_ enum host_claim *claims = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (!usage_has_disk_in_use(usage, devices[i]))
			r = list_disks(&scan, devices[i], &ret_disks[i]);
		for (size_t j = 0; r == 0 && j < ret_disks[i].count; j++)
			r = string_list_add(&all, ret_disks[i].items[j]);
	}
	if (r < 0 || !all.count)
		return r;
	r = find_claimed(&scan, &all, &claims);
	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t j = 0; r == 0 && j < ret_disks[i].count; j++)
			r = note_claim(&scan, devices[i], ret_disks[i].items[j],
				       claims[n++]);
	return r;
}
