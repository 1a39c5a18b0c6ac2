/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_CLEANUP_H
#define PCIFERRY_BASE_CLEANUP_H

/*
 * Ownership in one function: what is marked is released when the scope is left, whichever
 * way; steal() takes it out again when it is handed to the caller.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_pointer(void *where)
{
	free(*(void **)where);
}

static inline void cleanup_close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_close_file(FILE *const *file)
{
	if (*file)
		fclose(*file);
}

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_	    _cleanup_(cleanup_free_pointer)
#define _cleanup_close_	    _cleanup_(cleanup_close_fd)
#define _cleanup_fclose_    _cleanup_(cleanup_close_file)

/* The value of a pointer variable, which is NULL afterwards. */
#define steal(pointer)                                   \
	__extension__({                                  \
		__typeof__(pointer) stolen_ = (pointer); \
		(pointer) = NULL;                        \
		stolen_;                                 \
	})

/* The same for a file descriptor, which is -1 afterwards. */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
