/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command line says about the IOMMU, and whether the kernel hears it. A parameter
 * that it does not know, or a value, is dropped without a word.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

/* drivers/iommu/intel/iommu.c (intel_iommu_setup), drivers/iommu/amd/init.c
 * (parse_amd_iommu_options), arch/x86/kernel/pci-dma.c (iommu_setup),
 * drivers/iommu/irq_remapping.c (setup_irqremap). */
static const char *const intel_values[] = {
	"on",	 "off",	   "igfx_off",	    "forcedac", "strict",     "sp_off",
	"sm_on", "sm_off", "tboot_noforce", "nobounce", "intgpu_off", NULL,
};
static const char *const amd_values[] = {
	"fullflush", "force_enable", "off",	    "force_isolation", "pgtbl_v1",
	"pgtbl_v2",  "irtcachedis",  "nohugepages", "v2_pgsizes_only", NULL,
};
static const char *const generic_values[] = {
	"off",	      "force",	   "noforce",  "biomerge", "panic",   "nopanic",
	"merge",      "nomerge",   "forcesac", "allowdac", "nodac",   "usedac",
	"soft",	      "calgary",   "pt",       "nopt",	   "memaper", "noagp",
	"noaperture", "fullflush", "nobypass", NULL,
};
static const char *const intremap_values[] = {
	"on", "off", "nosid", "no_x2apic_optout", "nopost", NULL,
};

static const struct {
	const char *name;
	const char *const *values;
	bool turns_off; /* its "off" turns the IOMMU off */
} parameters[] = {
	{ "intel_iommu", intel_values, true },
	{ "amd_iommu", amd_values, true },
	{ "iommu", generic_values, true },
	{ "intremap", intremap_values, false },
};

/* What is written for intel_iommu, amd_iommu and iommu when one is not careful. */
static const char *const misspelt[] = {
	"iommu_intel",	  "iommu_amd",	  "intel_iomm", "intel_immou", "intel_ommu",
	"intel_iommmu",	  "inteliommu",	  "amd_iomm",	"amd_immou",   "amdiommu",
	"intel_iommu:on", "amd_iommu:on", "intel_vtd",
};

/* The command line that is looked at. */
struct line {
	const struct bootcfg_cmdline *cmdline;
	const char *place;		     /* "/proc/cmdline" */
	const struct bootcfg_cmdline *known; /* words of it are not told again; or NULL */
};

static int tell_parameter(struct check_run *run, const struct line *line,
			  const struct bootcfg_parameter *parameter, const char *why)
{
	char text[256];
	int r = check_tell(run, CHECK_WARN, NULL, "%s in %s",
			   check_parameter_text(parameter, text, sizeof(text)),
			   line->place);

	return r < 0 ? r : check_why(run, "%s", why);
}

static bool is_known(const char *const *values, const char *word, size_t len)
{
	for (; *values; values++)
		if (strlen(*values) == len && !strncmp(*values, word, len))
			return true;
	return false;
}

/* The first word of a value that the kernel does not know; *ret_len 0: none. */
static const char *unknown_word(const char *value, const char *const *values,
				size_t *ret_len)
{
	for (const char *at = value; *at;) {
		size_t len = strcspn(at, ",");
		/* "memaper=3" has a value of its own. */
		size_t word = strcspn(at, ",=");

		if (len && !is_known(values, at, word)) {
			*ret_len = len;
			return at;
		}
		at += len + (at[len] == ',');
	}
	*ret_len = 0;
	return NULL;
}

static int look_at_value(struct check_run *run, const struct line *line,
			 const struct bootcfg_parameter *parameter,
			 const char *const *values)
{
	const char *word;
	char why[160];
	size_t len;
	int r;

	if (!parameter->value || !parameter->value[0]) {
		r = tell_parameter(run, line, parameter,
				   "it has no value, so it does nothing");
		return r < 0 ? r
			     : check_fix(run, "write it without spaces, %s=on",
					 parameter->name);
	}
	if (bootcfg_same_name(parameter->name, "amd_iommu") &&
	    !strcmp(parameter->value, "on")) {
		r = check_tell(run, CHECK_INFO, NULL, "amd_iommu=on in %s", line->place);
		return r < 0 ? r
			     : check_why(run, "the kernel knows no such value: AMD-Vi is"
					      " on without it");
	}
	word = unknown_word(parameter->value, values, &len);
	if (!word)
		return 0;
	snprintf(why, sizeof(why), "the kernel does not know \"%.*s\" as a value of %s",
		 (int)len, word, parameter->name);
	r = tell_parameter(run, line, parameter, why);
	if (r < 0)
		return r;
	if (memchr(word, '=', len))
		return check_fix(run, "a space, not a comma, parts two parameters");
	return check_fix(run, "look for a spelling mistake");
}

/* The last word counts: "intel_iommu=on ... intel_iommu=off". */
static bool is_off(const struct bootcfg_cmdline *cmdline, const char *name)
{
	const struct bootcfg_parameter *last = bootcfg_find_parameter(cmdline, name);

	return last && bootcfg_value_has(last->value, "off");
}

static int look_at_off(struct check_run *run, const struct line *line, const char *name)
{
	int r;

	if (!is_off(line->cmdline, name) || (line->known && is_off(line->known, name)))
		return 0;
	r = check_tell(run, CHECK_FAIL, NULL, "%s=off in %s", name, line->place);
	if (r == 0)
		r = check_why(run, "it turns the IOMMU off, whatever stands before it");
	return r < 0 ? r
		     : check_fix(run,
				 "take %s=off out of the boot loader's configuration"
				 " and reboot",
				 name);
}

