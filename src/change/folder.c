/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders and sockets of programs that are started: nothing that outlives them counts. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rooted.h"
#include "change/internal.h"

int change_create_folder(const struct host *host, const char *path)
{
	char within[PATH_MAX];
	_cleanup_close_ int fd = -1;
	struct stat st;

	if ((size_t)snprintf(within, sizeof(within), "%s/", path) >= sizeof(within))
		return -ENAMETOOLONG;
	fd = change_open_parent(host, within);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid())
		return -EPERM;
	return (st.st_mode & 0777) != 0700 && fchmod(fd, 0700) < 0 ? -errno : 0;
}

/* Only a socket that is there and that nobody listens at refuses. */
static bool has_listener(int socket_file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d",
		 socket_file);
	return fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
	       errno != ECONNREFUSED;
}

int change_check_socket(const struct host *host, const char *path)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), path, O_PATH | O_NOFOLLOW, 0);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	return has_listener(fd) ? -EADDRINUSE : 0;
}

int change_remove_socket(const struct host *host, const char *path)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), path, O_PATH | O_NOFOLLOW, 0);
	_cleanup_close_ int dir = -1;
	struct stat st;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (has_listener(fd))
		return -EADDRINUSE;
	dir = change_open_parent(host, path);
	if (dir < 0)
		return dir;
	return unlinkat(dir, change_file_name(path), 0) < 0 ? -errno : 0;
}
