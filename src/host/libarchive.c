/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/libarchive.h"

#include "base/cleanup.h"

static const struct library_function functions[] = {
#define LIBARCHIVE_ROW(name) { #name, offsetof(struct libarchive, name) },
	LIBARCHIVE_FUNCTIONS(LIBARCHIVE_ROW)
#undef LIBARCHIVE_ROW
};

int libarchive_load(struct libarchive *ret_library, struct error *err)
{
	/* The interface has been the same since libarchive 3.0 (2011). */
	return library_load("libarchive.so.13", "libarchive (Debian: libarchive13)",
			    functions, ARRAY_SIZE(functions), ret_library, err);
}
