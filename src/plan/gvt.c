/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What GVT-g takes at each boot: a word for i915, and a module. docs/design/mdev.md. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/slices.h"
#include "plan/internal.h"

#define WORD "i915.enable_gvt=1"

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

/* Bit 0 of the number (Linux's intel_uc.h), which may be written as the kernel reads it.
 */
static bool wants_submission(const struct bootcfg_cmdline *cmdline, const void *name)
{
	const struct bootcfg_parameter *guc = bootcfg_find_parameter(cmdline, name);
	long value = guc && guc->value ? strtol(guc->value, NULL, 0) : 0;

	return value > 0 && value & 1;
}

/* Where GuC submission is wanted. Returns 0, or -ENOMEM; "": nowhere. */
static int find_guc(const struct plan_view *view, char *ret_place, size_t size)
{
	snprintf(ret_place, size, "%s", "");
	if (plan_has_cmdline(view, wants_submission, "i915.enable_guc"))
		snprintf(ret_place, size, "i915.enable_guc on the kernel's command line");
	for (size_t i = 0; i < view->modprobe.count; i++) {
		const struct bootcfg_modprobe_line *line = &view->modprobe.lines[i];
		_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline options = { 0 };

		if (line->kind != MODPROBE_OPTIONS ||
		    !bootcfg_same_name(line->module, "i915"))
			continue;
		if (bootcfg_cmdline_parse(line->rest, strlen(line->rest), &options) < 0)
			return -ENOMEM;
		if (wants_submission(&options, "enable_guc"))
			snprintf(ret_place, size, "enable_guc in /%s:%u", line->file,
				 line->number);
	}
	return 0;
}

/*
 * Before 5.3 i915 gives up altogether where GuC submission is wanted as well (commit
 * a2904ade3dc2); later it is not wanted on these generations, whatever the option says.
 */
static int refuse_guc(const struct plan_view *view, struct error *err)
{
	char place[PATH_MAX];

	if (find_guc(view, place, sizeof(place)) < 0)
		return error_oom(err);
	for (size_t i = 0; *place && i < view->kernels->count; i++) {
		const struct bootcfg_kernel *kernel = &view->kernels->items[i];

		if (!bootcfg_is_before(kernel, 5, 3))
			continue;
		error_refuse(err, option,
			     "with %s kernel %s would start without a picture: nothing"
			     " was changed",
			     place, kernel->release);
		error_hint(err, "take that out first, or set it to 0 or 2");
		return -EPERM;
	}
	return 0;
}

static bool is_of_tab(const struct bootcfg_tab *tab, const struct pci_address *address)
{
	const struct bootcfg_tab_entry place = { .kind = TAB_DEVICE,
						 .address = *address };

	return bootcfg_tab_find(tab, &place);
}

/* vfio-pci would have it before i915 looks at it. */
static int refuse_both(const struct plan_view *view, const struct plan *plan,
		       const struct pci_device *graphics, struct error *err)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	char address[PCI_ADDRESS_SIZE];
	int r;

	pci_address_format(&graphics->address, address);
	if (plan_has_member(plan, &graphics->address))
		return error_usage(err, option, "%s cannot be given away as a whole, too",
				   address);
	r = plan_tab_read_or_empty(view->host, &tab, err);
	if (r == 0 && is_of_tab(&tab, &graphics->address)) {
		error_set(err, EEXIST, option,
			  "%s goes to guests as a whole at each boot", address);
		error_hint(err, "take its line out of /" BOOTCFG_TAB
				", and run pciferry apply first");
		r = -EEXIST;
	}
	return r;
}

int plan_want_gvt(const struct plan_view *view, const struct plan_request *request,
		  struct plan *plan, struct error *err)
{
	const struct pci_device *graphics;
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
	r = refuse_both(view, plan, graphics, err);
	if (r == 0)
		r = look_at_kernels(view, plan, err);
	if (r == 0)
		r = refuse_guc(view, err);
	plan->gvt = r == 0;
	plan->graphics = graphics->address;
	return r;
}

int plan_tell_gvt(const struct plan_view *view, struct plan *plan)
{
	const struct pci_device *graphics = find_graphics(view);

	if (plan->gvt)
		return string_list_add(&plan->returns,
				       "take " WORD " off the kernel's command line in"
				       " the boot menu: GVT-g is off in"
				       " that boot");
	if (!graphics || !plan_has_member(plan, &graphics->address) ||
	    !plan_is_configured(view, WORD))
		return 0;
	return string_list_add(&plan->risks,
			       "GVT-g is turned on, and has no use then: the"
			       " graphics that it cuts go as a whole");
}

/* kvmgt loads mdev itself; what comes before VFIO has a module more before 5.14. */
int plan_edit_gvt(const struct plan_view *view, struct plan *plan, struct error *err)
{
	const char *text = "kvmgt\n";

	for (size_t i = 0; i < view->kernels->count; i++)
		if (bootcfg_module(&view->kernels->items[i], "vfio_mdev") ==
		    BOOTCFG_MODULE)
			text = "kvmgt\nvfio_mdev\n";
	if (string_list_add(&plan->parameters.add, WORD) < 0 ||
	    change_edit_write(&plan->edits, loads, "load GVT-g at each boot", text,
			      strlen(text)) < 0)
		return error_oom(err);
	return 0;
}
