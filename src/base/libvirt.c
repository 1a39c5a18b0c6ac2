/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/libvirt.h"

#include "base/cleanup.h"

static const struct library_function functions[] = {
#define LIBVIRT_ROW(name) { #name, offsetof(struct libvirt, name) },
	LIBVIRT_FUNCTIONS(LIBVIRT_ROW)
#undef LIBVIRT_ROW
};

int libvirt_load(struct libvirt *ret_library, struct error *err)
{
	return library_load("libvirt.so.0", "libvirt (Debian: libvirt0)", functions,
			    ARRAY_SIZE(functions), ret_library, err);
}
