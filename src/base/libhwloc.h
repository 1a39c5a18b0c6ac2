/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBHWLOC_H
#define PCIFERRY_BASE_LIBHWLOC_H

/* hwloc, loaded when a guest's processors are to be placed. */
#include <hwloc.h>

#include "base/library.h"

struct error;

#define LIBHWLOC_FUNCTIONS(X)        \
	X(hwloc_bitmap_alloc)        \
	X(hwloc_bitmap_first)        \
	X(hwloc_bitmap_free)         \
	X(hwloc_bitmap_isset)        \
	X(hwloc_cpukinds_get_info)   \
	X(hwloc_cpukinds_get_nr)     \
	X(hwloc_get_nbobjs_by_depth) \
	X(hwloc_get_obj_by_depth)    \
	X(hwloc_get_type_depth)      \
	X(hwloc_topology_destroy)    \
	X(hwloc_topology_init)       \
	X(hwloc_topology_load)       \
	X(hwloc_topology_set_flags)

struct libhwloc {
	LIBHWLOC_FUNCTIONS(LIBRARY_POINTER)
};

/* Returns 0, or -ENOENT where it is not installed. */
int libhwloc_load(struct libhwloc *ret_library, struct error *err);

#endif
