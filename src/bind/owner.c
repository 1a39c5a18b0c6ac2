/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may open the groups of a plan. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"
#include "bind/slices.h"
#include "pci/slices.h"

static int add_node(struct change_steps *steps, const char *path, uid_t user)
{
	char target[128], value[16], purpose[192];
	struct change_step step = {
		.kind = CHANGE_GIVE_NODE,
		.target = target,
		.value = value,
		.purpose = purpose,
	};

	snprintf(target, sizeof(target), "%s", path);
	snprintf(value, sizeof(value), "%u", (unsigned int)user);
	snprintf(purpose, sizeof(purpose), "give /%s to the user %s", path, value);
	return change_add(steps, &step);
}

/* A node of its own, for IOMMUFD, since Linux 6.6: /dev/vfio/devices/vfio0. */
static int add_own_node(const struct host *host, struct change_steps *steps,
			const struct pci_address *address, uid_t user)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char folder[PCI_ATTRIBUTE_PATH_SIZE], path[96];
	int r = 0;

	pci_attribute_path(address, "vfio-dev", folder);
	if (host_list(host, folder, &names) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		snprintf(path, sizeof(path), "dev/vfio/devices/%s", names.items[i]);
		if (host_exists(host, path))
			r = add_node(steps, path, user);
	}
	return r;
}

static int perform_all(struct change *change, const struct change_steps *steps,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < steps->count; i++)
		r = change_perform(change, &steps->items[i], err);
	return r;
}

int bind_slice_give(struct change *change, const char *uuid, uid_t user,
		    struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct pci_slice *slice;
	int r = pci_slices_read(change_host(change), &slices, err);

	if (r < 0)
		return r;
	slice = pci_slice_find(&slices, uuid);
	if (!slice)
		return error_set(err, ENODEV, uuid, "there is no such slice");
	/* What has a name in sysfs has a node only where the kernel makes such ones. */
	for (size_t i = 0; r == 0 && i < slice->nodes.count; i++)
		if (host_exists(change_host(change), slice->nodes.items[i] + 1))
			r = add_node(&steps, slice->nodes.items[i] + 1, user);
	return r < 0 ? error_oom(err) : perform_all(change, &steps, err);
}

int bind_give(struct change *change, const struct bind_plan *plan, uid_t user,
	      struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char path[32];
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct bind_member *member = &plan->members[i];

		snprintf(path, sizeof(path), "dev/vfio/%u", member->group);
		if (!i || plan->members[i - 1].group != member->group)
			r = add_node(&steps, path, user);
		if (r == 0)
			r = add_own_node(change_host(change), &steps, &member->address,
					 user);
	}
	if (r < 0)
		return error_oom(err);
	r = perform_all(change, &steps, err);
	if (r < 0)
		error_evidence(err, "the devices are bound, all the same");
	return r;
}
