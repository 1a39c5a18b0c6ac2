/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_LIMIT_H
#define PCIFERRY_VFIO_LIMIT_H

/* How much memory a process may lock, as a guest's is while it has a device. */
#include <stdbool.h>
#include <stdint.h>

#include "host/host.h"

/* libvirt's measure of what QEMU has locked besides the guest's memory: the ranges of the
 * devices, and its own (qemuDomainGetMemLockLimitBytes(), src/qemu/qemu_domain.c). */
#define VFIO_LOCKED_BESIDES (1ULL << 30)

struct vfio_limit {
	bool exempt;	/* CAP_IPC_LOCK, which root has: no limit holds */
	uint64_t bytes; /* RLIMIT_MEMLOCK; UINT64_MAX: none */
};

/* Of this process. One whose capabilities cannot be read is taken for having none. */
void vfio_limit_read(const struct host *host, struct vfio_limit *ret_limit);

/* How much may be locked; UINT64_MAX: all there is. */
static inline uint64_t vfio_limit_bytes(const struct vfio_limit *limit)
{
	return limit->exempt ? UINT64_MAX : limit->bytes;
}

#endif
