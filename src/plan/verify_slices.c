/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slices that mdevctl has defined to start by themselves: docs/design/mdev.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bootcfg/mdevctl.h"
#include "pci/slices.h"
#include "plan/internal.h"
#include "plan/verify.h"

static bool is_offered(const struct pci_slice_types *types,
		       const struct bootcfg_definition *definition, bool *ret_has_parent)
{
	*ret_has_parent = false;
	for (size_t i = 0; i < types->count; i++) {
		const struct pci_slice_type *type = &types->items[i];

		if (type->kind != PCI_SLICE_MDEV ||
		    strcmp(type->parent, definition->parent) != 0)
			continue;
		*ret_has_parent = true;
		if (!strcmp(type->type, definition->type))
			return true;
	}
	return false;
}

/* Why it is not there. */
static void explain(const struct bootcfg_definition *definition,
		    const struct pci_slice *there, bool has_parent,
		    struct plan_expected_slice *expected)
{
	char *why = expected->why;
	size_t size = sizeof(expected->why);

	if (there && there->is_leaving)
		snprintf(why, size, "it is being removed, and somebody holds it still");
	else if (there)
		snprintf(why, size, "it is a slice of %s, type %s",
			 there->parent ? there->parent : "another device",
			 there->type ? there->type : "unknown");
	else if (definition->has_attributes)
		snprintf(why, size,
			 "it has attributes, which only mdevctl writes: mdevctl"
			 " start --uuid %s",
			 definition->uuid);
	else if (expected->can_be_made)
		snprintf(why, size,
			 "pciferry bind --tab makes it, or says what is in the"
			 " way");
	else if (has_parent)
		snprintf(why, size,
			 "its parent does not offer this type: pciferry mdev"
			 " types %s",
			 definition->parent);
	else
		snprintf(why, size,
			 "its parent is not there, or not cut into slices by its"
			 " driver: pciferry mdev types");
}

static int verify_one(const struct pci_slices *slices,
		      const struct pci_slice_types *types,
		      const struct bootcfg_definition *definition,
		      struct plan_expected_slice *expected)
{
	const struct pci_slice *there = pci_slice_find(slices, definition->uuid);
	bool has_parent;

	*expected = (struct plan_expected_slice){ .parent = strdup(definition->parent) };
	snprintf(expected->uuid, sizeof(expected->uuid), "%s", definition->uuid);
	if (!expected->parent)
		return -ENOMEM;
	if (definition->damage) {
		snprintf(expected->why, sizeof(expected->why), "/%s: %s",
			 definition->path, definition->damage);
		return 0;
	}
	expected->type = strdup(definition->type);
	if (!expected->type)
		return -ENOMEM;
	expected->can_be_made =
		is_offered(types, definition, &has_parent) && !definition->has_attributes;
	expected->holds = there && !there->is_leaving && there->parent && there->type &&
			  !strcmp(there->parent, definition->parent) &&
			  !strcmp(there->type, definition->type);
	if (!expected->holds)
		explain(definition, there, has_parent, expected);
	return 0;
}

int plan_verify_slices(const struct host *host, struct plan_verification *verification,
		       struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	int r = bootcfg_definitions_read(host, &definitions, err);

	if (r < 0 || !definitions.count)
		return r;
	r = pci_slices_read(host, &slices, err);
	if (r == 0)
		r = pci_slice_types_read(host, &types, err);
	if (r < 0)
		return r;
	verification->slices = calloc(definitions.count, sizeof(*verification->slices));
	if (!verification->slices)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < definitions.count; i++) {
		const struct bootcfg_definition *definition = &definitions.items[i];

		/* Of a damaged one nothing tells whether it is to start. */
		if (definition->starts || definition->damage)
			r = verify_one(&slices, &types, definition,
				       &verification->slices[verification->n_slices++]);
	}
	return r < 0 ? error_oom(err) : 0;
}
