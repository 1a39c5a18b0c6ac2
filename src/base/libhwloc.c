/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libhwloc.h"

#include "base/cleanup.h"

static const struct library_function functions[] = {
#define LIBHWLOC_ROW(name) { #name, offsetof(struct libhwloc, name) },
	LIBHWLOC_FUNCTIONS(LIBHWLOC_ROW)
#undef LIBHWLOC_ROW
};

int libhwloc_load(struct libhwloc *ret_library, struct error *err)
{
	return library_load("libhwloc.so.15", "hwloc (Debian: libhwloc15)", functions,
			    ARRAY_SIZE(functions), ret_library, err);
}
