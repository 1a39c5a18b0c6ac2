/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libudev.h"

#include "base/cleanup.h"

static const struct library_function functions[] = {
#define LIBUDEV_ROW(name) { #name, offsetof(struct libudev, name) },
	LIBUDEV_FUNCTIONS(LIBUDEV_ROW)
#undef LIBUDEV_ROW
};

int libudev_load(struct libudev *ret_library, struct error *err)
{
	return library_load("libudev.so.1", "libudev (Debian: libudev1)", functions,
			    ARRAY_SIZE(functions), ret_library, err);
}
