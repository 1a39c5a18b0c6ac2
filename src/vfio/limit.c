/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/limit.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "vfio/internal.h"

enum fact vfio_read_behind(const struct host *host, const char *path, const char *word,
			   int base, uint64_t *ret_number)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t len;

	if (host_read_file(host, path, &text, &len) < 0)
		return FACT_UNREADABLE;
	line = strstr(text, word);
	if (!line)
		return FACT_ABSENT;
	*ret_number = strtoull(line + strlen(word), NULL, base);
	return FACT_KNOWN;
}

void vfio_limit_read(const struct host *host, struct vfio_limit *ret_limit)
{
	struct rlimit limit;
	uint64_t set;

	ret_limit->exempt = vfio_read_behind(host, "proc/self/status", "\nCapEff:", 16,
					     &set) == FACT_KNOWN &&
			    set & 1ULL << CAP_IPC_LOCK;
	ret_limit->bytes = 0;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		ret_limit->bytes =
			limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}
