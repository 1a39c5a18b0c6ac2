/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sha256.h"

#include <stdio.h>

#include "base/cleanup.h"

enum { SUM_SIZE = 32 };

int sha256_load(struct sha256 *ret_library, struct error *err)
{
	static const struct library_function functions[] = { SHA256_FUNCTIONS(
		LIBRARY_ROW) };
	int r = library_load("libgcrypt.so.20", "libgcrypt (Debian: libgcrypt20)",
			     functions, ARRAY_SIZE(functions), ret_library, err);

	/* Its first call sets the library up; it wants to be this one. */
	if (r == 0)
		ret_library->gcry_check_version(NULL);
	return r;
}

const char *sha256_text(const struct sha256 *sha, const void *bytes, size_t len,
			char buffer[SHA256_TEXT_SIZE])
{
	unsigned char sum[SUM_SIZE];

	sha->gcry_md_hash_buffer(GCRY_MD_SHA256, sum, len ? bytes : "", len);
	for (size_t i = 0; i < SUM_SIZE; i++)
		snprintf(buffer + 2 * i, 3, "%02x", sum[i]);
	return buffer;
}