/* The parameter that turns the remapping of interrupts off; NULL: none does. */
static const struct bootcfg_parameter *
find_remapping_off(const struct bootcfg_cmdline *cmdline)
{
	const struct bootcfg_parameter *off = NULL;

	for (size_t i = 0; i < cmdline->count; i++) {
		const struct bootcfg_parameter *parameter = &cmdline->items[i];

		if (bootcfg_same_name(parameter->name, "nointremap"))
			off = parameter;
		else if (!bootcfg_same_name(parameter->name, "intremap"))
			continue;
		else if (bootcfg_value_has(parameter->value, "off"))
			off = parameter;
		else if (bootcfg_value_has(parameter->value, "on"))
			off = NULL;
	}
	return off;
}

static int look_at_remapping(struct check_run *run, const struct line *line)
{
	const struct bootcfg_parameter *off = find_remapping_off(line->cmdline);
	char text[256];
	int r;

	if (!off || (line->known && find_remapping_off(line->known)))
		return 0;
	check_parameter_text(off, text, sizeof(text));
	r = check_tell(run, check_allows_unsafe(run->facts) ? CHECK_WARN : CHECK_FAIL,
		       NULL, "%s in %s", text, line->place);
	if (r == 0)
		r = check_why(run, "it turns the remapping of interrupts off, without"
				   " which VFIO hands out no device: see"
				   " iommu-interrupts");
	return r < 0 ? r
		     : check_fix(run,
				 "take %s out of the boot loader's configuration and"
				 " reboot",
				 text);
}

static int look_at_vendor(struct check_run *run, const struct line *line)
{
	const struct bootcfg_cmdline *cmdline = line->cmdline;
	enum check_vendor vendor = check_iommu_vendor(run->facts);
	const struct bootcfg_parameter *other = NULL;
	int r;

	if (vendor == CHECK_AMD)
		other = bootcfg_find_parameter(cmdline, "intel_iommu");
	else if (vendor == CHECK_INTEL)
		other = bootcfg_find_parameter(cmdline, "amd_iommu");
	if (!other || (line->known && bootcfg_cmdline_has(line->known, other)))
		return 0;
	r = tell_parameter(run, line, other,
			   "it is for the other vendor's processors and does nothing");
	return r < 0 ? r
		     : check_fix(run, vendor == CHECK_AMD
					      ? "take it out: AMD-Vi is on without it"
					      : "write intel_iommu=on instead");
}

static int look_at_spelling(struct check_run *run, const struct line *line,
			    const struct bootcfg_parameter *parameter)
{
	int r = 0;

	/* "pcie_acs_override =downstream" */
	if (!parameter->name[0] && parameter->value) {
		r = tell_parameter(run, line, parameter,
				   "there is a space in front of the \"=\": neither word"
				   " means anything to the kernel");
		return r < 0 ? r : check_fix(run, "take the space out");
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(misspelt); i++)
		if (bootcfg_same_name(parameter->name, misspelt[i])) {
			r = tell_parameter(
				run, line, parameter,
				"the kernel knows no such parameter, and does nothing");
			if (r == 0)
				r = check_fix(run, "intel_iommu=on is how it is written");
		}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parameters); i++)
		if (bootcfg_same_name(parameter->name, parameters[i].name))
			r = look_at_value(run, line, parameter, parameters[i].values);
	return r;
}

static int look_at_line(struct check_run *run, const struct line *line)
{
	const struct bootcfg_cmdline *cmdline = line->cmdline;
	int r = 0;

	for (size_t i = 0; r == 0 && i < cmdline->count; i++)
		if (!line->known || !bootcfg_cmdline_has(line->known, &cmdline->items[i]))
			r = look_at_spelling(run, line, &cmdline->items[i]);
	if (r == 0)
		r = look_at_vendor(run, line);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parameters); i++)
		if (parameters[i].turns_off)
			r = look_at_off(run, line, parameters[i].name);
	return r < 0 ? r : look_at_remapping(run, line);
}

int check_iommu_cmdline(struct check_run *run)
{
	struct line line = { &run->facts->cmdline, "/proc/cmdline", NULL };
	size_t before = run->findings->count;
	int r;

	if (run->facts->cmdline_fact != FACT_KNOWN)
		return check_tell_unread(run, "proc/cmdline");
	r = look_at_line(run, &line);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "/proc/cmdline says nothing that the kernel would not hear");
}

/* What is configured and does not run yet: the entries, and what they are made from. */
int check_boot_cmdline(struct check_run *run)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	size_t before = run->findings->count;
	char place[PATH_MAX];
	int r = 0;

	if (!check_has_entries(run, &r))
		return r;
	for (size_t i = 0; r == 0 && i < boot->entries.count; i++) {
		const struct bootcfg_entry *entry = &boot->entries.items[i];
		struct line line = { &entry->cmdline, place, &run->facts->cmdline };

		check_place(entry->file, entry->line, place, sizeof(place));
		r = look_at_line(run, &line);
	}
	for (size_t i = 0; r == 0 && i < boot->n_sources; i++) {
		const struct bootcfg_source *source = &boot->sources[i];
		struct line line = { &source->cmdline, place, &run->facts->cmdline };

		snprintf(place, sizeof(place), "/%s", source->file);
		r = look_at_line(run, &line);
	}
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "the entries say nothing that the kernel would not hear");
}
