/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/group.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"

int vfio_group_viable(const struct host *host, unsigned int number, bool *ret_viable,
		      struct error *err)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	_cleanup_close_ int fd = -1;
	char path[32], subject[32];
	int r;

	snprintf(path, sizeof(path), "dev/vfio/%u", number);
	snprintf(subject, sizeof(subject), "/%s", path);
	fd = rooted_open(host_root_fd(host), path, O_RDWR, 0);
	if (fd < 0) {
		r = error_set(err, -fd, subject, "%s",
			      fd == -EBUSY ? "a process holds the group" : strerror(-fd));
		if (fd == -EACCES)
			error_hint(err,
				   "run it with sudo, or give the file to your user");
		return r;
	}
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0)
		return error_set(err, errno, subject, "VFIO_GROUP_GET_STATUS: %s",
				 strerror(errno));
	*ret_viable = status.flags & VFIO_GROUP_FLAGS_VIABLE;
	return 0;
}
