/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_SETTINGS_H
#define PCIFERRY_CLI_SETTINGS_H

/* --set of bind: settings of devices, shown, and kept for each boot. */
#include "cli/take.h"

struct json_object;

/*
 * Writes the settings of these devices to the tab, as a change of its own; with
 * `only_look` nothing, but what stands in the way is told. *ret_id is the change, 0 where
 * nothing had to be written. Returns 0 or -errno.
 */
int settings_keep(const struct cli *cli, const struct host *host,
		  const struct take_options *options, const struct pci_address *addresses,
		  size_t count, bool only_look, unsigned int *ret_id, struct error *err);

/* What that would write, as a dry run shows it. */
int settings_print_edits(const struct host *host, const struct take_options *options,
			 const struct pci_address *addresses, size_t count,
			 struct error *err);

/* What was set of a device, and what it was before; nothing where nothing was. */
void settings_print(const struct bind_member *member, struct json_object *item);

#endif
