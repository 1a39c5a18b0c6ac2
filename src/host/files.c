/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend for this machine, and for a directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/rooted.h"
#include "base/text.h"
#include "host/backend.h"

static int open_file(const struct host *host, const struct host_dir *dir,
		     const char *name)
{
	int fd;

	if (!dir)
		return rooted_open(host->root, name, O_RDONLY | O_NONBLOCK, 0);
	fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static ssize_t read_some(const struct host *host, const struct host_dir *dir,
			 const char *name, char *buffer, size_t size)
{
	_cleanup_close_ int fd = open_file(host, dir, name);
	size_t len = 0;

	if (fd < 0)
		return fd;
	/* One read gets a whole sysfs attribute; a further one only when that filled it.
	 */
	do {
		ssize_t n = read(fd, buffer + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	} while (len < size && buffer[len - 1] != '\n');
	return (ssize_t)len;
}

static int read_all(const struct host *host, const char *path, char **ret_bytes,
		    size_t *ret_len)
{
	_cleanup_close_ int fd = open_file(host, NULL, path);
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0, room = 0, first_room = 16384;
	struct stat status;

	if (fd < 0)
		return fd;
	/* Its size is told of a file on a disk; /sys and /proc tell another, or none. */
	if (fstat(fd, &status) == 0 && status.st_size > 0 &&
	    status.st_size < HOST_FILE_MAX)
		first_room = (size_t)status.st_size + 2;
	for (;;) {
		ssize_t n;

		if (len + 1 >= room) {
			char *larger;

			room = room ? room * 2 : first_room;
			if (room > HOST_FILE_MAX)
				return -EFBIG;
			larger = realloc(bytes, room);
			if (!larger)
				return -ENOMEM;
			bytes = larger;
		}
		n = read(fd, bytes + len, room - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	bytes[len] = '\0';
	/* Thousands of small files may be kept. */
	*ret_bytes = realloc(bytes, len + 1);
	if (*ret_bytes)
		steal(bytes);
	else
		*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}

static ssize_t read_link(const struct host *host, const struct host_dir *dir,
			 const char *name, char *buffer, size_t size)
{
	ssize_t n;

	if (!dir)
		return rooted_readlink(host->root, name, buffer, size);
	n = readlinkat(dir->fd, name, buffer, size);
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	buffer[n] = '\0';
	return n;
}

/* The names of one answer of getdents64(2). Returns 0 or -ENOMEM. */
static int add_names(const char *bytes, size_t len, struct string_list *names)
{
	int r = 0;

	for (size_t at = 0; r == 0 && at < len;) {
		const struct dirent64 *entry = (const void *)(bytes + at);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = string_list_add(names, entry->d_name);
		at += entry->d_reclen;
	}
	return r;
}

/* Not by readdir(3): fdopendir() costs as much again, and each process's files are
 * listed. */
static int list(const struct host *host, const char *path, struct string_list *ret_names)
{
	_cleanup_close_ int fd = rooted_open(host->root, path, O_RDONLY | O_DIRECTORY, 0);
	_Alignas(struct dirent64) char bytes[16384];
	ssize_t n = 1;
	int r = 0;

	if (fd < 0)
		return fd;
	while (r == 0 && n > 0) {
		n = getdents64(fd, bytes, sizeof(bytes));
		if (n < 0)
			return -errno;
		r = add_names(bytes, (size_t)n, ret_names);
	}
	return r;
}

static int exists(const struct host *host, const char *path)
{
	_cleanup_close_ int fd = rooted_open(host->root, path, O_PATH, 0);

	return fd < 0 ? fd : 0;
}

static int open_dir(const struct host *host, const char *path, struct host_dir *ret_dir)
{
	int fd = rooted_open(host->root, path, O_PATH | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	*ret_dir = (struct host_dir){ .host = host, .fd = fd };
	return 0;
}

static void close_dir(struct host_dir *dir)
{
	close(dir->fd);
}

const struct host_backend host_files_backend = {
	.read = read_some,
	.read_all = read_all,
	.read_link = read_link,
	.list = list,
	.exists = exists,
	.open_dir = open_dir,
	.close_dir = close_dir,
};
