/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/limit.h"

#include <linux/capability.h>
#include <sys/resource.h>

void vfio_limit_read(const struct host *host, struct vfio_limit *ret_limit)
{
	struct rlimit limit;
	uint64_t set;

	ret_limit->exempt = host_read_behind(host, "proc/self/status", "\nCapEff:", 16,
					     &set) == FACT_KNOWN &&
			    set & 1ULL << CAP_IPC_LOCK;
	ret_limit->bytes = 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		ret_limit->bytes =
			limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}
