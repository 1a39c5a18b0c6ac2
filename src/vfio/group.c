/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/group.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

int vfio_group_open(const struct vfio_transport *transport, unsigned int number,
		    int *ret_fd, struct error *err)
{
	char path[32], subject[32];
	int fd, r;

	snprintf(path, sizeof(path), "dev/vfio/%u", number);
	snprintf(subject, sizeof(subject), "/%s", path);
	fd = transport->open(transport, path);
	if (fd < 0) {
		r = error_set(err, -fd, subject, "%s",
			      fd == -EBUSY ? "a process holds the group" : strerror(-fd));
		if (fd == -EACCES)
			error_hint(err,
				   "run it with sudo, or give the file to your user");
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int vfio_group_ask(const struct vfio_transport *transport, int fd, unsigned int number,
		   bool *ret_viable, struct error *err)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char subject[32];
	int r = transport->ioctl(transport, fd, VFIO_GROUP_GET_STATUS, &status);

	if (r < 0) {
		snprintf(subject, sizeof(subject), "/dev/vfio/%u", number);
		return error_set(err, -r, subject, "VFIO_GROUP_GET_STATUS: %s",
				 strerror(-r));
	}
	*ret_viable = status.flags & VFIO_GROUP_FLAGS_VIABLE;
	return 0;
}

int vfio_group_viable(const struct host *host, unsigned int number, bool *ret_viable,
		      struct error *err)
{
	struct vfio_transport transport;
	int fd = -1, r;

	vfio_transport_to(host, &transport);
	r = vfio_group_open(&transport, number, &fd, err);
	if (r < 0)
		return r;
	r = vfio_group_ask(&transport, fd, number, ret_viable, err);
	transport.close(&transport, fd);
	return r;
}
