/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/slices.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/slices.h"
#include "bootcfg/mdevctl.h"
#include "pci/slices.h"

const struct change_options vm_slices_late = {
	.came_back = bind_slice_came_back,
	.late = "pciferry mdev list tells what came of it",
};

static int not_defined(const char *uuid, struct error *err)
{
	error_set(err, ENOENT, uuid,
		  "no slice of this UUID is there, and none is defined");
	error_hint(err, "pciferry mdev create PARENT TYPE %s --persist", uuid);
	return -ENOENT;
}

static int defined_twice(const struct bootcfg_definition *one,
			 const struct bootcfg_definition *other, struct error *err)
{
	error_set(err, EEXIST, one->uuid, "it is defined for %s and for %s", one->parent,
		  other->parent);
	error_hint(err,
		   "pciferry mdev remove %s --parent %s --persist takes that one out",
		   one->uuid, other->parent);
	return -EEXIST;
}

/* Of which parent and type it is to be. */
static int find(const struct bootcfg_definitions *definitions, const char *uuid,
		const struct bootcfg_definition **ret_definition, struct error *err)
{
	const struct bootcfg_definition *found = NULL;

	for (size_t i = 0; i < definitions->count; i++) {
		const struct bootcfg_definition *one = &definitions->items[i];

		if (strcmp(one->uuid, uuid) != 0)
			continue;
		if (found && strcmp(found->parent, one->parent) != 0)
			return defined_twice(found, one, err);
		/* Of two beneath one parent the one that mdevctl finds. */
		if (!found || found->is_odd)
			found = one;
	}
	if (!found)
		return not_defined(uuid, err);
	if (found->damage) {
		error_set(err, EINVAL, uuid, "/%s: %s", found->path, found->damage);
		error_hint(err, "mend that file, or remove it");
		return -EINVAL;
	}
	if (found->has_attributes) {
		error_set(err, ENOTSUP, uuid,
			  "/%s gives it attributes, which only mdevctl sets",
			  found->path);
		error_hint(err, "mdevctl start --uuid %s, before the guest", uuid);
		return -ENOTSUP;
	}
	*ret_definition = found;
	return 0;
}

/* What it takes to make it. */
static int plan(const struct host *host, const struct bootcfg_definitions *definitions,
		const char *uuid, struct bind_slice *ret_slice, struct error *err)
{
	const struct bootcfg_definition *definition = NULL;
	int r = find(definitions, uuid, &definition, err);

	return r < 0 ? r
		     : bind_slice_plan_make(host, definition->parent, definition->type,
					    definition->uuid, ret_slice, err);
}

int vm_slice_check(const struct host *host, const char *uuid, struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_(bind_slice_free) struct bind_slice slice = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct pci_slice *there;
	int r = pci_slices_read(host, &slices, err);

	there = r == 0 ? pci_slice_find(&slices, uuid) : NULL;
	if (there && !there->is_leaving)
		return 0;
	if (r == 0)
		r = bootcfg_definitions_read(host, &definitions, err);
	return r < 0 ? r : plan(host, &definitions, uuid, &slice, err);
}

int vm_slices_check(struct change *change, const struct string_list *uuids,
		    struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < uuids->count; i++) {
		bind_slice_wait(change, uuids->items[i]);
		r = vm_slice_check(change_host(change), uuids->items[i], err);
	}
	return r;
}

static int make(struct change *change, const struct bootcfg_definitions *definitions,
		const char *uuid, const char *guest, struct error *err)
{
	_cleanup_(bind_slice_free) struct bind_slice slice = { 0 };
	int r = plan(change_host(change), definitions, uuid, &slice, err);

	slice.guest = guest;
	return r < 0 ? r : bind_slice_perform(change, &slice, err);
}

int vm_slices_make(struct change *change, const struct string_list *uuids,
		   const char *guest, struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	int r;

	for (size_t i = 0; i < uuids->count; i++)
		bind_slice_wait(change, uuids->items[i]);
	r = pci_slices_read(change_host(change), &slices, err);
	if (r == 0)
		r = bootcfg_definitions_read(change_host(change), &definitions, err);
	for (size_t i = 0; r == 0 && i < uuids->count; i++) {
		const struct pci_slice *there = pci_slice_find(&slices, uuids->items[i]);

		/* Who else has it, QEMU is told by the kernel. */
		if (!there || there->is_leaving)
			r = make(change, &definitions, uuids->items[i], guest, err);
	}
	return r;
}

static int remove_one(struct change *change, const char *uuid, struct error *err)
{
	_cleanup_(bind_slice_free) struct bind_slice slice = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	int r;

	bind_slice_wait(change, uuid);
	r = change_wait_for_device(change, uuid, 0, err);
	if (r == 0)
		r = pci_slices_read(change_host(change), &slices, err);
	if (r < 0)
		return r;
	/* Somebody else has removed it. One that comes later under this UUID is not the
	 * guest's. */
	if (!pci_slice_find(&slices, uuid))
		return change_drop_state(change, uuid);
	r = bind_slice_plan_remove(change_host(change), uuid, &slice, err);
	return r < 0 ? r : bind_slice_perform(change, &slice, err);
}

int vm_slices_remove(struct change *change, const char *guest, struct error *err)
{
	_cleanup_(string_list_free) struct string_list uuids = { 0 };
	int result = bind_guest_slices(change_host(change), guest, &uuids, err);

	for (size_t i = 0; i < uuids.count; i++) {
		struct error one = ERROR_INIT;
		int r = remove_one(change, uuids.items[i], &one);

		result = error_gather(result, r, &one, err);
	}
	return result;
}
