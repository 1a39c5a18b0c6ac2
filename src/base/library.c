/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/error.h"

int library_load(const char *soname, const char *package,
		 const struct library_function *table, size_t count, void *functions,
		 struct error *err)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; handle && i < count; i++) {
		void *function = dlsym(handle, table[i].name);

		*(void **)((char *)functions + table[i].offset) = function;
		if (!function)
			handle = NULL;
	}
	if (handle)
		return 0;
	error_set(err, ENOENT, soname, "this needs the library, and it is not here");
	error_hint(err, "install %s", package);
	return -ENOENT;
}
