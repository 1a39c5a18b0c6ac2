/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_SETTINGS_H
#define PCIFERRY_PLAN_SETTINGS_H

/* Settings of devices at each boot: set lines of the tab, docs/design/binding.md. */
#include "boot/boot.h"
#include "host/host.h"

/*
 * The edits after which the devices, which the tab gives to guests, have these settings
 * (bind/settings.h) at each boot, beside those that they have there already; looked at
 * (change_edits_look()), for change_edits_free(). ret_instructions is what a person has
 * to do as well. Refused where the tab does not list one of them, and while a trial is
 * not over. Returns 0 or -errno.
 */
int plan_keep_settings(const struct host *host, const struct pci_address *addresses,
		       size_t count, const char *settings, struct change_edits *ret_edits,
		       struct string_list *ret_instructions, struct error *err);

#endif
