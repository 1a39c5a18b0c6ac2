/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/service.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* systemd.unit(5), the folders of a system's units. */
static const char *const folders[] = { "etc/systemd/system",
				       "usr/local/lib/systemd/system",
				       "usr/lib/systemd/system", "lib/systemd/system" };

enum bootcfg_service bootcfg_service(const struct host *host)
{
	enum bootcfg_service found = SERVICE_NONE;
	char path[128], target[160];

	/* A link to /dev/null masks it, whatever else there is. */
	if (host_link_target(host, "etc/systemd/system/pciferry.service", target,
			     sizeof(target)) == FACT_KNOWN &&
	    !strcmp(target, "/dev/null"))
		return SERVICE_MASKED;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path),
			 "%s/multi-user.target.wants/pciferry.service", folders[i]);
		if (host_link_target(host, path, target, sizeof(target)) == FACT_KNOWN)
			return SERVICE_ENABLED;
		snprintf(path, sizeof(path), "%s/pciferry.service", folders[i]);
		if (host_exists(host, path))
			found = SERVICE_THERE;
	}
	return found;
}
