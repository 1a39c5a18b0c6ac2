/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_DISTRO_H
#define PCIFERRY_BOOTCFG_DISTRO_H

/* Which distribution a host runs, as far as its way of doing things goes (os-release(5)).
 */
#include "host/host.h"

enum bootcfg_family {
	BOOTCFG_OTHER, /* or it could not be read */
	BOOTCFG_DEBIAN,
	BOOTCFG_FEDORA,
	BOOTCFG_SUSE,
	BOOTCFG_ARCH,
};

struct bootcfg_distro {
	enum bootcfg_family family;
	char id[32];	/* "ubuntu"; "" unknown */
	char name[128]; /* "Ubuntu 24.04.1 LTS"; "" unknown */
};

void bootcfg_distro_read(const struct host *host, struct bootcfg_distro *ret_distro);

#endif
