/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libxml2.h"

#include "base/cleanup.h"

int libxml2_load(struct libxml2 *ret_library, struct error *err)
{
	static const struct library_function functions[] = { LIBXML2_FUNCTIONS(
		LIBRARY_ROW) };

	/* The layout of a tree, whose fields its readers use, goes with the name. */
	return library_load(LIBXML_VERSION < 21400 ? "libxml2.so.2" : "libxml2.so.16",
			    "libxml2 (Debian: libxml2)", functions, ARRAY_SIZE(functions),
			    ret_library, err);
}
