/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"

/* Of what is remembered. */
enum { MEMORY_MAX = 32 << 20 };

int change_keep_state(struct change *change, const char *device, const char *text,
		      struct error *err)
{
	char name[NAME_MAX + 1];
	int r;

	snprintf(name, sizeof(name), "%s.first", device);
	r = atomic_replace(change->run_dir, name, text, strlen(text), 0644,
			   ATOMIC_VOLATILE);
	if (r < 0) {
		error_set(err, -r, "/run/pciferry",
			  "what %s is like now cannot be kept: %s", device, strerror(-r));
		change_hint_at_run(-r, err);
	}
	return r;
}

int change_drop_state(struct change *change, const char *device)
{
	char name[NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s.first", device);
	return unlinkat(change->run_dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int change_read_state(const struct host *host, const char *device, char **ret_text)
{
	char path[NAME_MAX + 1];
	size_t len;

	snprintf(path, sizeof(path), "run/pciferry/%s.first", device);
	return host_read_file(host, path, ret_text, &len);
}

/* Of a folder that was only passed through: for fsync(2). A descriptor or -errno. */
static int open_for_real(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Everybody's to read, whatever the umask; and on the disk, as what comes in is. */
static int make_folder(int passed, const char *name)
{
	_cleanup_close_ int above = open_for_real(passed);
	_cleanup_close_ int fd = -1;

	if (above < 0)
		return above;

	if (mkdirat(above, name, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (fchmod(fd, 0755) < 0 && errno != EPERM) || fsync(above) < 0)
		return -errno;
	return 0;
}

/*
 * Each folder on the way is looked up from the root, so that a link leads where it does
 * on the host, and not out of it. Those that are there are passed through: a user may not
 * be allowed to read the folder that his own is in.
 */
int change_open_parent(const struct host *host, const char *path)
{
	int root = host_root_fd(host);
	int dir = rooted_open(root, "/", O_PATH | O_DIRECTORY, 0);
	const char *end;
	int fd;

	path += strspn(path, "/");
	for (const char *at = path; dir >= 0 && (end = strchr(at, '/')); at = end + 1) {
		_cleanup_close_ int above = dir;
		_cleanup_free_ char *until = strndup(path, (size_t)(end - path));
		_cleanup_free_ char *name = strndup(at, (size_t)(end - at));
		int r;

		if (!until || !name)
			return -ENOMEM;
		dir = rooted_open(root, until, O_PATH | O_DIRECTORY, 0);
		if (dir != -ENOENT)
			continue;
		r = make_folder(above, name);
		if (r < 0)
			return r;
		dir = rooted_open(root, until, O_PATH | O_DIRECTORY, 0);
	}
	if (dir < 0)
		return dir;
	fd = open_for_real(dir);
	close(dir);
	return fd;
}

int change_create_file(const struct host *host, const char *path, const void *bytes,
		       size_t len, struct error *err)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	_cleanup_close_ int dir = change_open_parent(host, path);
	int r;

	if (dir < 0)
		return error_set(err, -dir, path, "%s", strerror(-dir));
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	r = atomic_replace(dir, name, bytes, len, 0600, ATOMIC_DURABLE);
	return r < 0 ? error_set(err, -r, path, "%s", strerror(-r)) : 0;
}

static const char memory[] = "run/pciferry/images/";

int change_remember(const struct host *host, const char *name, const void *bytes,
		    size_t len)
{
	_cleanup_close_ int dir = -1;

	if (change_check_host(host, NULL) < 0)
		return -EROFS;
	dir = change_open_parent(host, memory);
	if (dir < 0)
		return dir;
	return atomic_replace(dir, name, bytes, len, 0600, ATOMIC_VOLATILE);
}

static bool is_roots(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == 0 &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH)) && st->st_size <= MEMORY_MAX;
}

int change_recall(const struct host *host, const char *name, char **ret_bytes,
		  size_t *ret_len)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int dir = -1;
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t n;

	if (change_check_host(host, NULL) < 0)
		return -EROFS;
	dir = rooted_open(host_root_fd(host), memory, O_PATH | O_DIRECTORY, 0);
	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!is_roots(&st))
		return -EPERM;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	n = read(fd, bytes, (size_t)st.st_size);
	if (n != st.st_size)
		return n < 0 ? -errno : -EIO;
	bytes[n] = '\0';
	*ret_bytes = steal(bytes);
	*ret_len = (size_t)n;
	return 0;
}
