/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel has to be told so that the IOMMU is on. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "plan/internal.h"

/* Words that turn it off, which one who wants it on has forgotten. */
static const char *const off_words[] = { "intel_iommu=off", "amd_iommu=off",
					 "iommu=off" };

static bool has_word(const struct bootcfg_cmdline *cmdline, const void *data)
{
	const char *word = data;
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline one = { 0 };

	return bootcfg_cmdline_parse(word, strlen(word), &one) == 0 && one.count &&
	       bootcfg_cmdline_has(cmdline, &one.items[0]);
}

bool plan_has_cmdline(const struct plan_view *view,
		      bool (*is_one)(const struct bootcfg_cmdline *, const void *),
		      const void *data)
{
	if (is_one(&view->cmdline, data))
		return true;
	for (size_t i = 0; i < view->boot.entries.count; i++)
		if (!view->boot.entries.items[i].recovery &&
		    is_one(&view->boot.entries.items[i].cmdline, data))
			return true;
	for (size_t i = 0; i < view->boot.n_sources; i++)
		if (is_one(&view->boot.sources[i].cmdline, data))
			return true;
	return false;
}

bool plan_is_configured(const struct plan_view *view, const char *word)
{
	return plan_has_cmdline(view, has_word, word);
}

/* The graphics of an Intel processor, which sits at 00:02.0. */
static bool has_integrated_display(const struct plan_view *view, const struct plan *plan)
{
	static const struct pci_address place = { .device = 2 };

	for (size_t i = 0; i < plan->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &plan->members[i].address);

		if (!pci_address_compare(&device->address, &place) &&
		    pci_is_display(device))
			return true;
	}
	return false;
}

/*
 * Whether each installed kernel turns VT-d on by itself; with _INTGPU_OFF for all but the
 * integrated display (drivers/iommu/intel/Kconfig).
 */
static bool is_on_by_default(const struct plan_view *view, bool integrated)
{
	for (size_t i = 0; i < view->kernels->count; i++) {
		struct bootcfg_kernel *kernel = &view->kernels->items[i];

		if (bootcfg_option(kernel, "INTEL_IOMMU_DEFAULT_ON") == BOOTCFG_BUILTIN)
			continue;
		if (integrated ||
		    bootcfg_option(kernel, "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF") !=
			    BOOTCFG_BUILTIN)
			return false;
	}
	return view->kernels->count > 0;
}

/* Whether each entry turns it on, "intel_iommu=on,sm_on" among them. */
static bool is_on_by_entries(const struct plan_view *view)
{
	size_t count = 0;

	for (size_t i = 0; i < view->boot.entries.count; i++) {
		const struct bootcfg_entry *entry = &view->boot.entries.items[i];
		const struct bootcfg_parameter *word =
			bootcfg_find_parameter(&entry->cmdline, "intel_iommu");

		if (entry->recovery)
			continue;
		count++;
		if (!word || !bootcfg_value_has(word->value, "on"))
			return false;
	}
	return count > 0;
}

/*
 * AMD-Vi is on wherever the firmware has it. Where VT-d is on without a word, or the word
 * is there, it is not written. That it is on now does not count: the word may have been
 * typed into the boot menu, for one boot.
 */
static bool needs_intel_word(const struct plan_view *view, const struct plan *plan)
{
	if (view->firmware.fact != FACT_KNOWN || view->firmware.kind != IOMMU_DMAR)
		return false;
	/* No entry to be read, and it is on: whoever turned it on knows where. */
	if (!view->boot.entries.count && view->groups.count)
		return false;
	return !is_on_by_entries(view) &&
	       !is_on_by_default(view, has_integrated_display(view, plan));
}

int plan_want_parameters(const struct plan_view *view, const struct plan *plan,
			 struct boot_parameters *wanted, struct error *err)
{
	bool needed = needs_intel_word(view, plan);
	int r = 0;

	if (needed)
		r = string_list_add(&wanted->add, "intel_iommu=on");
	/* Devices of the host's own need no translation, and are faster without. */
	if (r == 0 && needed)
		r = string_list_add(&wanted->add, "iommu=pt");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(off_words); i++)
		if (plan_is_configured(view, off_words[i]))
			r = string_list_add(&wanted->remove, off_words[i]);
	return r < 0 ? error_oom(err) : 0;
}

int plan_edit_parameters(const struct plan_view *view, struct plan *plan,
			 struct error *err)
{
	int r = plan->count ? plan_want_parameters(view, plan, &plan->parameters, err)
			    : 0;

	if (r == 0 && plan->gvt)
		r = plan_edit_gvt(view, plan, err);
	if (r < 0)
		return r;
	return boot_edit_parameters(view->host, &view->boot, &plan->parameters,
				    &plan->edits, &plan->instructions, err);
}
