/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_GZIP_H
#define PCIFERRY_HOST_GZIP_H

#include <stddef.h>

#include "host/host.h"

/*
 * Reads a file that gzip packed, such as proc/config.gz, and unpacks it in memory; a NUL
 * is put behind the last byte. The caller frees *ret_bytes. Returns 0 or -errno: -EFBIG
 * for more than `limit` bytes unpacked, -EINVAL for a damaged file or another format.
 */
int host_read_gzip(const struct host *host, const char *path, size_t limit,
		   char **ret_bytes, size_t *ret_len);

#endif
