/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBMOUNT_H
#define PCIFERRY_BASE_LIBMOUNT_H

/* libmount, loaded when tables of mounts are read: it brings three more libraries. */
#include <libmount/libmount.h>

#include "base/library.h"

struct error;

#define LIBMOUNT_FUNCTIONS(X)         \
	X(mnt_free_iter)              \
	X(mnt_fs_get_devno)           \
	X(mnt_fs_get_fs_options)      \
	X(mnt_fs_get_fstype)          \
	X(mnt_fs_get_option)          \
	X(mnt_fs_get_source)          \
	X(mnt_fs_get_target)          \
	X(mnt_fs_is_kernel)           \
	X(mnt_fs_is_swaparea)         \
	X(mnt_new_iter)               \
	X(mnt_new_table)              \
	X(mnt_optstr_get_option)      \
	X(mnt_table_get_nents)        \
	X(mnt_table_get_userdata)     \
	X(mnt_table_is_empty)         \
	X(mnt_table_next_fs)          \
	X(mnt_table_parse_stream)     \
	X(mnt_table_set_parser_errcb) \
	X(mnt_table_set_userdata)     \
	X(mnt_unref_table)

struct libmount {
	LIBMOUNT_FUNCTIONS(LIBRARY_POINTER)
};

/* Returns 0, or -ENOENT where it is not installed. */
int libmount_load(struct libmount *ret_library, struct error *err);

#endif
