/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libmount.h"

#include "base/cleanup.h"

int libmount_load(struct libmount *ret_library, struct error *err)
{
	static const struct library_function functions[] = { LIBMOUNT_FUNCTIONS(
		LIBRARY_ROW) };

	return library_load("libmount.so.1", "libmount (Debian: libmount1)", functions,
			    ARRAY_SIZE(functions), ret_library, err);
}
