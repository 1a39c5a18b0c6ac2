/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which loader booted this host, and whether the kernel got what is configured. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

bool check_parameter_matters(const char *name)
{
	static const char *const prefixes[] = {
		"intel_iommu",
		"amd_iommu",
		"iommu",
		"intremap",
		"nointremap",
		"vfio",
		"pci-stub",
		"pcie_acs_override",
		"rd.driver",
		"rdblacklist",
		"modprobe.blacklist",
		"module_blacklist",
		"initcall_blacklist",
		"pcie_port_pm",
		"hugepages",
		"default_hugepagesz",
		"intremap",
		"kvm",
		"nouveau",
		"nvidia",
		"amdgpu",
		"radeon",
		"i915",
		"video",
		"isolcpus",
		"pciferry",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		char start[32];

		snprintf(start, sizeof(start), "%.*s", (int)strlen(prefixes[i]), name);
		if (bootcfg_same_name(start, prefixes[i]))
			return true;
	}
	return !strcmp(name, "pci");
}

const char *check_parameter_text(const struct bootcfg_parameter *parameter, char *buffer,
				 size_t size)
{
	snprintf(buffer, size, "%s%s%s", parameter->name, parameter->value ? "=" : "",
		 parameter->value ? parameter->value : "");
	return buffer;
}

const char *check_place(const char *file, unsigned int line, char *buffer, size_t size)
{
	if (line)
		snprintf(buffer, size, "/%s:%u", file, line);
	else
		snprintf(buffer, size, "/%s", file);
	return buffer;
}

bool check_has_entries(struct check_run *run, int *ret_r)
{
	if (run->facts->boot.entries.count)
		return true;
	*ret_r = check_tell(run, CHECK_UNKNOWN, NULL,
			    "no entry of a boot loader was found, see boot-loader");
	return false;
}

static int tell_no_entries(struct check_run *run)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	const struct bootcfg_loader *loader = &boot->loader;
	int r;

	if (boot->unreadable.count)
		r = check_tell_unread(run, boot->unreadable.items[0]);
	else if (loader->kind != LOADER_UNKNOWN)
		r = check_tell(run, CHECK_UNKNOWN, NULL, "no entry of %s could be found",
			       loader->name);
	else if (loader->name[0])
		r = check_tell(run, CHECK_UNKNOWN, NULL,
			       "%s, by %s, is a boot loader that is not known",
			       loader->name, loader->evidence);
	else
		r = check_tell(run, CHECK_UNKNOWN, NULL, "%s",
			       loader->evidence[0]
				       ? loader->evidence
				       : "no variable of the firmware and no file in"
					 " /boot tells which boot loader it was");
	return r < 0 ? r : check_why(run, "what the next boot does cannot be told");
}

static int tell_unused(struct check_run *run, const char *path)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	int r = check_tell(run, CHECK_INFO, NULL,
			   "/%s has entries, too; this host boots those of /%s", path,
			   boot->menu);

	if (r == 0)
		r = check_why(run, "what is generated into it has no effect");
	return r < 0 || !boot->regenerate[0]
		       ? r
		       : check_fix(run, "generate with: %s", boot->regenerate);
}

static int loader(struct check_run *run)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	const struct bootcfg_loader *loader = &boot->loader;
	int r;

	if (!boot->entries.count)
		return tell_no_entries(run);
	r = check_tell(run, CHECK_PASS, NULL, "%s (%s), with %zu entries in /%s",
		       loader->name, loader->evidence, boot->entries.count, boot->menu);
	for (size_t i = 0; r == 0 && i < boot->unused.count; i++)
		r = tell_unused(run, boot->unused.items[i]);
	return r;
}

