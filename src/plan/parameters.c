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

static bool has_word(const struct bootcfg_cmdline *cmdline, const char *word)
{
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline one = { 0 };

	return bootcfg_cmdline_parse(word, strlen(word), &one) == 0 && one.count &&
	       bootcfg_cmdline_has(cmdline, &one.items[0]);
}

/* In what runs, or in what boots next. */
static bool is_configured(const struct plan_view *view, const char *word)
{
	if (has_word(&view->cmdline, word))
		return true;
	for (size_t i = 0; i < view->boot.entries.count; i++)
		if (!view->boot.entries.items[i].recovery &&
		    has_word(&view->boot.entries.items[i].cmdline, word))
			return true;
	return false;
}

/* Whether each installed kernel turns VT-d on by itself. */
static bool is_on_by_default(const struct plan_view *view)
{
	for (size_t i = 0; i < view->kernels->count; i++)
		if (bootcfg_option(&view->kernels->items[i], "INTEL_IOMMU_DEFAULT_ON") !=
		    BOOTCFG_BUILTIN)
			return false;
	return view->kernels->count > 0;
}

/*
 * AMD-Vi is on wherever the firmware has it. Where VT-d is on without a word, the word is
 * not written: a kernel that does so now keeps doing it.
 */
static bool needs_intel_word(const struct plan_view *view)
{
	if (view->firmware.fact != FACT_KNOWN || view->firmware.kind != IOMMU_DMAR)
		return false;
	return !view->groups.count && !is_on_by_default(view);
}

int plan_edit_parameters(const struct plan_view *view, struct plan *plan,
			 struct error *err)
{
	_cleanup_(boot_parameters_free) struct boot_parameters wanted = { { 0 }, { 0 } };
	int r = 0;

	if (needs_intel_word(view))
		r = string_list_add(&wanted.add, "intel_iommu=on");
	/* Devices of the host's own need no translation, and are faster without. */
	if (r == 0 && needs_intel_word(view))
		r = string_list_add(&wanted.add, "iommu=pt");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(off_words); i++)
		if (is_configured(view, off_words[i]))
			r = string_list_add(&wanted.remove, off_words[i]);
	if (r < 0)
		return error_oom(err);
	return boot_edit_parameters(view->host, &view->boot, &wanted, &plan->edits,
				    &plan->instructions, err);
}
