/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_CLAIMED_H
#define PCIFERRY_HOST_CLAIMED_H

/*
 * Which block devices the kernel has claimed: for a mount, swap, device mapper, MD, a
 * pool or a program that wants one for itself alone. It is asked by opening each in this
 * way: O_EXCL, which gives EBUSY (block/bdev.c, bd_prepare_to_claim), read-only, and
 * O_NONBLOCK, so that no medium is waited for. For the length of such an open another one
 * who wants the device alone is refused. So it is for commands that are about to take the
 * device away, and not for those that only look.
 *
 * Another host is not asked: a directory may hold the answer, as the file
 * "pciferry/claimed" with a name on each line, and " ?" behind it where it is not known.
 */
#include <stddef.h>

#include "host/host.h"

enum host_claim { HOST_CLAIM_NONE, HOST_CLAIM_HELD, HOST_CLAIM_UNKNOWN };

/*
 * Of the kernel's names ("nvme0n1p1"). A child opens them; one that has not answered
 * within the deadline, and those behind it, are not known, nor are any where no child can
 * be made. Returns 0 or -ENOMEM.
 */
int host_find_claimed(const struct host *host, const char *const *names, size_t count,
		      unsigned int deadline_ms, enum host_claim *ret_claims);

/*
 * Claims one for the caller: as long as the descriptor is open nobody can mount it, swap
 * to it or give it to device mapper, MD or a pool, nor any partition of it. Sleeps as
 * long as its driver does. Returns a descriptor, to be closed, or -errno: -EBUSY: another
 * one has it.
 */
int host_claim(const struct host *host, const char *name);

#endif
