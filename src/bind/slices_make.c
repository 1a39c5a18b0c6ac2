/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and removing one: create_store() and remove_store() in drivers/vfio/mdev. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/slices.h"
#include "pci/slices.h"

/* For what udev does with a new node; the kernel has made it by then. */
enum { NODE_MS = 5000 };

/* The line of what is kept that names a guest. */
static const char guest_word[] = "guest ";

int bind_slice_steps(const struct bind_slice *slice, struct change_steps *ret_steps)
{
	char target[PATH_MAX], value[UUID_SIZE + 1], purpose[NAME_MAX + 64];
	char link[sizeof(PCI_SLICE_BUS) + UUID_SIZE];
	struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = (char *)slice->uuid,
		.target = target,
		.value = value,
		.purpose = purpose,
		.link = link,
	};

	if (slice->is_done)
		return 0;
	snprintf(link, sizeof(link), PCI_SLICE_BUS "/%s", slice->uuid);
	if (slice->goes) {
		snprintf(target, sizeof(target), "%s/remove", link);
		snprintf(value, sizeof(value), "1\n");
		snprintf(purpose, sizeof(purpose), "remove it");
	} else {
		snprintf(target, sizeof(target), "%s/mdev_supported_types/%s/create",
			 slice->folder, slice->type);
		snprintf(value, sizeof(value), "%s\n", slice->uuid);
		snprintf(purpose, sizeof(purpose), "make it, a slice of %s",
			 slice->parent);
		step.link_name = (char *)slice->uuid;
	}
	return change_add(ret_steps, &step);
}

static int perform(struct change *change, const struct bind_slice *slice,
		   struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	int r = 0;

	if (bind_slice_steps(slice, &steps) < 0)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < steps.count; i++)
		r = change_perform(change, &steps.items[i], err);
	return r;
}

/*
 * mdev_device_create(): EUSERS where the parent's count is used up, ENOSPC where the
 * driver finds no room although its count says otherwise, as GVT-g in graphics memory in
 * pieces; ENODEV while the parent's driver goes, and no such file when it is gone.
 */
static void explain(const struct bind_slice *slice, int r, struct error *err)
{
	if (r == -ENOSPC || r == -EUSERS) {
		error_clear(err);
		error_set(err, ENOSPC, slice->parent,
			  "there is no room for another slice of type %s", slice->type);
		error_hint(err, "its driver says more in the kernel log: dmesg | tail;"
				" removing all its slices may help where memory is in"
				" pieces");
	} else if (r == -ENODEV || r == -ENOENT) {
		error_clear(err);
		error_set(err, ENODEV, slice->parent,
			  "it went, or its driver, before the slice was made");
		error_hint(err, "pciferry mdev types shows what is there now");
	} else if (r == -EEXIST) {
		error_clear(err);
		error_set(err, EEXIST, slice->uuid, "this UUID is that of another slice");
		error_hint(err, "take another one; without a UUID a new one is made");
	}
}

/* Returns 0, or -ETIMEDOUT where nothing has come by which a guest could open it. */
static int wait_for_node(struct change *change, const struct bind_slice *slice)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct pci_slice *there;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s/iommu_group", slice->uuid);
	if (change_wait_for(change, path, NODE_MS) < 0 ||
	    pci_slices_read(change_host(change), &slices, NULL) < 0)
		return -ETIMEDOUT;
	there = pci_slice_find(&slices, slice->uuid);
	if (!there || !there->nodes.count)
		return -ETIMEDOUT;
	return change_wait_for(change, there->nodes.items[0] + 1, NODE_MS);
}

static int take_back(struct change *change, const struct bind_slice *made,
		     struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	struct bind_slice slice = *made;
	int r;

	slice.goes = true;
	r = perform(change, &slice, &failure);
	if (r < 0)
		error_evidence(err, "it could not be removed again: %s", failure.message);
	return r;
}

/* Before it is made: that of a run which is cut off then is known to be ours. */
static int note(struct change *change, const struct bind_slice *slice, struct error *err)
{
	const char *guest = slice->guest;
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "parent %s\ntype %s\n%s%s%s", slice->parent, slice->type,
		     guest ? guest_word : "", guest ? guest : "",
		     guest ? "\n" : "") < 0) {
		text = NULL;
		return error_oom(err);
	}
	return change_keep_state(change, slice->uuid, text, err);
}

static int make(struct change *change, const struct bind_slice *slice, struct error *err)
{
	int r = note(change, slice, err);

	if (r < 0)
		return r;
	r = perform(change, slice, err);
	if (r < 0 && r != -ETIMEDOUT) {
		explain(slice, r, err);
		change_drop_state(change, slice->uuid);
	}
	if (r < 0)
		return r;
	r = wait_for_node(change, slice);
	if (r == 0)
		return 0;
	error_set(err, EIO, slice->uuid,
		  "it was made, and has no node in /dev/vfio by which a guest could have"
		  " it: it was removed again");
	error_hint(err, "VFIO's module may be missing: modprobe vfio; dmesg | tail");
	if (take_back(change, slice, err) == 0)
		change_drop_state(change, slice->uuid);
	return -EIO;
}

/* Some drivers keep one whose removal the kernel has taken. */
static int remove_it(struct change *change, const struct bind_slice *slice,
		     struct error *err)
{
	char path[PATH_MAX];
	int r = perform(change, slice, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/%s", slice->folder, slice->uuid);
	if (host_exists(change_host(change), path)) {
		error_set(err, EIO, slice->uuid,
			  "the kernel took its removal, but /%s is still there", path);
		error_hint(err, "the kernel log may say why: dmesg | tail");
		return -EIO;
	}
	change_drop_state(change, slice->uuid);
	return 0;
}

int bind_slice_perform(struct change *change, const struct bind_slice *slice,
		       struct error *err)
{
	int r;

	if (slice->is_done)
		return 0;
	r = change_wait_for_device(change, slice->uuid, 0, err);
	if (r < 0)
		return r;
	return slice->goes ? remove_it(change, slice, err) : make(change, slice, err);
}

void bind_slice_came_back(struct change *change, const char *device, void *argument)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	_cleanup_free_ char *kept = NULL;
	struct bind_slice slice = { .goes = true };
	char path[sizeof(PCI_SLICE_BUS) + UUID_SIZE];

	(void)argument;
	snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s", device);
	snprintf(slice.uuid, sizeof(slice.uuid), "%s", device);
	if (change_read_state(change_host(change), device, &kept) < 0)
		return;
	if (host_exists(change_host(change), path) &&
	    (bind_slice_steps(&slice, &steps) < 0 ||
	     change_perform_here(change, &steps.items[0]) < 0))
		return;
	change_drop_state(change, device);
}

static bool is_for(const struct host *host, const char *uuid, const char *guest)
{
	_cleanup_free_ char *kept = NULL;
	char *rest, *line;

	if (change_read_state(host, uuid, &kept) < 0)
		return false;
	rest = kept;
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, guest_word, strlen(guest_word)) &&
		    !strcmp(line + strlen(guest_word), guest))
			return true;
	return false;
}

int bind_guest_slices(const struct host *host, const char *guest,
		      struct string_list *ret_uuids, struct error *err)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	int r = pci_slices_read(host, &slices, err);

	for (size_t i = 0; r == 0 && i < slices.count; i++) {
		const struct pci_slice *slice = &slices.items[i];

		if (slice->kind == PCI_SLICE_MDEV && is_for(host, slice->id, guest) &&
		    string_list_add(ret_uuids, slice->id) < 0)
			r = error_oom(err);
	}
	return r;
}
