/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The IOMMU: there, on, and as the command line meant it. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

enum check_vendor check_iommu_vendor(const struct check_facts *facts)
{
	if (facts->firmware.kind == IOMMU_DMAR)
		return CHECK_INTEL;
	if (facts->firmware.kind == IOMMU_IVRS)
		return CHECK_AMD;
	for (size_t i = 0; i < facts->units.count; i++) {
		if (!strncmp(facts->units.items[i].name, "dmar", strlen("dmar")))
			return CHECK_INTEL;
		if (!strncmp(facts->units.items[i].name, "ivhd", strlen("ivhd")))
			return CHECK_AMD;
	}
	return check_vendor(facts);
}

/* A guest's firmware has no such switch; its own host decides. */
static int fix_in_firmware(struct check_run *run)
{
	const struct check_facts *facts = run->facts;

	if (check_cpu_has(facts, "hypervisor"))
		return check_fix(run,
				 "this host is a guest itself: give it an IOMMU in its"
				 " own host (QEMU: -device intel-iommu,intremap=on)");
	return check_fix(
		run,
		"turn %s on in the firmware's set-up; if there is no such switch,"
		" the board or the processor has no IOMMU",
		check_vendor(facts) == CHECK_AMD ? "IOMMU (AMD-Vi)" : "VT-d");
}

static int table(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	const struct iommu_firmware *firmware = &facts->firmware;
	int r;

	if (check_vendor(facts) == CHECK_NOT_X86)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no x86 processor: DMAR and IVRS are not for it");
	if (firmware->fact == FACT_KNOWN)
		return check_tell(run, CHECK_PASS, NULL, "the firmware has the table %s",
				  firmware->kind == IOMMU_DMAR ? "DMAR" : "IVRS");
	if (firmware->damage[0]) {
		r = check_tell(run, CHECK_WARN, NULL,
			       "the table %s of the firmware is damaged: %s",
			       firmware->kind == IOMMU_DMAR ? "DMAR" : "IVRS",
			       firmware->damage);
		if (r == 0)
			r = check_why(run, "the kernel may leave the IOMMU off, or some"
					   " devices without it");
		return r < 0 ? r : check_fix(run, "look for a newer firmware");
	}
	if (firmware->fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/sys/firmware/acpi/tables could not be read; as root"
				  " it can");
	r = check_tell(run, CHECK_FAIL, NULL,
		       "neither DMAR nor IVRS in /sys/firmware/acpi/tables");
	if (r == 0)
		r = check_why(run, "without an IOMMU no device can be given to a guest");
	return r < 0 ? r : fix_in_firmware(run);
}

static int groups(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	int r;

	if (facts->groups.count)
		return check_tell(run, CHECK_PASS, NULL,
				  "%zu groups in /sys/kernel/iommu_groups",
				  facts->groups.count);
	r = check_tell(run, CHECK_FAIL, NULL, "no device is in an IOMMU group");
	if (r == 0)
		r = check_why(run, "a guest gets whole groups, and there are none: the"
				   " kernel has not turned the IOMMU on");
	if (r < 0)
		return r;
	if (facts->firmware.fact == FACT_ABSENT && check_vendor(facts) != CHECK_NOT_X86)
		return fix_in_firmware(run);
	if (check_iommu_vendor(facts) == CHECK_AMD)
		return check_fix(run, "AMD-Vi is on unless the command line has"
				      " amd_iommu=off or iommu=off: see iommu-cmdline");
	return check_fix_parameter(run, "intel_iommu=on");
}

static int acs_override(struct check_run *run)
{
	const struct bootcfg_parameter *parameter;
	int r;

	if (run->facts->cmdline_fact != FACT_KNOWN)
		return check_tell_unread(run, "proc/cmdline");
	parameter = bootcfg_find_parameter(&run->facts->cmdline, "pcie_acs_override");
	if (!parameter)
		return check_tell(run, CHECK_PASS, NULL,
				  "no pcie_acs_override in /proc/cmdline");
	r = check_tell(run, CHECK_WARN, NULL, "pcie_acs_override=%s in /proc/cmdline",
		       parameter->value ? parameter->value : "");
	if (r == 0)
		r = check_why(run, "a kernel with that patch shows groups that the"
				   " hardware does not keep apart: a guest can reach the"
				   " memory of devices in other groups, and any other"
				   " kernel ignores the parameter");
	return r < 0 ? r
		     : check_fix(run, "pciferry list --predict shows the groups without"
				      " it; take it out unless all guests are trusted");
}

/* Types that a group has while VFIO has it say nothing of the host's way. */
static bool is_vfios(const char *type)
{
	return !strcmp(type, "unmanaged") || !strcmp(type, "blocked");
}

static int domain(struct check_run *run)
{
	const struct iommu_groups *groups = &run->facts->groups;
	size_t seen = 0;
	int r;

	for (size_t i = 0; i < groups->count; i++) {
		char type[32];

		if (iommu_group_type(run->facts->host, &groups->items[i], type,
				     sizeof(type)) != FACT_KNOWN)
			return check_tell(run, CHECK_UNKNOWN, NULL,
					  "type of group %u in /sys/kernel/iommu_groups"
					  " could not be read",
					  groups->items[i].number);
		if (is_vfios(type))
			continue;
		if (strcmp(type, "identity") != 0)
			return check_tell(run, CHECK_PASS, NULL,
					  "the host's devices reach only what they were"
					  " given: group %u has %s",
					  groups->items[i].number, type);
		seen++;
	}
	if (!seen)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no group of the host's own devices: see iommu-groups");
	r = check_tell(run, CHECK_INFO, NULL,
		       "all groups have identity, as with iommu=pt");
	return r < 0 ? r
		     : check_why(run, "the host's own devices reach all memory, which is"
				      " fast; those of guests reach their guest's"
				      " only");
}

const struct check check_iommu_table[] = {
	{ "iommu-table", "iommu", "the firmware tells of an IOMMU", false, table },
	{ "iommu-groups", "iommu", "the kernel has turned the IOMMU on", false, groups },
	{ "iommu-cmdline", "iommu",
	  "what the command line says of the IOMMU takes effect", false,
	  check_iommu_cmdline },
	{ "iommu-interrupts", "iommu", "the IOMMU can remap interrupts", false,
	  check_iommu_interrupts },
	{ "iommu-unsafe", "iommu", "unsafe interrupts are not allowed", false,
	  check_iommu_unsafe },
	{ "iommu-acs-override", "iommu", "groups are those of the hardware", false,
	  acs_override },
	{ "iommu-domain", "iommu", "the host's own devices are held back, too", false,
	  domain },
	{ 0 },
};
