/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_GROUP_H
#define PCIFERRY_VFIO_GROUP_H

/* A group as VFIO sees it, through /dev/vfio/<number> (include/uapi/linux/vfio.h). */
#include <stdbool.h>

#include "host/host.h"

struct error;

/*
 * Whether VFIO calls the group viable: all its members are in hands that allow a guest to
 * have it. Opens the group for a moment; resets nothing. Returns 0, -EBUSY when somebody
 * has it open, -ENOENT when no member is on a VFIO driver, or another -errno.
 */
int vfio_group_viable(const struct host *host, unsigned int number, bool *ret_viable,
		      struct error *err);

#endif
