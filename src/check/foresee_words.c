/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With which parameters a kernel will be started, and what the IOMMU makes of them. */
#include <string.h>

#include "check/foresee_start.h"

/* Without a release in its name an entry is that of the only kernel there is. */
static bool starts(const struct check_view *view, const struct bootcfg_entry *entry,
		   const struct bootcfg_kernel *kernel)
{
	/* An entry of --trial is there for one boot. */
	if (entry->recovery || bootcfg_trial_word(&entry->cmdline))
		return false;
	return entry->release[0] ? !strcmp(entry->release, kernel->release)
				 : view->kernels->count == 1;
}

const struct bootcfg_entry *check_usual_entry(const struct check_view *view,
					      const struct bootcfg_kernel *kernel)
{
	for (size_t i = 0; i < view->boot->entries.count; i++)
		if (starts(view, &view->boot->entries.items[i], kernel))
			return &view->boot->entries.items[i];
	return NULL;
}

static bool has_word(const struct bootcfg_cmdline *cmdline, const char *name,
		     const char *value)
{
	const struct bootcfg_parameter *word = bootcfg_find_parameter(cmdline, name);

	return word && bootcfg_value_has(word->value, value);
}

static enum fact is_intel_on(const struct check_view *view, struct bootcfg_kernel *kernel,
			     const struct bootcfg_cmdline *cmdline)
{
	enum bootcfg_state all, most;

	if (has_word(cmdline, "intel_iommu", "off"))
		return FACT_ABSENT;
	if (has_word(cmdline, "intel_iommu", "on"))
		return FACT_KNOWN;
	all = bootcfg_option(kernel, "INTEL_IOMMU_DEFAULT_ON");
	most = bootcfg_option(kernel, "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF");
	if (all == BOOTCFG_BUILTIN || most == BOOTCFG_BUILTIN)
		return FACT_KNOWN;
	if (all != BOOTCFG_UNKNOWN)
		return FACT_ABSENT;
	/* It is on now, and no word of this kernel's has turned it on. */
	return kernel->running && view->has_groups &&
			       !bootcfg_find_parameter(view->running, "intel_iommu")
		       ? FACT_KNOWN
		       : FACT_UNREADABLE;
}

enum fact check_iommu_next(const struct check_view *view, struct bootcfg_kernel *kernel,
			   const struct bootcfg_cmdline *cmdline)
{
	if (view->this_boot)
		return view->has_groups ? FACT_KNOWN : FACT_ABSENT;
	if (has_word(cmdline, "iommu", "off"))
		return FACT_ABSENT;
	if (view->firmware->kind == IOMMU_DMAR)
		return is_intel_on(view, kernel, cmdline);
	if (view->firmware->kind == IOMMU_IVRS)
		return has_word(cmdline, "amd_iommu", "off") ? FACT_ABSENT : FACT_KNOWN;
	/* Of another kind: what is on now is so at each boot. */
	if (view->has_groups)
		return FACT_KNOWN;
	return view->firmware->fact == FACT_ABSENT ? FACT_ABSENT : FACT_UNREADABLE;
}
