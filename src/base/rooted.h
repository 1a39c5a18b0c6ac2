/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_ROOTED_H
#define PCIFERRY_BASE_ROOTED_H

/*
 * Opening files as if a directory were "/": neither an absolute symbolic link nor ".." in
 * a path or in a link leads out of it. Uses openat2(2) with RESOLVE_IN_ROOT (Linux 5.6);
 * where the kernel or a sandbox has no openat2, the path is walked here, link by link.
 */
#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens path beneath root_fd; a leading "/" means root_fd itself. flags as for open(2);
 * O_CLOEXEC is always added. Returns a descriptor, which the caller closes, or -errno.
 */
int rooted_open(int root_fd, const char *path, int flags, mode_t mode);

/*
 * The target of the symbolic link at path, whose last component is not followed. Returns
 * its length; -ENAMETOOLONG when it does not fit with its final NUL; or -errno.
 */
ssize_t rooted_readlink(int root_fd, const char *path, char *buffer, size_t size);

/* For tests: walk the path here even where the kernel has openat2. */
void rooted_force_fallback(bool force);

#endif
