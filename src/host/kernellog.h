/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_KERNELLOG_H
#define PCIFERRY_HOST_KERNELLOG_H

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

#endif
