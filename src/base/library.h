/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBRARY_H
#define PCIFERRY_BASE_LIBRARY_H

/*
 * Libraries that few commands need, loaded when they are needed: with all that they need
 * in turn, loading them takes as long as a whole `list`.
 */
#include <stddef.h>

struct error;

struct library_function {
	const char *name;
	size_t offset; /* of its pointer in the structure */
};

/*
 * Loads the library with this soname and fills in the structure at `functions`. Returns 0
 * or -ENOENT, with the package to install.
 */
int library_load(const char *soname, const char *package,
		 const struct library_function *table, size_t count, void *functions,
		 struct error *err);

/* A member of such a structure, named and typed as the function. */
#define LIBRARY_POINTER(function) __typeof__(function) *function;

/* The row for it, where the structure is `ret_library`. */
#define LIBRARY_ROW(function) { #function, offsetof(__typeof__(*ret_library), function) },

#endif
