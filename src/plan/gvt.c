/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What GVT-g takes at each boot: a word for i915, and a module. docs/design/mdev.md. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/slices.h"
#include "plan/internal.h"

static const char option[] = "--gvt", loads[] = "etc/modules-load.d/pciferry-gvt.conf";

static const struct pci_device *find_graphics(const struct plan_view *view)
{
	for (size_t i = 0; i < view->devices.count; i++)
		if (pci_slice_has_gvt(&view->devices.items[i]))
			return &view->devices.items[i];
	return NULL;
}

static bool has_kvmgt(struct bootcfg_kernel *kernel)
{
	return bootcfg_module(kernel, "kvmgt") != BOOTCFG_MISSING;
}

/* A kernel that has not got it starts as ever, without slices. */
static int look_at_kernels(const struct plan_view *view, struct plan *plan,
			   struct error *err)
{
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < view->kernels->count; i++)
		count += has_kvmgt(&view->kernels->items[i]);
	if (!count && view->kernels->count) {
		error_set(err, ENOENT, option,
			  "no installed kernel has GVT-g's module, kvmgt");
		error_hint(err, "it takes one with CONFIG_DRM_I915_GVT_KVMGT");
		return -ENOENT;
	}
	for (size_t i = 0; r == 0 && i < view->kernels->count; i++)
		if (!has_kvmgt(&view->kernels->items[i]))
			r = string_list_addf(&plan->risks,
					     "kernel %s has no kvmgt: no slices there",
					     view->kernels->items[i].release);
	return r < 0 ? error_oom(err) : 0;
}

/*
 * Before 5.3 i915 gives up altogether where GuC submission is wanted as well (commit
 * a2904ade3dc2); later it is not wanted on these generations, whatever the option says.
 */
static int refuse_guc(const struct plan_view *view, struct error *err)
{
	static const char *const words[] = { "i915.enable_guc=1", "i915.enable_guc=3" };

	for (size_t i = 0; i < view->kernels->count; i++) {
		const struct bootcfg_kernel *kernel = &view->kernels->items[i];

		for (size_t j = 0;
		     bootcfg_is_before(kernel, 5, 3) && j < ARRAY_SIZE(words); j++) {
			if (!plan_is_configured(view, words[j]))
				continue;
			error_refuse(err, option,
				     "with %s kernel %s would start without"
				     " a picture: nothing was changed",
				     words[j], kernel->release);
			error_hint(err, "take that word out first");
			return -EPERM;
		}
	}
	return 0;
}

int plan_want_gvt(const struct plan_view *view, const struct plan_request *request,
		  struct plan *plan, struct error *err)
{
	const struct pci_device *graphics;
	char address[PCI_ADDRESS_SIZE];
	int r;

	if (!request->gvt)
		return 0;
	graphics = find_graphics(view);
	if (!graphics) {
		error_set(err, ENODEV, option, "this host has no graphics with GVT-g");
		error_hint(err, "those of Intel's processors from Broadwell to Comet Lake"
				" have it");
		return -ENODEV;
	}
	if (plan_has_member(plan, &graphics->address))
		return error_usage(err, option, "%s cannot be given away as a whole, too",
				   pci_address_format(&graphics->address, address));
	r = look_at_kernels(view, plan, err);
	if (r == 0)
		r = refuse_guc(view, err);
	plan->gvt = r == 0;
	plan->graphics = graphics->address;
	return r;
}

/* kvmgt loads mdev itself; what comes before VFIO has a module more before 5.14. */
int plan_edit_gvt(const struct plan_view *view, struct plan *plan, struct error *err)
{
	const char *text = "kvmgt\n";

	for (size_t i = 0; i < view->kernels->count; i++)
		if (bootcfg_module(&view->kernels->items[i], "vfio_mdev") ==
		    BOOTCFG_MODULE)
			text = "kvmgt\nvfio_mdev\n";
	if (string_list_add(&plan->parameters.add, "i915.enable_gvt=1") < 0 ||
	    change_edit_write(&plan->edits, loads, "load GVT-g at each boot", text,
			      strlen(text)) < 0)
		return error_oom(err);
	return 0;
}
