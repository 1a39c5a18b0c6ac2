/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_GROUP_H
#define PCIFERRY_VFIO_GROUP_H

/* A group as VFIO sees it, through /dev/vfio/<number> (include/uapi/linux/vfio.h). */
#include <stdbool.h>

#include "host/host.h"
#include "vfio/transport.h"

struct error;

/*
 * Opens its node, which only one process can have open. Returns 0 and a descriptor for
 * the transport's close(), -EBUSY when somebody has it open, -ENOENT when no member is on
 * a VFIO driver, or another -errno.
 */
int vfio_group_open(const struct vfio_transport *transport, unsigned int number,
		    int *ret_fd, struct error *err);

/*
 * Whether VFIO calls an open group viable: all its members are in hands that allow a
 * guest to have it. Returns 0 or -errno.
 */
int vfio_group_ask(const struct vfio_transport *transport, int fd, unsigned int number,
		   bool *ret_viable, struct error *err);

/* Both, for a moment. Resets nothing. Returns as they do. */
int vfio_group_viable(const struct host *host, unsigned int number, bool *ret_viable,
		      struct error *err);

#endif
