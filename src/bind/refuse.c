/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What speaks against a plan, told before anything is touched. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "bind/internal.h"
#include "pci/slices.h"

/* The first reason makes the message; every one is evidence. */
static void refuse(struct error *err, bool *refused, const char *device,
		   const char *message)
{
	if (!*refused)
		error_refuse(err, device, "%s, so nothing was changed", message);
	*refused = true;
}

bool bind_loses_driver(const struct bind_member *member)
{
	return member->now.driver[0] && !iommu_is_vfio_driver(member->now.driver) &&
	       (strcmp(member->now.driver, member->wanted.driver) != 0 ||
		bind_settings_move(&member->wanted.settings, &member->now.settings));
}

/*
 * Every use speaks against taking a member; one without a driver may still be what the
 * firmware's framebuffer is on. Against giving it back speaks a guest that holds its
 * group, and, where a driver of the host's is to let it go, every use again.
 */
static bool speaks_against(const struct bind_member *member, enum usage_kind kind,
			   bool take)
{
	return take || kind == USAGE_VFIO || bind_loses_driver(member);
}

/* One that does not go along is a mistake, and perhaps of another device. */
int bind_check_forced(const struct bind_request *request, struct bind_plan *plan,
		      struct error *err)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < request->n_forced; i++) {
		const struct bind_member *member =
			bind_plan_find(plan, &request->forced[i]);

		if (!member)
			return error_usage(
				err, pci_address_format(&request->forced[i], text),
				"it is to be forced, and is none of the devices that go");
		plan->members[member - plan->members].forced = true;
	}
	return 0;
}

static bool is_forced(const struct bind_request *request,
		      const struct pci_address *address)
{
	for (size_t i = 0; i < request->n_forced; i++)
		if (!pci_address_compare(&request->forced[i], address))
			return true;
	return false;
}

/*
 * Whoever says --force loses a network, a picture or a process of his own. What is on a
 * disk, and what a guest has, is lost by others: that has to be freed. A process that
 * holds a disk, or a device that is on VFIO already, may be such a guest.
 */
static bool can_be_forced(enum usage_kind kind, const struct pci_device *device)
{
	switch (kind) {
	case USAGE_SSH:
	case USAGE_ROUTE:
	case USAGE_NETWORK:
	case USAGE_DISPLAY:
	case USAGE_CONSOLE:
	case USAGE_FRAMEBUFFER:
	case USAGE_KEYBOARD:
	case USAGE_SOUND:
		return true;
	case USAGE_PROCESS:
		return device->ids == FACT_KNOWN && device->class_code >> 16 != 0x01 &&
		       !(device->driver && iommu_is_vfio_driver(device->driver));
	default:
		return false;
	}
}

/* What speaks against a plan, gathered. */
struct objections {
	bool refused;
	bool held;    /* only by processes that have the group */
	bool forced;  /* --force was said of what cannot be forced */
	bool picture; /* a graphics card shows one */
};

static int object(const struct bind_view *view, const struct bind_request *request,
		  const struct pci_device *device, const struct usage_finding *finding,
		  struct bind_plan *plan, struct objections *objections,
		  struct error *err)
{
	bool forced = is_forced(request, &device->address);
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(&device->address, text);
	if (!forced && bind_display_ends(view, plan, device, finding->kind))
		return 0;
	if (forced && can_be_forced(finding->kind, device))
		return string_list_addf(&plan->overridden, "%s: %s", text,
					finding->detail) < 0
			       ? error_oom(err)
			       : 0;
	refuse(err, &objections->refused, text, "in use");
	error_evidence(err, "%s: %s", text, finding->detail);
	objections->held &= finding->kind == USAGE_VFIO;
	objections->forced |= forced;
	objections->picture |=
		pci_is_display(device) &&
		(finding->kind == USAGE_DISPLAY || finding->kind == USAGE_CONSOLE ||
		 finding->kind == USAGE_FRAMEBUFFER);
	return 0;
}

int bind_refuse_in_use(const struct bind_view *view, const struct bind_request *request,
		       struct bind_plan *plan, bool take, struct error *err)
{
	struct objections objections = { .held = true };
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct bind_member *member = &plan->members[i];
		const struct pci_device *device =
			pci_find(&view->devices, &member->address);
		const struct usage_findings *findings = usage_of(&view->usage, device);

		if (bind_group_is_done(plan, member->group))
			continue;
		for (size_t j = 0; r == 0 && j < findings->count; j++)
			if (speaks_against(member, findings->items[j].kind, take))
				r = object(view, request, device, &findings->items[j],
					   plan, &objections, err);
	}
	if (r < 0 || !objections.refused)
		return r;
	error_hint(err, "%s",
		   objections.held ? "end that process first"
		   : objections.forced
			   ? "free it first: what is on a disk, what a guest has"
			     " and what is not known cannot be forced"
		   : objections.picture && !plan->stop_display
			   ? "--stop-display stops what shows a picture, until the"
			     " release; with another way in, such as SSH"
			   : "free it first (umount, swapoff, ip link set ..."
			     " down)");
	return -EBUSY;
}

