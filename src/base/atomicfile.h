/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_ATOMICFILE_H
#define PCIFERRY_BASE_ATOMICFILE_H

#include <stddef.h>
#include <sys/types.h>

enum atomic_durability {
	ATOMIC_VOLATILE, /* whole or not at all for every reader; may be lost with the
			    power */
	ATOMIC_DURABLE,	 /* and synced, file and folder, before the call returns */
};

/*
 * Puts a file with these bytes in place of dir_fd/name, which is one path component: a
 * temporary file in the same folder, then rename(2). A reader sees the old file or the
 * new one, never a part. Returns 0 or -errno; then the old file is untouched.
 */
int atomic_replace(int dir_fd, const char *name, const void *bytes, size_t len,
		   mode_t mode, enum atomic_durability durability);

struct atomic_preparation {
	/*
	 * Gives the new file, open at fd, its owner, mode, times and attributes, which
	 * are not rename's to keep. Returns 0 or -errno.
	 */
	int (*prepare)(int fd, const void *argument);
	const void *argument;

	/*
	 * The temporary file's name, for one writer at a time, who finds it again after
	 * a crash. What has that name is removed.
	 */
	const char *temporary;
};

/* The same, prepared, and synced. */
int atomic_replace_prepared(int dir_fd, const char *name, const void *bytes, size_t len,
			    const struct atomic_preparation *preparation);

/*
 * Makes a file that is not there yet, for what counts only when all is complete. Its
 * bytes are on their way to the disk then, and there after file_sync(): many files are
 * made first and synced then, in the time of few. Both return 0 or -errno.
 */
int file_create(int dir_fd, const char *name, const void *bytes, size_t len, mode_t mode);
int file_sync(int dir_fd, const char *name);

/* Writes all bytes, over interruptions and short writes. Returns 0 or -errno. */
int write_all(int fd, const void *bytes, size_t len);

#endif
