/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_KERNELLOG_H
#define PCIFERRY_HOST_KERNELLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "host/host.h"

/*
 * The lines of the kernel's log that are about IOMMUs, VFIO, and the memory, resets and
 * errors of PCI devices, oldest first; a recording holds them as "pciferry/kernel-log".
 * The caller frees *ret_text. Returns 0, or -errno: -EPERM where only root may read it.
 */
int host_read_kernel_log(const struct host *host, char **ret_text, size_t *ret_len);

/* Keeps only those lines of a log, in place. Returns how long they are. */
size_t host_kernel_log_filter(char *text, size_t len);

/*
 * What the kernel itself says from now on, all of it: /dev/kmsg, from its end
 * (Documentation/ABI/testing/dev-kmsg). Returns 0 and a descriptor, which the caller
 * closes, or -errno: -EPERM where only root may read it.
 */
int host_kernel_log_follow(const struct host *host, int *ret_fd);

/*
 * What it has said since the last time, each message a line without prefix; waits for
 * none. The caller frees *ret_text. *ret_lost: messages were written over before they
 * were read. Returns 0 or -errno.
 */
int host_kernel_log_next(int fd, char **ret_text, size_t *ret_len, bool *ret_lost);

#endif
