/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind/slices.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"
#include "pci/slices.h"
#include "usage/usage.h"

void bind_slice_free(struct bind_slice *slice)
{
	if (!slice)
		return;
	free(slice->parent);
	free(slice->type);
	free(slice->folder);
	memset(slice, 0, sizeof(*slice));
}

static int fill(struct bind_slice *slice, const char *uuid, const char *parent,
		const char *type, const char *folder)
{
	snprintf(slice->uuid, sizeof(slice->uuid), "%s", uuid);
	slice->parent = strdup(parent);
	slice->type = strdup(type);
	slice->folder = strdup(folder);
	return slice->parent && slice->type && slice->folder ? 0 : -ENOMEM;
}

static int no_such_parent(const char *parent, struct error *err)
{
	error_set(err, ENODEV, parent, "it cannot be cut into slices, as it is now");
	error_hint(err,
		   "pciferry mdev types shows what can; its driver may not be loaded,"
		   " or have that turned off");
	return -ENODEV;
}

/* What is made otherwise: the way is told. */
static int not_mediated(const struct pci_slice_type *type, struct error *err)
{
	error_set(err, ENOTSUP, type->parent,
		  "its slices are virtual functions, not mediated devices");
	if (type->kind == PCI_SLICE_FUNCTION)
		error_hint(err, "pciferry vf %s COUNT makes them", type->parent);
	else
		error_hint(err, "pciferry mdev create %s %s gives one of them a type",
			   type->parent, type->type);
	return -ENOTSUP;
}

static int no_such_type(const struct pci_slice_types *types, const char *parent,
			const char *name, struct error *err)
{
	error_set(err, ENOENT, parent, "it has no type %s", name);
	for (size_t i = 0; i < types->count; i++)
		if (!strcmp(types->items[i].parent, parent))
			error_evidence(err, "%s", types->items[i].type);
	/* intel_gvt_init_vgpu_types() in drivers/gpu/drm/i915/gvt/vgpu.c */
	if (!strncmp(name, "i915-GVTg_", strlen("i915-GVTg_")))
		error_hint(err, "GVT-g offers what fits into the graphics aperture: the"
				" firmware's setup may have a larger one");
	else
		error_hint(err, "pciferry mdev types shows what each one has");
	return -ENOENT;
}

static int find_type(const struct pci_slice_types *types, const char *parent,
		     const char *name, const struct pci_slice_type **ret_type,
		     struct error *err)
{
	const struct pci_slice_type *other = NULL;
	bool is_parent = false;

	for (size_t i = 0; i < types->count; i++) {
		const struct pci_slice_type *type = &types->items[i];

		if (strcmp(type->parent, parent) != 0)
			continue;
		if (type->kind != PCI_SLICE_MDEV) {
			other = type;
			continue;
		}
		is_parent = true;
		if (strcmp(type->type, name) != 0)
			continue;
		*ret_type = type;
		return 0;
	}
	if (is_parent)
		return no_such_type(types, parent, name, err);
	return other ? not_mediated(other, err) : no_such_parent(parent, err);
}

/* With what has taken the place. */
static int is_full(const struct pci_slices *slices, const char *parent, const char *type,
		   struct error *err)
{
	error_set(err, ENOSPC, parent, "there is no room for another slice of type %s",
		  type);
	for (size_t i = 0; i < slices->count; i++) {
		const struct pci_slice *slice = &slices->items[i];

		if (slice->parent && !strcmp(slice->parent, parent))
			error_evidence(err, "%s %s%s", slice->id,
				       slice->type ? slice->type : "",
				       slice->is_leaving ? "(being removed)" : "");
	}
	error_hint(err, "remove one that nobody needs: pciferry mdev remove UUID");
	return -ENOSPC;
}

/* Its holders as evidence. Returns 0 or -errno. */
static int look_for_holders(const struct host *host, const struct pci_slice *slice,
			    struct string_list *ret_holders, bool *ret_all,
			    struct error *err)
{
	const struct string_list *nodes = &slice->nodes;

	if (usage_find_holders(host, &nodes, 1, ret_holders, ret_all) < 0)
		return error_oom(err);
	if (slice->has_unread_nodes)
		*ret_all = false;
	return 0;
}

