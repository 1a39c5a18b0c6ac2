/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_FRAMES_H
#define PCIFERRY_HOST_FRAMES_H

/* Where this process's memory is in the machine's. */
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"

/*
 * The physical addresses of `count` pages from `memory` on, which is aligned to one; 0:
 * the page is not in memory. Each is true as long as the page is pinned. Returns 0;
 * -EPERM: the kernel tells only who has CAP_SYS_ADMIN (Linux 4.2,
 * Documentation/admin-guide/mm/pagemap.rst); or another -errno.
 */
int host_frames_read(const struct host *host, const void *memory, size_t count,
		     uint64_t *ret_addresses);

#endif
