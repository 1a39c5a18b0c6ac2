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
#include "usage/usage.h"

/* For what udev does with a new node; the kernel has made it by then. */
enum { NODE_MS = 5000 };

/*
 * Kept is the line "making" until one is whole, and "guest NAME" of one that goes with
 * that guest; of any other nothing is kept.
 */
static const char making_line[] = "making";
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
	const struct host *host = change_host(change);
	const struct pci_slice *there;
	char path[PATH_MAX];
	int r = 0;

	/* A kernel can be without groups (CONFIG_VFIO_GROUP), and where it has both
	 * nodes this comes last (__vfio_register_dev() in drivers/vfio/vfio_main.c). */
	snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s/vfio-dev", slice->uuid);
	if (!host_exists(host, path)) {
		snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s/iommu_group",
			 slice->uuid);
		r = change_wait_for(change, path, NODE_MS);
	}
	if (r < 0 || pci_slices_mediated(host, &slices, NULL) < 0)
		return -ETIMEDOUT;
	there = pci_slice_find(&slices, slice->uuid);
	if (!there || !there->nodes.count)
		return -ETIMEDOUT;
	return change_wait_for(change, there->nodes.items[0] + 1, NODE_MS);
}

static int keep(struct change *change, const char *uuid, bool is_making,
		const char *guest, struct error *err)
{
	_cleanup_free_ char *text = NULL;

	if (!is_making && !guest)
		return change_drop_state(change, uuid);
	if (asprintf(&text, "%s%s%s%s%s", is_making ? making_line : "",
		     is_making ? "\n" : "", guest ? guest_word : "", guest ? guest : "",
		     guest ? "\n" : "") < 0) {
		text = NULL;
		return error_oom(err);
	}
	return change_keep_state(change, uuid, text, err);
}

/* What is kept of one; the guest's name is in `kept`. NULL: it is no guest's. */
static const char *read_kept(char *kept, bool *ret_making)
{
	const char *guest = NULL;
	char *rest = kept, *line;

	*ret_making = false;
	while ((line = strsep(&rest, "\n"))) {
		if (!strcmp(line, making_line))
			*ret_making = true;
		else if (!strncmp(line, guest_word, strlen(guest_word)))
			guest = line + strlen(guest_word);
	}
	return guest;
}

/* It is made. Of who was killed over it, too. */
static int settle(struct change *change, const char *uuid, struct error *err)
{
	_cleanup_free_ char *kept = NULL;
	const char *guest;
	bool is_making;

	if (change_read_state(change_host(change), uuid, &kept) < 0)
		return 0;
	guest = read_kept(kept, &is_making);
	return is_making ? keep(change, uuid, false, guest, err) : 0;
}

static int take_back(struct change *change, const struct bind_slice *made,
		     struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	struct bind_slice slice = *made;
	int r = keep(change, made->uuid, false, made->guest, &failure);

	slice.goes = true;
	if (r == 0)
		r = perform(change, &slice, &failure);
	if (r < 0)
		error_evidence(err, "it could not be removed again: %s", failure.message);
	return r;
}

/*
 * Whether the one of that UUID is the one that was to be made. Of one that is on its way
 * the type comes last (mdev_create_sysfs_files() in drivers/vfio/mdev/mdev_sysfs.c).
 */
static bool was_first(struct change *change, const struct bind_slice *slice)
{
	_cleanup_(bind_slice_free) struct bind_slice again = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s/mdev_type", slice->uuid);
	return change_wait_for(change, path, NODE_MS) == 0 &&
	       bind_slice_plan_make(change_host(change), slice->parent, slice->type,
				    slice->uuid, &again, NULL) == 0 &&
	       again.is_done;
}

static int make(struct change *change, const struct bind_slice *slice, struct error *err)
{
	/* Before it is made: that of a run which is cut off then is known to be ours. */
	int r = keep(change, slice->uuid, true, slice->guest, err);

	if (r < 0)
		return r;
	r = perform(change, slice, err);
	/* By mdevctl, which knows no lock of ours: without a node it is its own. */
	if (r == -EEXIST && was_first(change, slice)) {
		error_clear(err);
		wait_for_node(change, slice);
		return change_drop_state(change, slice->uuid);
	}
	if (r < 0 && r != -ETIMEDOUT) {
		explain(slice, r, err);
		change_drop_state(change, slice->uuid);
	}
	if (r < 0)
		return r;
	r = wait_for_node(change, slice);
	if (r == 0)
		return keep(change, slice->uuid, false, slice->guest, err);
	error_set(err, EIO, slice->uuid,
		  "it was made, and has no node in /dev/vfio by which a guest could have"
		  " it: it was removed again");
	error_hint(err, "VFIO's module may be missing: modprobe vfio (before Linux 5.14:"
			" vfio_mdev); dmesg | tail");
	if (take_back(change, slice, err) == 0)
		change_drop_state(change, slice->uuid);
	return -EIO;
}

