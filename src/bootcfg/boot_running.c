/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which entry the running kernel came from. */
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/boot.h"
#include "bootcfg/confd.h"

bool bootcfg_is_added_by_loader(const struct bootcfg_parameter *parameter)
{
	static const char *const names[] = {
		"BOOT_IMAGE", "initrd", "root", "rootflags",
		"auto",	      "ro",	"rw",	"vt.handoff"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (bootcfg_same_name(parameter->name, names[i]))
			return true;
	return false;
}

bool bootcfg_cmdline_has(const struct bootcfg_cmdline *cmdline,
			 const struct bootcfg_parameter *parameter)
{
	for (size_t i = 0; i < cmdline->count; i++) {
		const struct bootcfg_parameter *one = &cmdline->items[i];

		if (bootcfg_same_name(one->name, parameter->name) &&
		    !one->value == !parameter->value &&
		    (!one->value || !strcmp(one->value, parameter->value)))
			return true;
	}
	return false;
}

/* How many words one has that the other lacks. */
static size_t count_missing(const struct bootcfg_cmdline *cmdline,
			    const struct bootcfg_cmdline *other)
{
	size_t count = 0;

	for (size_t i = 0; i < cmdline->count; i++)
		if (!bootcfg_is_added_by_loader(&cmdline->items[i]) &&
		    !bootcfg_cmdline_has(other, &cmdline->items[i]))
			count++;
	return count;
}

/* By its release, else by the kernel's file, which GRUB tells as BOOT_IMAGE. */
static bool may_be_running(const struct bootcfg_entry *entry, const char *release,
			   const struct bootcfg_cmdline *running)
{
	const struct bootcfg_parameter *image =
		bootcfg_find_parameter(running, "BOOT_IMAGE");

	if (entry->release[0] && release[0])
		return !strcmp(entry->release, release);
	/* rEFInd finds the kernels by itself. */
	if (!entry->kernel[0] || !image || !image->value)
		return true;
	return !strcmp(bootcfg_confd_name(image->value),
		       bootcfg_confd_name(entry->kernel));
}

const struct bootcfg_entry *bootcfg_boot_running(const struct bootcfg_boot *boot,
						 const char *release,
						 const struct bootcfg_cmdline *running)
{
	const struct bootcfg_entry *best = NULL;
	size_t best_missing = 0;

	for (size_t i = 0; i < boot->entries.count; i++) {
		const struct bootcfg_entry *entry = &boot->entries.items[i];
		size_t missing;

		if (!may_be_running(entry, release, running))
			continue;
		missing = count_missing(&entry->cmdline, running) +
			  count_missing(running, &entry->cmdline);
		if (!best || missing < best_missing) {
			best = entry;
			best_missing = missing;
		}
	}
	return best;
}
