/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "plan/internal.h"

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->members);
	change_edits_free(&plan->edits);
	string_list_free(&plan->instructions);
	string_list_free(&plan->losses);
	string_list_free(&plan->risks);
	string_list_free(&plan->returns);
	memset(plan, 0, sizeof(*plan));
}

static bool is_named(const struct plan_request *request, const struct pci_device *device)
{
	for (size_t i = 0; i < request->count; i++)
		if (!pci_address_compare(&request->addresses[i], &device->address))
			return true;
	return false;
}

static int check_named(const struct plan_view *view, const struct pci_address *address,
		       struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, address);
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	if (!device) {
		error_set(err, ENODEV, text, "no such device");
		error_hint(err, "pciferry list shows the devices of this host");
		return -ENODEV;
	}
	if (iommu_member_stays(device)) {
		error_set(err, EINVAL, text, "a bridge stays with the host");
		error_hint(err, "name a device behind it: pciferry list shows them");
		return -EINVAL;
	}
	return 0;
}

/* Devices are sorted by address, and so are members. */
static int find_members(const struct plan_view *view, const struct plan_request *request,
			struct plan *plan)
{
	plan->members = calloc(view->devices.count + 1, sizeof(*plan->members));
	if (!plan->members)
		return -ENOMEM;
	for (size_t i = 0; i < view->devices.count; i++) {
		const struct pci_device *device = &view->devices.items[i];
		bool goes = false;

		if (iommu_member_stays(device))
			continue;
		for (size_t j = 0; j < request->count; j++)
			goes |= plan_go_together(
				view, pci_find(&view->devices, &request->addresses[j]),
				device);
		if (goes)
			plan->members[plan->count++] =
				(struct plan_member){ device->address,
						      is_named(request, device) };
	}
	return 0;
}

int plan_make(const struct host *host, const struct plan_request *request,
	      struct plan *ret_plan, struct error *err)
{
	_cleanup_(plan_view_close) struct plan_view view = { 0 };
	_cleanup_(plan_free) struct plan plan = { 0 };
	int r = plan_view_open(host, &view, err);

	for (size_t i = 0; r == 0 && i < request->count; i++)
		r = check_named(&view, &request->addresses[i], err);
	if (r < 0)
		return r;
	if (!view.groups.count && view.firmware.fact == FACT_ABSENT) {
		error_set(err, ENODEV, host_name(host),
			  "its firmware has no table of an IOMMU: no guest could get a"
			  " device");
		error_hint(err, "pciferry check --only iommu tells what to do");
		return -ENODEV;
	}
	plan.predicted = !view.groups.count;
	if (find_members(&view, request, &plan) < 0)
		return error_oom(err);
	r = plan_refuse(&view, request, &plan, err);
	if (r == 0)
		r = plan_edit_bindings(&view, &plan, err);
	if (r == 0)
		r = plan_edit_parameters(&view, &plan, err);
	/* Half of it by hand and half by us would be hard to follow, and to undo. */
	if (r == 0 && plan.instructions.count)
		change_edits_free(&plan.edits);
	if (r == 0)
		r = boot_tell_images(host, &view.boot, view.kernels, &plan.edits, err);
	if (r == 0 && plan_tell(&view, &plan) < 0)
		r = error_oom(err);
	if (r == 0)
		r = change_edits_look(host, &plan.edits, err);
	if (r < 0)
		return r;
	*ret_plan = plan;
	memset(&plan, 0, sizeof(plan));
	return 0;
}
