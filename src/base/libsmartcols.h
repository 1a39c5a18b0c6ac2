/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBSMARTCOLS_H
#define PCIFERRY_BASE_LIBSMARTCOLS_H

/* libsmartcols, loaded when a table is drawn. */
#include <libsmartcols.h>

#include "base/library.h"

struct error;

#define LIBSMARTCOLS_FUNCTIONS(X)        \
	X(scols_cell_set_color)          \
	X(scols_line_get_cell)           \
	X(scols_line_refer_data)         \
	X(scols_new_table)               \
	X(scols_print_table)             \
	X(scols_table_enable_colors)     \
	X(scols_table_enable_noencoding) \
	X(scols_table_is_empty)          \
	X(scols_table_new_column)        \
	X(scols_table_new_line)          \
	X(scols_unref_table)

struct libsmartcols {
	LIBSMARTCOLS_FUNCTIONS(LIBRARY_POINTER)
};

/* Returns 0, or -ENOENT where it is not installed. */
int libsmartcols_load(struct libsmartcols *ret_library, struct error *err);

#endif
