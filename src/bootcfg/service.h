/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_SERVICE_H
#define PCIFERRY_BOOTCFG_SERVICE_H

/* pciferry.service, which does later in the boot what the tab wants. */
#include "host/host.h"

enum bootcfg_service {
	SERVICE_NONE,  /* there is no such unit here */
	SERVICE_THERE, /* systemd does not start it */
	SERVICE_MASKED,
	SERVICE_ENABLED, /* systemd starts it at each boot */
};
enum bootcfg_service bootcfg_service(const struct host *host);

#endif
