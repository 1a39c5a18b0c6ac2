/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/libarchive.h"

#include "base/cleanup.h"

int libarchive_load(struct libarchive *ret_library, struct error *err)
{
	static const struct library_function functions[] = { LIBARCHIVE_FUNCTIONS(
		LIBRARY_ROW) };

	/* The interface has been the same since libarchive 3.0 (2011). */
	return library_load("libarchive.so.13", "libarchive (Debian: libarchive13)",
			    functions, ARRAY_SIZE(functions), ret_library, err);
}
