/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be bound to vfio-pci at boot, by its IDs and by the order of modules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/ids.h"
#include "bootcfg/precedence.h"
#include "bootcfg/tab.h"
#include "check/images.h"

static const char vfio_pci[] = "vfio-pci";

static const struct bootcfg_cmdline *find_cmdline(const struct check_facts *facts,
						  const char *release)
{
	const struct bootcfg_entries *entries = &facts->boot.entries;

	for (size_t i = 0; i < entries->count; i++)
		if (!entries->items[i].recovery &&
		    !strcmp(entries->items[i].release, release))
			return &entries->items[i].cmdline;
	return &facts->cmdline;
}

int check_wanted_read(const struct check_facts *facts, const char *release,
		      struct check_wanted *ret_wanted)
{
	const struct bootcfg_cmdline *cmdline = find_cmdline(facts, release);
	const struct bootcfg_parameter *parameter =
		bootcfg_find_parameter(cmdline, "vfio-pci.ids");
	struct check_wanted wanted = {
		.cmdline = cmdline,
		.cmdline_ids = parameter ? parameter->value : NULL,
		.devices = calloc(facts->devices.count + 1, sizeof(*wanted.devices)),
	};

	if (!wanted.devices || bootcfg_find_ids(&facts->modprobe, vfio_pci, &wanted.ids,
						&wanted.ids_file) < 0) {
		check_wanted_free(&wanted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < facts->devices.count; i++) {
		const struct pci_device *device = &facts->devices.items[i];

		if (bootcfg_ids_have(wanted.ids, device) ||
		    bootcfg_ids_have(wanted.cmdline_ids, device))
			wanted.devices[wanted.n_devices++] = device;
	}
	wanted.anything =
		wanted.ids || wanted.cmdline_ids ||
		host_exists(facts->host, BOOTCFG_TAB) ||
		bootcfg_modprobe_find(&facts->loads, MODPROBE_LOAD, vfio_pci) ||
		bootcfg_modprobe_find(&facts->modprobe, MODPROBE_INSTALL, vfio_pci);
	for (size_t i = 0; i < facts->modprobe.count; i++)
		wanted.anything |=
			bootcfg_is_softdep(&facts->modprobe.lines[i], vfio_pci);
	*ret_wanted = wanted;
	return 0;
}

void check_wanted_free(struct check_wanted *wanted)
{
	free(wanted->ids);
	free(wanted->devices);
	memset(wanted, 0, sizeof(*wanted));
}
