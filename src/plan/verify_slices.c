/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slices that mdevctl has defined to start by themselves: docs/design/mdev.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bootcfg/cmdline.h"
#include "bootcfg/mdevctl.h"
#include "pci/slices.h"
#include "plan/internal.h"
#include "plan/verify.h"

/* The host as it is now. */
struct look {
	struct pci_slices slices;
	struct pci_slice_types types;
	bool disarmed;
	bool mdevctl_starts; /* those with attributes, too */
};

static void look_free(struct look *look)
{
	pci_slices_free(&look->slices);
	pci_slice_types_free(&look->types);
}

static int look_at(const struct host *host, struct look *look, struct error *err)
{
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline cmdline = { 0 };
	int r = pci_slices_read(host, &look->slices, err);

	if (r == 0)
		r = pci_slice_types_read(host, &look->types, err);
	bootcfg_cmdline_read(host, &cmdline);
	look->disarmed = bootcfg_is_disarmed(&cmdline);
	look->mdevctl_starts = bootcfg_mdevctl_start(host) == MDEVCTL_STARTS;
	return r;
}

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
static void explain(const struct look *look, const struct bootcfg_definition *definition,
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
	else if (expected->can_be_made && look->disarmed)
		snprintf(why, size,
			 "pciferry=off was on the kernel's command line: nothing was made"
			 " in this boot; pciferry mdev create %s %s %s",
			 definition->parent, definition->type, definition->uuid);
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

static int verify_one(const struct look *look,
		      const struct bootcfg_definition *definition,
		      struct plan_expected_slice *expected)
{
	const struct pci_slice *there = pci_slice_find(&look->slices, definition->uuid);
	bool has_parent, offered;

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
	offered = is_offered(&look->types, definition, &has_parent);
	expected->can_be_made = offered && !definition->has_attributes;
	/* The kernel has all types of a parent when it shows that:
	 * mdev_register_parent().
	 */
	expected->can_come = !has_parent && !there && !definition->has_attributes;
	expected->is_awaited = offered && !there && look->mdevctl_starts;
	expected->holds = there && !there->is_leaving && there->parent && there->type &&
			  !strcmp(there->parent, definition->parent) &&
			  !strcmp(there->type, definition->type);
	if (!expected->holds)
		explain(look, definition, there, has_parent, expected);
	return 0;
}

static int verify_all(const struct host *host, struct plan_verification *verification,
		      struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_(look_free) struct look look = { 0 };
	int r = bootcfg_definitions_read(host, &definitions, err);

	if (r < 0 || !definitions.count)
		return r;
	verification->has_definitions = true;
	r = look_at(host, &look, err);
	if (r < 0)
		return r;
	verification->slices = calloc(definitions.count, sizeof(*verification->slices));
	if (!verification->slices)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < definitions.count; i++) {
		const struct bootcfg_definition *definition = &definitions.items[i];

		/* Of a damaged one nothing tells whether it is to start. */
		if (definition->starts || definition->damage)
			r = verify_one(&look, definition,
				       &verification->slices[verification->n_slices++]);
	}
	return r;
}

int plan_verify_slices(const struct host *host, struct plan_verification *verification)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	int r = verify_all(host, verification, &failure);

	/* A recording of before they were looked at tells nothing of them. */
	if (r == -ENODATA)
		return 0;
	if (r == 0 || r == -ENOMEM)
		return r;
	r = asprintf(&verification->slices_bad, "%s: %s", failure.subject,
		     failure.message);
	if (r < 0)
		verification->slices_bad = NULL;
	return r < 0 ? -ENOMEM : 0;
}
