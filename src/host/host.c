/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "base/text.h"

struct host {
	int root;
	bool live;
	bool sysfs; /* its sys/bus is the kernel's, not a copy */
	char *name;
};

static bool is_sysfs(int root)
{
	_cleanup_close_ int fd = rooted_open(root, "sys/bus", O_PATH, 0);
	struct statfs fs;

	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == SYSFS_MAGIC;
}

static int open_host(const char *path, const char *name, bool live,
		     struct host **ret_host, struct error *err)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return error_oom(err);
	host->live = live;
	host->name = strdup(name);
	host->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!host->name || host->root < 0) {
		int code = host->name ? errno : ENOMEM;

		host_free(host);
		return error_set(err, code, path, "%s", strerror(code));
	}
	host->sysfs = is_sysfs(host->root);
	*ret_host = host;
	return 0;
}

int host_open_live(struct host **ret_host, struct error *err)
{
	return open_host("/", "this host", true, ret_host, err);
}

int host_open_directory(const char *path, struct host **ret_host, struct error *err)
{
	struct host *host = NULL;
	int r;

	r = open_host(path, path, false, &host, err);
	if (r < 0) {
		error_hint(err,
			   "--host takes a directory that holds a copy of a host's /sys");
		return r;
	}
	if (!host_exists(host, "sys/bus/pci/devices")) {
		host_free(host);
		r = error_set(err, ENOENT, path,
			      "not a host: it has no sys/bus/pci/devices");
		error_hint(err,
			   "--host takes a directory that holds a copy of a host's /sys");
		return r;
	}
	*ret_host = host;
	return 0;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	if (host->root >= 0)
		close(host->root);
	free(host->name);
	free(host);
}

bool host_is_live(const struct host *host)
{
	return host->live;
}

bool host_reads_may_hang(const struct host *host)
{
	return host->sysfs;
}

const char *host_name(const struct host *host)
{
	return host->name;
}

int host_root_fd(const struct host *host)
{
	return host->root;
}

static enum fact fact_of_errno(int code)
{
	return code == ENOENT || code == ENOTDIR ? FACT_ABSENT : FACT_UNREADABLE;
}

/* Takes the descriptor, or a negative errno in its place. */
static enum fact read_attribute(int owned, char *buffer, size_t size)
{
	_cleanup_close_ int fd = owned;
	size_t len = 0;

	buffer[0] = '\0';
	if (fd < 0)
		return fact_of_errno(-fd);
	/* One read gets a whole sysfs attribute; a further one only when that filled it.
	 */
	do {
		ssize_t n = read(fd, buffer + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			buffer[0] = '\0';
			return FACT_UNREADABLE;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	} while (len < size && buffer[len - 1] != '\n');
	if (len == size) {
		buffer[0] = '\0';
		return FACT_UNREADABLE;
	}
	buffer[len] = '\0';
	text_trim_end(buffer);
	return FACT_KNOWN;
}

enum fact host_read(const struct host *host, const char *path, char *buffer, size_t size)
{
	return read_attribute(rooted_open(host->root, path, O_RDONLY | O_NONBLOCK, 0),
			      buffer, size);
}

enum fact host_read_number(const struct host *host, const char *path,
			   long long *ret_value)
{
	char text[64], *end;
	enum fact fact = host_read(host, path, text, sizeof(text));
	long long value;

	if (fact != FACT_KNOWN)
		return fact;
	errno = 0;
	value = strtoll(text, &end, 0);
	if (errno || end == text || *end)
		return FACT_UNREADABLE;
	*ret_value = value;
	return FACT_KNOWN;
}

int host_read_file(const struct host *host, const char *path, char **ret_bytes,
		   size_t *ret_len)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0, room = 0;

	fd = rooted_open(host->root, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	for (;;) {
		ssize_t n;

		if (len + 1 >= room) {
			char *larger;

			room = room ? room * 2 : 16384;
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
	*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}

int host_read_made(const struct host *host, const char *path,
		   int (*make)(char **ret_bytes, size_t *ret_len), char **ret_bytes,
		   size_t *ret_len)
{
	return host->live ? make(ret_bytes, ret_len)
			  : host_read_file(host, path, ret_bytes, ret_len);
}

static enum fact keep_last_component(char *buffer)
{
	const char *last = strrchr(buffer, '/');

	if (last)
		memmove(buffer, last + 1, strlen(last + 1) + 1);
	return buffer[0] ? FACT_KNOWN : FACT_UNREADABLE;
}

enum fact host_link_target(const struct host *host, const char *path, char *buffer,
			   size_t size)
{
	ssize_t n = rooted_readlink(host->root, path, buffer, size);

	if (n < 0) {
		buffer[0] = '\0';
		return fact_of_errno((int)-n);
	}
	return FACT_KNOWN;
}

enum fact host_link_name(const struct host *host, const char *path, char *buffer,
			 size_t size)
{
	char target[PATH_MAX];
	enum fact fact = host_link_target(host, path, target, sizeof(target));

	buffer[0] = '\0';
	if (fact != FACT_KNOWN)
		return fact;
	if (keep_last_component(target) != FACT_KNOWN || strlen(target) >= size)
		return FACT_UNREADABLE;
	memcpy(buffer, target, strlen(target) + 1);
	return FACT_KNOWN;
}

bool host_exists(const struct host *host, const char *path)
{
	_cleanup_close_ int fd = rooted_open(host->root, path, O_PATH, 0);

	return fd >= 0;
}

int host_list(const struct host *host, const char *path, struct string_list *ret_names)
{
	int fd = rooted_open(host->root, path, O_RDONLY | O_DIRECTORY, 0);
	const struct dirent *entry;
	int r = 0;
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while (r == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			r = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = string_list_add(ret_names, entry->d_name);
	}
	closedir(dir);
	string_list_sort(ret_names);
	return r;
}

int host_dir_open(const struct host *host, const char *path)
{
	return rooted_open(host->root, path, O_PATH | O_DIRECTORY, 0);
}

enum fact host_dir_read(int dir, const char *name, char *buffer, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return read_attribute(fd < 0 ? -errno : fd, buffer, size);
}

enum fact host_dir_link_name(int dir, const char *name, char *buffer, size_t size)
{
	ssize_t n = readlinkat(dir, name, buffer, size);

	if (n < 0) {
		buffer[0] = '\0';
		return fact_of_errno(errno);
	}
	if ((size_t)n >= size) {
		buffer[0] = '\0';
		return FACT_UNREADABLE;
	}
	buffer[n] = '\0';
	return keep_last_component(buffer);
}

void host_dir_close(int dir)
{
	close(dir);
}
