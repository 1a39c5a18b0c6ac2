/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_OVERRIDES_H
#define PCIFERRY_BOOTCFG_OVERRIDES_H

/*
 * What sets a device's driver_override at boot, once the root file system is there:
 * driverctl's files, and rules of udev's.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "host/host.h"
#include "pci/topology.h"

/* The rules files that speak of driver_override, in the order in which udev reads them.
 */
struct bootcfg_overrides {
	const struct host *host;
	struct string_list paths, texts;
	struct string_list unreadable;
};

struct bootcfg_override {
	enum fact fact; /* ABSENT: none; UNREADABLE: whether a rule fits is not known */
	char driver[64];
	char place[300];   /* "/etc/udev/rules.d/10-vfio.rules:3" */
	bool by_driverctl; /* which takes a device from the driver that it has */
	bool probes;	   /* the rule offers the device to its driver itself */
	bool runs;	   /* it runs a program, which may do more */
};

/*
 * Where driverctl keeps the driver of a function, "etc/driverctl.d/pci-0000:01:00.0":
 * save_override() in its script, and 05-driverctl.rules. Returns the buffer.
 */
#define BOOTCFG_DRIVERCTL "etc/driverctl.d"
enum { BOOTCFG_DRIVERCTL_SIZE = sizeof(BOOTCFG_DRIVERCTL "/pci-") + PCI_ADDRESS_SIZE };
const char *bootcfg_driverctl_path(const char *address,
				   char path[BOOTCFG_DRIVERCTL_SIZE]);

/* Returns 0 or -ENOMEM. */
int bootcfg_overrides_read(const struct host *host,
			   struct bootcfg_overrides *ret_overrides);
void bootcfg_overrides_free(struct bootcfg_overrides *overrides); /* takes NULL */

/* Of one device; driverctl comes last, and has the last word. Returns 0 or -ENOMEM. */
int bootcfg_override_of(const struct bootcfg_overrides *overrides,
			const struct pci_node *node,
			struct bootcfg_override *ret_override);

/* The same, of rules alone: one file's text, whose path is for messages. */
int bootcfg_override_rules(const char *text, size_t len, const char *path,
			   const struct pci_node *node,
			   struct bootcfg_override *override);

#endif
