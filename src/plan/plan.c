/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "plan/found.h"
#include "plan/internal.h"

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	free(plan->members);
	free(plan->pages);
	change_edits_free(&plan->edits);
	plan_found_free(plan->found, plan->n_found);
	string_list_free(&plan->released);
	boot_parameters_free(&plan->parameters);
	plan_predictions_free(&plan->predictions);
	string_list_free(&plan->instructions);
	string_list_free(&plan->losses);
	string_list_free(&plan->risks);
	string_list_free(&plan->returns);
	memset(plan, 0, sizeof(*plan));
}

bool plan_has_member(const struct plan *plan, const struct pci_address *address)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!pci_address_compare(&plan->members[i].address, address))
			return true;
	return false;
}

static bool is_named(const struct plan_request *request, const struct pci_device *device)
{
	for (size_t i = 0; i < request->count; i++)
		if (!pci_address_compare(&request->addresses[i], &device->address))
			return true;
	return false;
}

/* The initramfs, and a kernel that starts, do not have it yet. */
static int refuse_virtual(const struct pci_node *node, const char *address,
			  struct error *err)
{
	char physical[PCI_ADDRESS_SIZE];

	if (!node->physical)
		return 0;
	error_refuse(err, address,
		     "it is a virtual function, and there are none when the host boots:"
		     " nothing was changed");
	error_hint(err,
		   "pciferry vf %s COUNT --driver vfio-pci --persist makes and binds"
		   " them at each boot",
		   pci_address_format(&node->physical->device->address, physical));
	return -EPERM;
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
	return refuse_virtual(&view->topology.nodes[device - view->devices.items], text,
			      err);
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
			plan->members[plan->count++] = (struct plan_member){
				.address = device->address,
				.named = is_named(request, device),
			};
	}
	return 0;
}

static int check_iommu(const struct plan_view *view, struct error *err)
{
	if (view->groups.count || view->firmware.fact != FACT_ABSENT)
		return 0;
	error_set(err, ENODEV, host_name(view->host),
		  "its firmware has no table of an IOMMU: no guest could get a"
		  " device");
	error_hint(err, "pciferry check --only iommu tells what to do");
	return -ENODEV;
}

/* Which devices, and that they may go. */
static int choose(const struct plan_view *view, const struct plan_request *request,
		  const struct bootcfg_tab *tab, struct plan *plan, struct error *err)
{
	int r = request->saved ? plan_compare_devices(view, request->saved, err) : 0;

	for (size_t i = 0; r == 0 && i < request->count; i++)
		r = check_named(view, &request->addresses[i], err);
	if (r == 0 && request->count)
		r = check_iommu(view, err);
	if (r < 0)
		return r;
	plan->predicted = request->count && !view->groups.count;
	if (find_members(view, request, plan) < 0)
		return error_oom(err);
	r = plan_refuse(view, request, plan, err);
	if (r == 0)
		r = plan_refuse_makers(view, plan, err);
	if (r == 0)
		r = plan_identify(view, tab, plan, err);
	if (r == 0 && request->saved)
		r = plan_compare_members(plan, request->saved, err);
	return r;
}

/* Without a tab, one that an image still has is an end of it. */
static int read_tab(const struct plan_view *view, const struct plan_images *images,
		    struct bootcfg_tab *tab, struct error *err)
{
	int r = plan_tab_read(view->host, PLAN_TAB, tab, err);

	for (size_t i = 0; r == -ENOENT && i < images->tabs.count; i++)
		if (images->tabs.items[i][0]) {
			error_clear(err);
			r = 0;
		}
	return r < 0 ? r : plan_tab_check(view, tab, err);
}

static int edit_for_good(const struct plan_view *view, const struct plan_images *images,
			 const struct plan_request *request,
			 const struct plan_settings *settings, struct plan *plan,
			 struct error *err)
{
	int r = plan_adopt_files(view, settings, plan, err);

	if (r == 0 && plan_adopt_words(settings, &plan->parameters) < 0)
		r = error_oom(err);
	if (r == 0 && request->options.by_id && plan->count) {
		r = plan_edit_by_id(view, plan, err);
		if (r == 0)
			r = plan_id_words(view, plan, &plan->parameters, err);
	} else if (r == 0 && (plan->count || request->options.from_tab)) {
		r = plan_edit_bindings(view, images, request->options.from_tab, plan,
				       err);
	}
	if (r == 0 && (plan->count || plan->gvt))
		r = plan_edit_parameters(view, plan, err);
	return r;
}

/* All edits, or what is to be done by hand. */
static int make_edits(const struct plan_view *view, const struct plan_images *images,
		      const struct plan_request *request, struct plan *plan,
		      struct error *err)
{
	_cleanup_(plan_settings_free) struct plan_settings settings = { 0 };
	int r = plan_settings_find(view, &request->options, plan, &settings, err);

	if (r == 0 && request->trial)
		r = plan_edit_trial(view, plan, err);
	else if (r == 0)
		r = edit_for_good(view, images, request, &settings, plan, err);
	if (r == 0)
		r = plan_edit_pages(view, plan, err);
	if (r == 0 && plan_show_settings(&settings, plan) < 0)
		r = error_oom(err);
	/* Half of it by hand and half by us would be hard to follow, and to undo. */
	if (r == 0 && plan->instructions.count)
		change_edits_free(&plan->edits);
	if (r == 0)
		r = boot_tell_images(&view->images, &view->boot.entries, &plan->edits,
				     err);
	if (r == 0 && plan_tell(view, request->options.by_id, plan) < 0)
		r = error_oom(err);
	if (r == 0)
		r = change_edits_look(view->host, &plan->edits, err);
	if (r == 0 && plan_foresee(view, plan) < 0)
		r = error_oom(err);
	if (r == 0 && request->saved)
		r = plan_compare_edits(plan, request->saved, err);
	return r;
}

int plan_make(const struct host *host, const struct plan_request *request,
	      struct plan *ret_plan, struct error *err)
{
	_cleanup_(plan_view_close) struct plan_view view = { 0 };
	_cleanup_(plan_images_free) struct plan_images images = { 0 };
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_(plan_free) struct plan plan = { 0 };
	_cleanup_free_ struct pci_address *addresses = NULL;
	struct plan_request named = *request;
	int r = plan_view_open(host, &view, err);

	if (r == 0 && plan_images_read(&view, &images) < 0)
		r = error_oom(err);
	if (r == 0 && request->options.from_tab) {
		r = read_tab(&view, &images, &tab, err);
		if (r == 0 && plan_tab_devices(&tab, &addresses, &named.count) < 0)
			r = error_oom(err);
		named.addresses = addresses;
	}
	if (r == 0)
		r = choose(&view, &named, &tab, &plan, err);
	if (r == 0)
		r = plan_want_pages(&view, &named, &plan, err);
	if (r == 0)
		r = plan_want_gvt(&view, &named, &plan, err);
	if (r == 0)
		r = make_edits(&view, &images, &named, &plan, err);
	if (r < 0)
		return r;
	*ret_plan = plan;
	memset(&plan, 0, sizeof(plan));
	return 0;
}