int bind_refuse_stuck(const struct bind_plan *plan, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < plan->count; i++) {
		if (!plan->members[i].stuck)
			continue;
		error_refuse(
			err, pci_address_format(&plan->members[i].address, text),
			"stuck: its driver hangs in the kernel, so nothing was changed");
		error_hint(err, "end the process that holds the device, or reboot");
		return -EBUSY;
	}
	return 0;
}

/* Without ACS a virtual function may be in its physical one's group: it goes with that
 * one's driver, in the midst of the change. */
int bind_refuse_physical(const struct bind_view *view, const struct bind_plan *plan,
			 struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < plan->count; i++) {
		char path[PCI_ATTRIBUTE_PATH_SIZE], name[NAME_MAX + 1];
		char text[PCI_ADDRESS_SIZE];
		const struct bind_member *physical;
		struct pci_address address;

		pci_attribute_path(&plan->members[i].address, "physfn", path);
		if (host_link_name(view->usage.host, path, name, sizeof(name)) !=
			    FACT_KNOWN ||
		    pci_address_parse(name, &address) < 0)
			continue;
		physical = bind_plan_find(plan, &address);
		if (!physical || !bind_loses_driver(physical))
			continue;
		pci_address_format(&address, text);
		refuse(err, &refused, text, "its virtual functions would vanish");
		error_evidence(err,
			       "%s: it has to go with its virtual function %s, and"
			       " that ends with its driver",
			       text, pci_address_format(&plan->members[i].address, name));
	}
	if (!refused)
		return 0;
	error_hint(err, "a slot with ACS keeps them apart: pciferry show tells");
	return -EBUSY;
}

/*
 * NVIDIA's vGPU without mediated devices: bound to another driver, and back, such a
 * function is none that guests can have, until all of them are made anew.
 */
int bind_refuse_vendor(const struct bind_view *view, const struct bind_plan *plan,
		       struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < plan->count; i++) {
		const struct bind_member *member = &plan->members[i];
		char text[PCI_ADDRESS_SIZE];
		long long type = 0;
		enum fact fact =
			pci_slice_vendor_type(view->usage.host, &member->address, &type);

		if (fact == FACT_ABSENT || !bind_loses_driver(member))
			continue;
		pci_address_format(&member->address, text);
		refuse(err, &refused, text, "its driver itself hands it to guests");
		if (fact == FACT_UNREADABLE)
			error_evidence(err,
				       "%s: nvidia/current_vgpu_type is there, and"
				       " could not be read",
				       text);
		else
			error_evidence(
				err,
				"%s: nvidia/current_vgpu_type is there (type %lld): it"
				" goes to a guest as it is, with managed='no'",
				text, type);
	}
	if (!refused)
		return 0;
	error_hint(err, "leave it on its driver; pciferry mdev types shows the types that"
			" it can have");
	return -EBUSY;
}

/* A bridge of the group on a driver that VFIO does not allow would make it all in vain.
 */
int bind_refuse_not_viable(const struct bind_view *view, const struct bind_plan *plan,
			   struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < plan->count; i++) {
		const struct iommu_group *group =
			iommu_find_group(&view->groups, plan->members[i].group);

		/* Members are sorted by address, and so stand together by group. */
		if (i && plan->members[i - 1].group == group->number)
			continue;
		for (size_t j = 0; j < group->count; j++) {
			const struct pci_device *bridge = group->members[j];
			char text[PCI_ADDRESS_SIZE];
			const char *driver;

			if (!iommu_member_stays(bridge) ||
			    iommu_member_allows_vfio(bridge, &driver))
				continue;
			pci_address_format(&bridge->address, text);
			refuse(err, &refused, text, "the group would not be viable");
			error_evidence(err,
				       "%s: a bridge of group %u on the driver %s; VFIO"
				       " allows pcieport, pci-stub or none",
				       text, group->number,
				       driver ? driver : "(unreadable)");
		}
	}
	if (!refused)
		return 0;
	error_hint(err,
		   "unbind the bridge from that driver, or put the device into another"
		   " slot");
	return -EBUSY;
}

/* Memory that the firmware uses with a device makes it all in vain as well. */
int bind_refuse_kept_memory(const struct bind_view *view, const struct bind_plan *plan,
			    struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < plan->count; i++) {
		const struct bind_member *member = &plan->members[i];
		char text[PCI_ADDRESS_SIZE], reason[256];

		if ((i && plan->members[i - 1].group == member->group) ||
		    usage_memory_verdict(&view->usage,
					 iommu_find_group(&view->groups, member->group),
					 reason, sizeof(reason)) != USAGE_CANNOT)
			continue;
		pci_address_format(&member->address, text);
		refuse(err, &refused, text, "no guest could use it");
		error_evidence(err, "%s: %s", text, reason);
	}
	if (!refused)
		return 0;
	error_hint(err, "some firmware has a switch for it (shared memory, USB legacy"
			" support); else choose another device");
	return -EBUSY;
}
