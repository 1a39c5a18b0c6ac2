/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_SHA256_H
#define PCIFERRY_BASE_SHA256_H

/* SHA-256 (FIPS 180-4). */
#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t state[8];
	uint64_t len; /* bytes so far */
	unsigned char block[64];
};

enum { SHA256_TEXT_SIZE = 65 };

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t len);

/* The sum in small hexadecimal digits. Returns the buffer. */
const char *sha256_end(struct sha256 *sha, char buffer[SHA256_TEXT_SIZE]);

#endif
