/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_PARALLEL_H
#define PCIFERRY_BASE_PARALLEL_H

/*
 * Many reads of the same kind, such as of each function's attributes, in several threads:
 * nearly all of their time is spent in the kernel, looking up paths.
 */
#include <stddef.h>

enum { PARALLEL_PARTS_MAX = 4 };

/*
 * Does the items from `from` up to, and without, `to`. Two calls at a time never have the
 * same part, which is below PARALLEL_PARTS_MAX. Returns 0 or -errno.
 */
typedef int (*parallel_work)(void *context, size_t part, size_t from, size_t to);

/*
 * Calls work for parts that make up 0 to count, in order of part; one only, in the
 * caller's thread, where there are too few items for more to pay. Returns when all have
 * ended, the first part's error if there was one.
 */
int parallel_for(size_t count, parallel_work work, void *context);

#endif
