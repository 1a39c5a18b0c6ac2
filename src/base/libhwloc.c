/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libhwloc.h"

#include "base/cleanup.h"

int libhwloc_load(struct libhwloc *ret_library, struct error *err)
{
	static const struct library_function functions[] = { LIBHWLOC_FUNCTIONS(
		LIBRARY_ROW) };

	return library_load("libhwloc.so.15", "hwloc (Debian: libhwloc15)", functions,
			    ARRAY_SIZE(functions), ret_library, err);
}
