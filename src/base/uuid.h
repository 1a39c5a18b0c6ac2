/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_UUID_H
#define PCIFERRY_BASE_UUID_H

/* UUIDs as the kernel writes them: small letters, four hyphens (RFC 9562, 4). */
#include <stddef.h>

enum { UUID_SIZE = sizeof("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001") };

/* All of text, in letters of either size. Returns 0 or -EINVAL. */
int uuid_parse(const char *text, size_t len, char ret_uuid[UUID_SIZE]);

/* A new one, by chance (RFC 9562, 5.4). Returns 0 or -errno. */
int uuid_make(char ret_uuid[UUID_SIZE]);

#endif
