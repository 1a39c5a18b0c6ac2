/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What speaks against a plan, and what a person loses by it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/internal.h"

/*
 * Uses that are there again after each boot, and without which the host does not come up,
 * or nobody gets in. What a process or a person does now is over by then.
 */
static bool is_needed_at_boot(enum usage_kind kind)
{
	switch (kind) {
	case USAGE_ROOT:
	case USAGE_SWAP:
	case USAGE_HOLDER:
	case USAGE_POOL:
	case USAGE_BOOT:
	case USAGE_SSH:
		return true;
	default:
		return false;
	}
}

/* The display that goes, when none is left behind; NULL: one is, or none goes. */
static const struct pci_device *find_last_display(const struct plan_view *view,
						  const struct plan *plan)
{
	const struct pci_device *going = NULL;

	for (size_t i = 0; i < view->devices.count; i++) {
		const struct pci_device *device = &view->devices.items[i];

		if (!pci_gives_picture(device))
			continue;
		if (!plan_has_member(plan, &device->address))
			return NULL;
		going = device;
	}
	return going;
}

/* The first reason makes the message; every one is evidence. */
static void refuse(struct error *err, bool *refused, const char *subject,
		   const char *message)
{
	if (!*refused)
		error_refuse(err, subject, "%s: nothing was changed", message);
	*refused = true;
}

static void refuse_needed(const struct plan_view *view, const struct plan *plan,
			  bool *refused, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct usage_findings *findings =
			usage_of(&view->usage,
				 pci_find(&view->devices, &plan->members[i].address));
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(&plan->members[i].address, text);
		for (size_t j = 0; j < findings->count; j++) {
			if (!is_needed_at_boot(findings->items[j].kind))
				continue;
			refuse(err, refused, text, "the host needs it at its next boot");
			error_evidence(err, "%s: %s", text, findings->items[j].detail);
		}
	}
}

static void refuse_memory(const struct plan_view *view, const struct plan *plan,
			  bool *refused, struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &plan->members[i].address);
		const struct iommu_group *group =
			iommu_group_of(&view->groups, device, NULL);
		char text[PCI_ADDRESS_SIZE], reason[256];

		if (!group || usage_memory_verdict(&view->usage, group, reason,
						   sizeof(reason)) != USAGE_CANNOT)
			continue;
		pci_address_format(&device->address, text);
		refuse(err, refused, text, "no guest could use it");
		error_evidence(err, "%s: %s", text, reason);
	}
}

int plan_refuse(const struct plan_view *view, const struct plan_request *request,
		const struct plan *plan, struct error *err)
{
	const struct pci_device *display = find_last_display(view, plan);
	char text[PCI_ADDRESS_SIZE];
	bool refused = false;

	refuse_needed(view, plan, &refused, err);
	refuse_memory(view, plan, &refused, err);
	if (refused) {
		error_hint(err, "choose another device, or make the host do without it"
				" first");
		return -EPERM;
	}
	if (!display || request->options.headless)
		return 0;
	refuse(err, &refused, pci_address_format(&display->address, text),
	       "it is the only display, and the host would have no picture");
	error_hint(err, "where the host can be reached by network or serial console, add"
			" --headless");
	return -EPERM;
}

/* "0000:01:00.0: /mnt/data is mounted from it" */
static int tell_uses(const struct plan_view *view, const struct plan_member *member,
		     struct string_list *losses)
{
	const struct usage_findings *findings =
		usage_of(&view->usage, pci_find(&view->devices, &member->address));
	char text[PCI_ADDRESS_SIZE];
	int r = 0;

	pci_address_format(&member->address, text);
	for (size_t i = 0; r == 0 && i < findings->count; i++)
		r = string_list_addf(losses, "%s: %s", text, findings->items[i].detail);
	return r;
}

/* Where configuration space could not be read, or a quirk of the kernel's may decide. */
static bool is_uncertain(const struct plan_view *view, const struct plan *plan)
{
	for (size_t i = 0; plan->predicted && i < plan->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &plan->members[i].address);
		int group =
			view->prediction.of_device[device - view->devices.items].group;

		if (group < 0 || iommu_predicted_uncertain(&view->prediction, group))
			return true;
	}
	return false;
}

/* The easiest first. What the IDs on the command line do, the word does not disarm. */
static int tell_returns(const struct plan_view *view, bool by_id, struct plan *plan)
{
	bool has_recovery = false;
	int r = 0;

	if (plan->count || plan->n_pages || !plan->gvt)
		r = string_list_addf(
			&plan->returns, "%s in the boot menu: nothing is %s in that boot",
			by_id ? "take vfio-pci.ids= off the kernel's command line"
			      : "add pciferry=off to the kernel's command line",
			plan->count && plan->n_pages ? "bound or reserved"
			: plan->n_pages		     ? "reserved"
						     : "bound");
	if (r == 0)
		r = plan_tell_gvt(view, plan);
	for (size_t i = 0; i < view->boot.entries.count; i++)
		has_recovery |= view->boot.entries.items[i].recovery;
	/* By address: its initramfs has the tab like any other. */
	if (r == 0 && by_id && has_recovery)
		r = string_list_add(&plan->returns,
				    "boot a recovery entry: it is left without the IDs");
	if (r == 0)
		r = string_list_add(&plan->returns,
				    "pciferry undo: every file as it was");
	return r;
}

int plan_tell(const struct plan_view *view, bool by_id, struct plan *plan)
{
	const struct pci_device *display = find_last_display(view, plan);
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = tell_uses(view, &plan->members[i], &plan->losses);
	if (r == 0 && display)
		r = string_list_add(&plan->losses, "the host will have no picture");
	if (r == 0 && plan->predicted)
		r = string_list_add(&plan->risks,
				    "the IOMMU is off: which devices share a group is"
				    " predicted, and known for certain after the reboot");
	if (r == 0 && is_uncertain(view, plan))
		r = string_list_add(
			&plan->risks,
			"and the prediction is not certain here: where more goes"
			" along than is listed, nothing is bound");
	if (r < 0 || plan->trial)
		return r;
	return tell_returns(view, by_id, plan);
}
