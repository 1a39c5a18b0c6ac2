/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_FILE_H
#define PCIFERRY_CLI_FILE_H

/* Files that the user named, which are this machine's, not the host's. */
#include <stdbool.h>
#include <stddef.h>

struct error;

/*
 * Writes a file, whole or not at all: of mode 0600, or with for_all 0666, less the umask.
 * One that is there already is replaced only with force, and one that is no regular file
 * never. Returns 0 or -errno.
 */
int file_write(const char *path, const char *bytes, size_t len, bool force, bool for_all,
	       struct error *err);

/*
 * Reads what is open up to its end, or one byte more than max, where there is more. The
 * caller frees *ret_bytes. Returns 0 or -errno.
 */
int file_read_open(int fd, size_t max, char **ret_bytes, size_t *ret_len);

/*
 * Reads a file of at most max bytes; of a larger one, one byte more. The caller frees
 * *ret_bytes. Returns 0 or -errno.
 */
int file_read(const char *path, size_t max, char **ret_bytes, size_t *ret_len,
	      struct error *err);

/*
 * Where a file is, from the root and without links, for a program that runs elsewhere;
 * and whether it is a block device. The caller frees *ret_path. Returns 0 or -errno.
 */
int file_locate(const char *path, char **ret_path, bool *ret_is_block, struct error *err);

/* The same of a file that is to be made. -EEXIST: it is there. */
int file_locate_new(const char *path, char **ret_path, struct error *err);

/* Makes an empty file, for its owner alone. Returns 0, or -errno: -EEXIST. */
int file_reserve(const char *path, struct error *err);
/* Another name, not there yet, in its folder. Returns 0, or -errno: -EEXIST. */
int file_rename_new(const char *from, const char *to, struct error *err);
void file_remove(const char *path);

#endif
