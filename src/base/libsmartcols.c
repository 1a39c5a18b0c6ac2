/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libsmartcols.h"

#include "base/cleanup.h"

static const struct library_function functions[] = {
#define LIBSMARTCOLS_ROW(name) { #name, offsetof(struct libsmartcols, name) },
	LIBSMARTCOLS_FUNCTIONS(LIBSMARTCOLS_ROW)
#undef LIBSMARTCOLS_ROW
};

int libsmartcols_load(struct libsmartcols *ret_library, struct error *err)
{
	return library_load("libsmartcols.so.1", "libsmartcols (Debian: libsmartcols1)",
			    functions, ARRAY_SIZE(functions), ret_library, err);
}
