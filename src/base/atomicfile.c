/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/atomicfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int write_all(int fd, const void *bytes, size_t len)
{
	const char *next = bytes;

	while (len) {
		ssize_t n = write(fd, next, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		next += n;
		len -= (size_t)n;
	}
	return 0;
}

static int fill(int fd, const void *bytes, size_t len,
		const struct atomic_preparation *preparation,
		enum atomic_durability durability)
{
	int r = write_all(fd, bytes, len);

	if (r == 0)
		r = preparation->prepare(fd, preparation->argument);
	if (r < 0)
		return r;
	return durability == ATOMIC_DURABLE && fsync(fd) < 0 ? -errno : 0;
}

static int replace(int dir_fd, const char *name, const void *bytes, size_t len,
		   const struct atomic_preparation *preparation,
		   enum atomic_durability durability)
{
	const char *temporary = preparation->temporary;
	_cleanup_close_ int fd = -1;
	int r;

	/* What is there under this name is left from a process that died. */
	unlinkat(dir_fd, temporary, 0);
	fd = openat(dir_fd, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fill(fd, bytes, len, preparation, durability);
	if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dir_fd, temporary, 0);
		return r;
	}
	if (durability == ATOMIC_DURABLE && fsync(dir_fd) < 0)
		return -errno;
	return 0;
}

int atomic_replace_prepared(int dir_fd, const char *name, const void *bytes, size_t len,
			    const struct atomic_preparation *preparation)
{
	return replace(dir_fd, name, bytes, len, preparation, ATOMIC_DURABLE);
}

/* The mode that was asked for, whatever the umask. */
static int set_mode(int fd, const void *argument)
{
	return fchmod(fd, *(const mode_t *)argument) < 0 ? -errno : 0;
}

int atomic_replace(int dir_fd, const char *name, const void *bytes, size_t len,
		   mode_t mode, enum atomic_durability durability)
{
	char temporary[NAME_MAX + 1];
	struct atomic_preparation preparation = {
		.prepare = set_mode,
		.argument = &mode,
		.temporary = temporary,
	};
	int n = snprintf(temporary, sizeof(temporary), ".%s.%d.new", name, (int)getpid());

	if (n < 0 || (size_t)n >= sizeof(temporary))
		return -ENAMETOOLONG;
	return replace(dir_fd, name, bytes, len, &preparation, durability);
}

int file_create(int dir_fd, const char *name, const void *bytes, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = openat(
		dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r = fd < 0 ? -errno : write_all(fd, bytes, len);

	/* Without it each file's sync would wait for a turn of the disk of its own. */
	if (r == 0)
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return r;
}

int file_sync(int dir_fd, const char *name)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}
