/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the IOMMU remaps interrupts, without which VFIO hands out no device, and
 * whether that is overridden.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

static const char unsafe_module[] = "vfio_iommu_type1";
static const char unsafe_option[] = "allow_unsafe_interrupts";

/* As kernels read a parameter that is a bool (kstrtobool() in lib/kstrtox.c). */
static bool is_yes(const char *value)
{
	return !value || strchr("yYtT1", value[0]) ||
	       ((value[0] == 'o' || value[0] == 'O') &&
		(value[1] == 'n' || value[1] == 'N'));
}

/* The line of modprobe.d that turns it on; NULL: none does. The last one counts. */
static const struct bootcfg_modprobe_line *
find_unsafe_line(const struct bootcfg_modprobe *modprobe)
{
	const struct bootcfg_modprobe_line *found = NULL;

	for (size_t i = 0; i < modprobe->count; i++) {
		_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline words = { 0 };
		const struct bootcfg_modprobe_line *line = &modprobe->lines[i];
		const struct bootcfg_parameter *word;

		if (line->kind != MODPROBE_OPTIONS ||
		    !bootcfg_same_name(line->module, unsafe_module) ||
		    bootcfg_cmdline_parse(line->rest, strlen(line->rest), &words) < 0)
			continue;
		word = bootcfg_find_parameter(&words, unsafe_option);
		if (word)
			found = is_yes(word->value) ? line : NULL;
	}
	return found;
}

/*
 * Where it is said that unsafe interrupts are allowed, in words; "": nowhere. A module
 * that is not loaded yet will have what the configuration says.
 */
static enum fact find_unsafe(const struct check_facts *facts, char *where, size_t size)
{
	const struct bootcfg_modprobe_line *line;
	const struct bootcfg_parameter *parameter;
	char name[128], text[16];
	enum fact fact;

	where[0] = '\0';
	snprintf(name, sizeof(name), "sys/module/%s/parameters/%s", unsafe_module,
		 unsafe_option);
	fact = host_read(facts->host, name, text, sizeof(text));
	if (fact == FACT_KNOWN && !strcmp(text, "Y"))
		snprintf(where, size, "/%s is Y", name);
	if (fact != FACT_ABSENT)
		return fact;
	if (!host_exists(facts->host, "sys/module"))
		return FACT_UNREADABLE;
	snprintf(name, sizeof(name), "%s.%s", unsafe_module, unsafe_option);
	parameter = bootcfg_find_parameter(&facts->cmdline, name);
	line = find_unsafe_line(&facts->modprobe);
	if (parameter && is_yes(parameter->value))
		snprintf(where, size, "%s in /proc/cmdline", name);
	else if (!parameter && line)
		snprintf(where, size, "%s in /%s:%u", unsafe_option, line->file,
			 line->number);
	return facts->modprobe.fact == FACT_UNREADABLE ? FACT_UNREADABLE : FACT_KNOWN;
}

bool check_allows_unsafe(const struct check_facts *facts)
{
	char where[256];

	find_unsafe(facts, where, sizeof(where));
	return where[0];
}

int check_iommu_unsafe(struct check_run *run)
{
	char where[256];
	int r;

	if (find_unsafe(run->facts, where, sizeof(where)) != FACT_KNOWN && !where[0])
		return check_tell(run, CHECK_UNKNOWN, NULL, "%s could not be read",
				  unsafe_option);
	if (!where[0])
		return check_tell(run, CHECK_PASS, NULL, "%s is not set", unsafe_option);
	r = check_tell(run, CHECK_WARN, NULL, "%s", where);
	if (r == 0)
		r = check_why(run, "a guest with a device can send any interrupt to the"
				   " host, and so attack it");
	return r < 0 ? r
		     : check_fix(run,
				 "take %s out of /etc/modprobe.d and of the kernel's"
				 " command line unless all guests are trusted",
				 unsafe_option);
}

/*
 * Whether the kernel does it, by the names of the interrupts' chips: those behind the
 * IOMMU begin with "IR-" (arch/x86/kernel/apic/io_apic.c; drivers/iommu/intel and amd).
 */
static enum fact kernel_remaps(const struct host *host, bool *ret_remaps)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (host_read_file(host, "proc/interrupts", &text, &len) < 0)
		return FACT_UNREADABLE;
	*ret_remaps = strstr(text, " IR-IO-APIC") || strstr(text, " IR-PCI-MSI");
	if (*ret_remaps || strstr(text, " IO-APIC") || strstr(text, " PCI-MSI"))
		return FACT_KNOWN;
	return FACT_UNREADABLE;
}

/* What is seen is in the way, unless someone has decided to live with it. */
static int tell_off(struct check_run *run, const char *seen, const char *fix)
{
	bool allowed = check_allows_unsafe(run->facts);
	int r = check_tell(run, allowed ? CHECK_WARN : CHECK_FAIL, NULL, "%s", seen);

	if (r == 0)
		r = check_why(run,
			      "a guest could send any interrupt to the host, so that VFIO"
			      " %s",
			      allowed ? "would refuse; allow_unsafe_interrupts lifts it"
				      : "refuses (EPERM)");
	return r < 0 ? r
		     : check_fix(run,
				 allowed ? "%s"
					 : "%s; where all guests are trusted, the option"
					   " allow_unsafe_interrupts=1 of"
					   " vfio_iommu_type1 lifts it",
				 fix);
}

int check_iommu_interrupts(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	bool possible = false, on = false;
	enum fact seen = kernel_remaps(facts->host, &on), fact;

	if (seen == FACT_KNOWN && on)
		return check_tell(run, CHECK_PASS, NULL,
				  "the kernel remaps interrupts: IR- in"
				  " /proc/interrupts");
	fact = iommu_remaps_interrupts(&facts->firmware, &facts->units, &possible);
	if (fact == FACT_KNOWN && !possible)
		return tell_off(run,
				"the IOMMU cannot remap interrupts, by the firmware's"
				" table",
				"look in the firmware's set-up for interrupt remapping or"
				" x2APIC");
	/* With the IOMMU off there is more to be done first: see iommu-groups. */
	if (seen == FACT_KNOWN && facts->groups.count)
		return tell_off(run,
				"the kernel does not remap interrupts: none in"
				" /proc/interrupts has IR-",
				"see iommu-cmdline and kernel-options; else dmesg says"
				" why (grep -i remap)");
	if (fact == FACT_ABSENT)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "there is no table of the firmware to say it");
	if (fact != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "what can be read does not decide it");
	return check_tell(run, CHECK_PASS, NULL, "the IOMMU can remap interrupts");
}
