/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libsmartcols.h"

#include "base/cleanup.h"

int libsmartcols_load(struct libsmartcols *ret_library, struct error *err)
{
	static const struct library_function functions[] = { LIBSMARTCOLS_FUNCTIONS(
		LIBRARY_ROW) };

	return library_load("libsmartcols.so.1", "libsmartcols (Debian: libsmartcols1)",
			    functions, ARRAY_SIZE(functions), ret_library, err);
}
