/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of the host's USB, for a guest. */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/child.h"
#include "base/rooted.h"
#include "change/internal.h"

/* USB_MAXINTERFACES of include/linux/usb.h. */
enum { INTERFACES_MAX = 32 };

/* A driver may wait for its device, several times. */
enum { RETURN_MS = 30000 };

int change_open_usb(const struct host *host, unsigned int bus, unsigned int device,
		    int *ret_fd, struct error *err)
{
	char path[64];
	int fd, r = change_check_host(host, err);

	if (r < 0)
		return r;
	/* Named so by the kernel (drivers/usb/core/usb.c, usb_devnode()). */
	snprintf(path, sizeof(path), "/dev/bus/usb/%03u/%03u", bus, device);
	fd = rooted_open(host_root_fd(host), path, O_RDWR, 0);
	if (fd < 0) {
		error_set(err, -fd, path, "%s", strerror(-fd));
		if (fd == -ENOENT || fd == -ENODEV)
			error_hint(err, "it was plugged out, or its controller goes to"
					" the guest, and it with that");
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

/* An interface that is not there, or has a driver, stays as it is. */
static int find_drivers(void *argument, char *answer, size_t *ret_len)
{
	const int *fd = argument;
	int r = 0;

	(void)answer;
	(void)ret_len;
	for (int i = 0; i < INTERFACES_MAX; i++) {
		struct usbdevfs_ioctl connect = {
			.ifno = i,
			.ioctl_code = USBDEVFS_CONNECT,
		};

		if (ioctl(*fd, USBDEVFS_IOCTL, &connect) < 0 && errno != EINVAL &&
		    errno != EBUSY)
			r = -errno;
	}
	return r;
}

int change_return_usb(int fd)
{
	struct child_task task = {
		.run = find_drivers,
		.argument = &fd,
		.deadline_ms = RETURN_MS,
	};
	int r = child_run(&task, NULL, NULL);

	/* It was plugged out. */
	return r == -ENODEV ? 0 : r;
}