/* Some drivers keep one whose removal the kernel has taken. */
static int remove_it(struct change *change, const struct bind_slice *slice,
		     struct error *err)
{
	char path[PATH_MAX];
	int r = settle(change, slice->uuid, err);

	if (r == 0)
		r = perform(change, slice, err);
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

void bind_slice_wait(struct change *change, const char *id)
{
	change_wait_for_device(change, id, change_deadline_ms(change), NULL);
}

int bind_slice_perform(struct change *change, const struct bind_slice *slice,
		       struct error *err)
{
	/* One that is there may be one that an earlier step is about to take back. */
	int r = change_wait_for_device(change, slice->uuid, 0, err);

	if (r < 0)
		return r;
	/* Who makes it for nobody wants it to stay when a guest ends. */
	if (slice->is_done && !slice->guest)
		return change_drop_state(change, slice->uuid);
	if (slice->is_done)
		return settle(change, slice->uuid, err);
	return slice->goes ? remove_it(change, slice, err) : make(change, slice, err);
}

/* Whether a removal would have to wait; what could not be asked may be so. */
static bool is_held(const struct host *host, const char *uuid)
{
	_cleanup_(string_list_free) struct string_list holders = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct string_list *nodes;
	const struct pci_slice *there;
	bool all;

	if (pci_slices_mediated(host, &slices, NULL) < 0)
		return true;
	there = pci_slice_find(&slices, uuid);
	if (!there)
		return false;
	nodes = &there->nodes;
	return usage_find_holders(host, &nodes, 1, &holders, &all) < 0 || !all ||
	       there->has_unread_nodes || holders.count;
}

/* Made too late, by this process: whoever has it by now keeps it. */
static int take_back_late(struct change *change, const char *uuid)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	struct bind_slice slice = { .goes = true };

	if (is_held(change_host(change), uuid))
		return -EBUSY;
	snprintf(slice.uuid, sizeof(slice.uuid), "%s", uuid);
	if (bind_slice_steps(&slice, &steps) < 0)
		return -ENOMEM;
	return change_perform_here(change, &steps.items[0]);
}

void bind_slice_came_back(struct change *change, const char *device, void *argument)
{
	_cleanup_free_ char *kept = NULL;
	int r = change_late_result(change);
	char uuid[UUID_SIZE];
	const char *guest;
	bool is_making;

	(void)argument;
	/* A vendor's function, of which bind keeps what it was like first. */
	if (uuid_parse(device, strlen(device), uuid) < 0)
		return;
	if (change_read_state(change_host(change), device, &kept) < 0)
		return;
	guest = read_kept(kept, &is_making);
	/* A removal that failed has left it to whom it was made for. */
	if (!is_making && r < 0)
		return;
	/* What is there after one that failed, or after a removal, is another's. */
	if (is_making && r == 0 && take_back_late(change, device) < 0)
		keep(change, device, false, guest, NULL);
	else
		change_drop_state(change, device);
}

/* By the name of what is kept: one that is noted need not be there. */
static bool is_noted(const struct host *host, const char *name, const char *guest,
		     char uuid[UUID_SIZE])
{
	_cleanup_free_ char *kept = NULL;
	const char *noted;
	bool is_making;

	if (uuid_parse(name, strcspn(name, "."), uuid) < 0 ||
	    strcmp(strchrnul(name, '.'), ".first") != 0 ||
	    change_read_state(host, uuid, &kept) < 0)
		return false;
	noted = read_kept(kept, &is_making);
	return noted && !strcmp(noted, guest);
}

int bind_guest_slices(const struct host *host, const char *guest,
		      struct string_list *ret_uuids, struct error *err)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, "run/pciferry", &names);

	if (r < 0 && r != -ENOENT)
		return error_set(err, -r, "/run/pciferry", "%s", strerror(-r));
	r = 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char uuid[UUID_SIZE];

		if (is_noted(host, names.items[i], guest, uuid))
			r = string_list_add(ret_uuids, uuid);
	}
	return r < 0 ? error_oom(err) : 0;
}
