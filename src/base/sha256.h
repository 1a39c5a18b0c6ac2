/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_SHA256_H
#define PCIFERRY_BASE_SHA256_H

/* SHA-256 (FIPS 180-4), by libgcrypt, which is loaded when it is needed. */
#include <gcrypt.h>
#include <stddef.h>

#include "base/library.h"

#define SHA256_FUNCTIONS(X)   \
	X(gcry_check_version) \
	X(gcry_md_hash_buffer)

struct sha256 {
	SHA256_FUNCTIONS(LIBRARY_POINTER)
};

enum { SHA256_TEXT_SIZE = 65 };

/* Returns 0 or -ENOENT, with the package to install. There is nothing to close. */
int sha256_load(struct sha256 *ret_library, struct error *err);

/* The sum in small hexadecimal digits. Returns the buffer. */
const char *sha256_text(const struct sha256 *sha, const void *bytes, size_t len,
			char buffer[SHA256_TEXT_SIZE]);

#endif
