/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a device node is. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/libudev.h"
#include "base/rooted.h"
#include "base/text.h"
#include "change/internal.h"

/* udev has far less to do with a node of VFIO's; without it nothing is lost but this. */
enum { SETTLE_MS = 5000, LOOK_EVERY_MS = 10 };

static bool is_settled(const struct libudev *library, struct udev *udev, dev_t number)
{
	struct udev_device *device =
		library->udev_device_new_from_devnum(udev, 'c', number);
	bool settled = device && library->udev_device_get_is_initialized(device);

	if (device)
		library->udev_device_unref(device);
	return settled;
}

/* For a node that has just come udev sets owner and mode, and would do so after us. */
static void let_udev_settle(const struct change *change, dev_t number)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
	struct libudev library;
	struct udev *udev;

	if (!host_exists(change->host, "run/udev/control") ||
	    libudev_load(&library, NULL) < 0)
		return;
	udev = library.udev_new();
	for (int waited = 0;
	     udev && waited < SETTLE_MS && !is_settled(&library, udev, number);
	     waited += LOOK_EVERY_MS)
		nanosleep(&pause, NULL);
	if (udev)
		library.udev_unref(udev);
}

int change_wait_for(struct change *change, const char *path, unsigned int wait_ms)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
	_cleanup_close_ int fd = -1;
	unsigned int waited = 0;
	struct stat status;

	while ((fd = rooted_open(host_root_fd(change->host), path, O_PATH, 0)) ==
	       -ENOENT) {
		if (waited >= wait_ms)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		waited += LOOK_EVERY_MS;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) == 0 && S_ISCHR(status.st_mode))
		let_udev_settle(change, status.st_rdev);
	return 0;
}

int change_give_node(const struct change *change, const char *path, const char *user)
{
	_cleanup_close_ int fd = -1;
	struct stat status;
	uint64_t number;

	if (text_parse_number(user, UINT32_MAX - 1, &number) < 0)
		return -EINVAL;
	fd = rooted_open(host_root_fd(change->host), path, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISCHR(status.st_mode))
		return -ENODEV;
	let_udev_settle(change, status.st_rdev);
	return fchownat(fd, "", (uid_t)number, (gid_t)-1, AT_EMPTY_PATH) < 0 ? -errno : 0;
}
