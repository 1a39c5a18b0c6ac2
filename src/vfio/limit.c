/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/limit.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"

static bool may_lock_all(const struct host *host)
{
	static const char name[] = "\nCapEff:";
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t len;

	if (host_read_file(host, "proc/self/status", &text, &len) < 0)
		return false;
	line = strstr(text, name);
	return line && strtoull(line + strlen(name), NULL, 16) & 1ULL << CAP_IPC_LOCK;
}

void vfio_limit_read(const struct host *host, struct vfio_limit *ret_limit)
{
	struct rlimit limit;

	ret_limit->exempt = may_lock_all(host);
	ret_limit->bytes = 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		ret_limit->bytes =
			limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}
