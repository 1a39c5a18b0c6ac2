/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libvirt.h"

#include "base/cleanup.h"

int libvirt_load(struct libvirt *ret_library, struct error *err)
{
	static const struct library_function functions[] = { LIBVIRT_FUNCTIONS(
		LIBRARY_ROW) };

	return library_load("libvirt.so.0", "libvirt (Debian: libvirt0)", functions,
			    ARRAY_SIZE(functions), ret_library, err);
}