/* What the entry has and the kernel did not get. */
static int tell_pending(struct check_run *run, const struct bootcfg_entry *entry,
			const struct bootcfg_parameter *parameter)
{
	char place[PATH_MAX], text[256];
	bool matters = check_parameter_matters(parameter->name);
	int r = check_tell(run, matters ? CHECK_WARN : CHECK_INFO, NULL,
			   "%s is in %s, and not in /proc/cmdline",
			   check_parameter_text(parameter, text, sizeof(text)),
			   check_place(entry->file, entry->line, place, sizeof(place)));

	if (r == 0)
		r = check_why(run, "the running kernel was started without it");
	return r < 0 ? r : check_fix(run, "reboot");
}

/* What the kernel got once, and will not get again. */
static int tell_passing(struct check_run *run, const struct bootcfg_entry *entry,
			const struct bootcfg_parameter *parameter)
{
	char place[PATH_MAX], text[256];
	bool matters = check_parameter_matters(parameter->name);
	int r;

	check_parameter_text(parameter, text, sizeof(text));
	r = check_tell(run, matters ? CHECK_WARN : CHECK_INFO, NULL,
		       "%s is in /proc/cmdline, and not in %s", text,
		       check_place(entry->file, entry->line, place, sizeof(place)));
	if (r == 0)
		r = check_why(run, "it was given for this boot alone, or has been taken"
				   " out since: the next boot is without it");
	return r < 0 || !matters ? r : check_fix_parameter(run, text);
}

static int compare(struct check_run *run, const struct bootcfg_entry *entry)
{
	const struct bootcfg_cmdline *running = &run->facts->cmdline;
	int r = 0;

	for (size_t i = 0; r == 0 && i < entry->cmdline.count; i++)
		if (!bootcfg_is_added_by_loader(&entry->cmdline.items[i]) &&
		    !bootcfg_cmdline_has(running, &entry->cmdline.items[i]))
			r = tell_pending(run, entry, &entry->cmdline.items[i]);
	for (size_t i = 0; r == 0 && i < running->count; i++) {
		const struct bootcfg_parameter *parameter = &running->items[i];

		if (bootcfg_is_added_by_loader(parameter) ||
		    bootcfg_cmdline_has(&entry->cmdline, parameter) ||
		    (entry->uncertain && !check_parameter_matters(parameter->name)))
			continue;
		r = tell_passing(run, entry, parameter);
	}
	return r;
}

static int running(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	size_t before = run->findings->count;
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(facts->kernels);
	const char *release = kernel ? kernel->release : "";
	const struct bootcfg_entry *entry;
	char place[PATH_MAX];
	int r = 0;

	if (facts->cmdline_fact != FACT_KNOWN)
		return check_tell_unread(run, "proc/cmdline");
	if (!check_has_entries(run, &r))
		return r;
	entry = bootcfg_boot_running(&facts->boot, release, &facts->cmdline);
	if (!entry)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no entry in /%s starts the running kernel%s%s",
				  facts->boot.menu, release[0] ? ", " : "", release);
	r = compare(run, entry);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL, "/proc/cmdline is what %s says",
			  check_place(entry->file, entry->line, place, sizeof(place)));
}

const struct check check_boot_table[] = {
	{ "boot-loader", "boot", "which boot loader it was, and where its entries are",
	  false, loader },
	{ "boot-running", "boot", "the running kernel got what its entry says", false,
	  running },
	{ "boot-generated", "boot", "the entries are made from the present settings",
	  false, check_boot_generated },
	{ "boot-kernels", "boot", "all installed kernels boot with the same parameters",
	  false, check_boot_kernels },
	{ "boot-cmdline", "boot", "what the entries say of the IOMMU is heard", false,
	  check_boot_cmdline },
	{ "boot-image-age", "boot",
	  "the initramfs images are not older than what goes into them", false,
	  check_boot_image_age },
	{ "boot-image", "boot", "in each initramfs image vfio-pci has its devices first",
	  false, check_boot_image, .is_slow = true },
	{ "boot-next", "boot",
	  "the next boot of each kernel gives the devices to the drivers that are wanted",
	  false, check_boot_next, .is_slow = true },
	{ 0 },
};