static void tell_holders(const struct string_list *holders, bool all, struct error *err)
{
	for (size_t i = 0; i < holders->count; i++)
		error_evidence(err, "held by %s", holders->items[i]);
	if (!all)
		error_evidence(err, "not all that may hold it could be looked at, which"
				    " counts as in use");
}

static int refuse_leaving(const struct host *host, const struct pci_slice *slice,
			  struct error *err)
{
	_cleanup_(string_list_free) struct string_list holders = { 0 };
	bool all;
	int r = look_for_holders(host, slice, &holders, &all, err);

	if (r < 0)
		return r;
	error_refuse(err, slice->id,
		     "it is being removed, and the kernel waits until"
		     " nobody holds it");
	error_evidence(err, "/" PCI_SLICE_PARENTS "/%s/%s is still there", slice->parent,
		       slice->id);
	tell_holders(&holders, all, err);
	error_hint(err, "end the guest that has it");
	return -EBUSY;
}

static int is_anothers(const struct pci_slice *slice, struct error *err)
{
	error_set(err, EEXIST, slice->id, "this UUID is that of a slice of %s, type %s",
		  slice->parent ? slice->parent : "another device",
		  slice->type ? slice->type : "unknown");
	error_hint(err, "take another one; without a UUID a new one is made");
	return -EEXIST;
}

int bind_slice_plan_make(const struct host *host, const char *parent, const char *type,
			 const char uuid[UUID_SIZE], struct bind_slice *ret_slice,
			 struct error *err)
{
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	_cleanup_(bind_slice_free) struct bind_slice slice = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct pci_slice_type *found = NULL;
	const struct pci_slice *there;
	int r = pci_slice_types_read(host, &types, err);

	if (r == 0)
		r = pci_slices_read(host, &slices, err);
	if (r == 0)
		r = find_type(&types, parent, type, &found, err);
	if (r < 0)
		return r;
	there = pci_slice_find(&slices, uuid);
	if (there && there->is_leaving)
		return refuse_leaving(host, there, err);
	slice.is_done = there && there->parent && there->type &&
			!strcmp(there->parent, parent) && !strcmp(there->type, type);
	if (there && !slice.is_done)
		return is_anothers(there, err);
	if (!slice.is_done && found->left_fact == FACT_KNOWN && found->left <= 0)
		return is_full(&slices, parent, type, err);
	if (fill(&slice, uuid, parent, type, found->folder) < 0)
		return error_oom(err);
	*ret_slice = slice;
	memset(&slice, 0, sizeof(slice));
	return 0;
}

int bind_slice_refuse_held(const struct host *host, const struct pci_slice *slice,
			   struct error *err)
{
	_cleanup_(string_list_free) struct string_list holders = { 0 };
	bool all;
	int r = look_for_holders(host, slice, &holders, &all, err);

	if (r < 0 || (!holders.count && all))
		return r;
	error_refuse(err, slice->id, "it is in use, so it was not removed");
	tell_holders(&holders, all, err);
	error_hint(err, all ? "end the guest that has it first"
			    : "as root, more can be looked at");
	return -EBUSY;
}

int bind_slice_plan_remove(const struct host *host, const char uuid[UUID_SIZE],
			   struct bind_slice *ret_slice, struct error *err)
{
	_cleanup_(bind_slice_free) struct bind_slice slice = { .goes = true };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct pci_slice *there;
	char folder[PATH_MAX];
	int r = pci_slices_read(host, &slices, err);

	if (r < 0)
		return r;
	there = pci_slice_find(&slices, uuid);
	if (!there) {
		error_set(err, ENODEV, uuid, "there is no such slice");
		error_hint(err, "pciferry mdev list shows what there is");
		return -ENODEV;
	}
	if (there->is_leaving)
		return refuse_leaving(host, there, err);
	r = bind_slice_refuse_held(host, there, err);
	if (r < 0)
		return r;
	snprintf(folder, sizeof(folder), PCI_SLICE_PARENTS "/%s",
		 there->parent ? there->parent : "");
	if (fill(&slice, uuid, there->parent ? there->parent : "",
		 there->type ? there->type : "", folder) < 0)
		return error_oom(err);
	*ret_slice = slice;
	memset(&slice, 0, sizeof(slice));
	return 0;
}
