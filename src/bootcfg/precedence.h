/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_PRECEDENCE_H
#define PCIFERRY_BOOTCFG_PRECEDENCE_H

/*
 * What modprobe.d tells a driver that takes devices by IDs (vfio-pci, pci-stub), and what
 * makes another module come after it.
 */
#include <stdbool.h>

#include "bootcfg/modprobe.h"

/*
 * The IDs that modprobe gives a module: the last ones. The caller frees *ret_ids; NULL:
 * none. Returns 0 or -ENOMEM.
 */
int bootcfg_find_ids(const struct bootcfg_modprobe *modprobe, const char *module,
		     char **ret_ids, const char **ret_file);

/* Whether the line is "softdep X pre: first", in these or more words. */
bool bootcfg_is_softdep(const struct bootcfg_modprobe_line *line, const char *first);

/* Whether a softdep has `module` wait for `first`. */
bool bootcfg_comes_after(const struct bootcfg_modprobe *modprobe, const char *module,
			 const char *first);

/* Whether a list that commas part has the name of this module. */
bool bootcfg_names_module(const char *list, const char *module);

#endif
