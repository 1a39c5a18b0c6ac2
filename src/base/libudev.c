/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libudev.h"

#include "base/cleanup.h"

int libudev_load(struct libudev *ret_library, struct error *err)
{
	static const struct library_function functions[] = { LIBUDEV_FUNCTIONS(
		LIBRARY_ROW) };

	return library_load("libudev.so.1", "libudev (Debian: libudev1)", functions,
			    ARRAY_SIZE(functions), ret_library, err);
}
