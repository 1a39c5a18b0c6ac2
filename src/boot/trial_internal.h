/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_TRIAL_INTERNAL_H
#define PCIFERRY_BOOT_TRIAL_INTERNAL_H

#include <limits.h>

#include "boot/internal.h"
#include "boot/trial.h"

#define BOOT_BOOTCTL "usr/bin/bootctl"

/* A file in grub.cfg's own folder, from which it reads custom.cfg and grubenv. */
const char *boot_beside_menu(const struct bootcfg_boot *boot, const char *name,
			     char buffer[PATH_MAX]);

/* grub-editenv, by the name that it has here; NULL: there is none. */
const char *boot_find_env_tool(const struct host *host);

#endif
