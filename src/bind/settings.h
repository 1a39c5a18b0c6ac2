/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BIND_SETTINGS_H
#define PCIFERRY_BIND_SETTINGS_H

/*
 * What else a device is set to for its guest, beside its driver: attributes of sysfs
 * (Documentation/ABI/testing/sysfs-bus-pci, sysfs-devices-power). A person writes them as
 * NAME=VALUE:
 *
 *	reset_method=flr,bus     how the kernel may reset it, in this order; "none"
 *	d3cold_allowed=0         whether its power may be cut while it is idle; or 1
 *	power_control=on         stays powered while it is idle; auto: it need not.
 *	                         What vfio-pci's disable_idle_d3 does for all devices.
 *	bar1=256M                the size of a base address register (Resizable BAR)
 */
#include <stddef.h>

#include "host/host.h"
#include "pci/address.h"

struct error;

enum bind_setting {
	SETTING_RESET_METHOD,
	SETTING_D3COLD,
	SETTING_BAR0,
	SETTING_BAR5 = SETTING_BAR0 + 5,
	SETTING_POWER,
	BIND_SETTINGS
};

enum { BIND_SETTING_SIZE = 96, BIND_SETTINGS_TEXT_SIZE = 512 };

/* Each as its attribute takes it; "": it is left as it is. */
struct bind_settings {
	char values[BIND_SETTINGS][BIND_SETTING_SIZE];
};

/* NAME=VALUE words, with blanks between them. Returns 0, or -EINVAL with a usage error.
 */
int bind_settings_parse(const char *text, struct bind_settings *ret_settings,
			struct error *err);

/* The other way round; "" where there is none. Returns the buffer. */
const char *bind_settings_format(const struct bind_settings *settings,
				 char text[BIND_SETTINGS_TEXT_SIZE]);

/*
 * What a device has now of those that `which` names; of the rest "". Refuses one that the
 * device does not have, or not in that size. Returns 0 or -errno.
 */
int bind_settings_read(const struct host *host, const struct pci_address *address,
		       const struct bind_settings *which, struct bind_settings *ret_now,
		       struct error *err);

/* Whether all of `wanted` is so in `now`. */
bool bind_settings_hold(const struct bind_settings *wanted,
			const struct bind_settings *now);

#endif
