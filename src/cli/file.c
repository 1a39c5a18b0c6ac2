/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "base/error.h"

/* The folder of a path, for atomic_replace(); *ret_name is the rest. */
static int open_folder(const char *path, const char **ret_name, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	const char *slash = strrchr(path, '/');
	int fd;

	*ret_name = slash ? slash + 1 : path;
	folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!folder)
		return error_oom(err);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, folder, "%s", strerror(errno)) : fd;
}

/* What is no regular file is never replaced: /dev/null would be one then, for all. */
static int check_old(int folder, const char *name, const char *path, bool force,
		     struct error *err)
{
	struct stat old;

	if (fstatat(folder, name, &old, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT
			       ? 0
			       : error_set(err, errno, path, "%s", strerror(errno));
	if (!S_ISREG(old.st_mode)) {
		error_set(err, EEXIST, path, "it is there, and no regular file");
		error_hint(err, "choose another name: it is not replaced");
		return -EEXIST;
	}
	if (force)
		return 0;
	error_set(err, EEXIST, path, "it is there already");
	error_hint(err, "choose another name, or add --force");
	return -EEXIST;
}

int file_write(const char *path, const char *bytes, size_t len, bool force, bool for_all,
	       struct error *err)
{
	const mode_t masked = umask(0);
	_cleanup_close_ int folder = -1;
	const char *name;
	int r;

	umask(masked);
	folder = open_folder(path, &name, err);
	if (folder < 0)
		return folder;
	r = check_old(folder, name, path, force, err);
	if (r < 0)
		return r;
	r = atomic_replace(folder, name, bytes, len, (for_all ? 0666 : 0600) & ~masked,
			   ATOMIC_DURABLE);
	return r < 0 ? error_set(err, -r, path, "%s", strerror(-r)) : 0;
}

static int open_file(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	return steal_fd(&fd);
}

int file_read_open(int fd, size_t max, char **ret_bytes, size_t *ret_len)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0, room = 0;
	ssize_t n = 1;

	while (n != 0 && len <= max) {
		if (len == room) {
			char *larger;

			room = room ? 2 * room : 65536;
			room = room > max ? max + 1 : room;
			larger = realloc(bytes, room);
			if (!larger)
				return -ENOMEM;
			bytes = larger;
		}
		n = read(fd, bytes + len, room - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}

int file_read(const char *path, size_t max, char **ret_bytes, size_t *ret_len,
	      struct error *err)
{
	_cleanup_close_ int fd = open_file(path);
	int r = fd < 0 ? fd : file_read_open(fd, max, ret_bytes, ret_len);

	if (r < 0)
		return error_set(err, -r, path, "%s",
				 fd == -EINVAL ? "it is no file" : strerror(-r));
	return 0;
}

int file_locate(const char *path, char **ret_path, bool *ret_is_block, struct error *err)
{
	_cleanup_free_ char *full = realpath(path, NULL);
	struct stat status;

	if (!full || stat(full, &status) < 0)
		return error_set(err, errno, path, "%s", strerror(errno));
	*ret_is_block = S_ISBLK(status.st_mode);
	*ret_path = steal(full);
	return 0;
}

int file_locate_new(const char *path, char **ret_path, struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_cleanup_free_ char *typed = NULL, *folder = NULL;
	struct stat status;

	typed = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
	if (!typed)
		return error_oom(err);
	folder = realpath(typed, NULL);
	if (!folder)
		return error_set(err, errno, typed, "%s", strerror(errno));
	if (!*name)
		return error_set(err, EISDIR, path,
				 "it names a folder, not a file in it");
	if (lstat(path, &status) == 0)
		return error_set(err, EEXIST, path, "it is there already");
	if (asprintf(ret_path, "%s/%s", strcmp(folder, "/") != 0 ? folder : "", name) < 0)
		return error_oom(err);
	return 0;
}

int file_reserve(const char *path, struct error *err)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	int r = fd < 0 ? error_set(err, errno, path, "%s", strerror(errno)) : 0;

	if (r == -EEXIST)
		error_hint(err, "remove it, where it is left from a run that was killed");
	return r;
}

int file_rename_new(const char *from, const char *to, struct error *err)
{
	_cleanup_close_ int folder = -1;
	const char *name, *old = strrchr(from, '/');

	folder = open_folder(to, &name, err);
	if (folder < 0)
		return folder;
	old = old ? old + 1 : from;
	if (renameat2(folder, old, folder, name, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not every file system can tell; it was looked at before. */
	if (errno == EINVAL && renameat(folder, old, folder, name) == 0)
		return 0;
	return error_set(err, errno, to, "%s", strerror(errno));
}

void file_remove(const char *path)
{
	unlink(path);
}
