/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_CONFD_H
#define PCIFERRY_BOOTCFG_CONFD_H

/* Folders of configuration files of which those in the first hide others of that name. */
#include "base/text.h"
#include "host/host.h"

struct bootcfg_confd {
	enum fact fact; /* KNOWN: at least one of the folders is there */
	struct string_list
		paths; /* by name, as they are read; hidden ones are not told */
	struct string_list unreadable; /* folders */
};

/* The folders, the first first, end with NULL. Returns 0 or -ENOMEM. */
int bootcfg_confd_list(const struct host *host, const char *const *folders,
		       struct bootcfg_confd *ret_confd);
void bootcfg_confd_free(struct bootcfg_confd *confd); /* takes NULL */

/* The name in a path. */
const char *bootcfg_confd_name(const char *path);

#endif
