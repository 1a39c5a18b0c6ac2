/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_BACKEND_H
#define PCIFERRY_HOST_BACKEND_H

/*
 * Where a host's files come from. Each backend answers as the system calls do: 0 or a
 * count, or -errno. -ENODATA is what a recording says of what it does not hold.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "host/host.h"

struct host_backend {
	/*
	 * At most size bytes of a file; as many as size means that there may be more.
	 * With a directory, name is one component of it and is not followed; without
	 * (NULL), a path beneath the root.
	 */
	ssize_t (*read)(const struct host *host, const struct host_dir *dir,
			const char *name, char *buffer, size_t size);

	/* All of it, with a NUL behind; the caller frees it. */
	int (*read_all)(const struct host *host, const char *path, char **ret_bytes,
			size_t *ret_len);

	/* Where a link points; with its NUL at most size bytes, or -ENAMETOOLONG. */
	ssize_t (*read_link)(const struct host *host, const struct host_dir *dir,
			     const char *name, char *buffer, size_t size);

	/* Adds the names in a directory, in any order. */
	int (*list)(const struct host *host, const char *path,
		    struct string_list *ret_names);
	int (*exists)(const struct host *host, const char *path);
	int (*open_dir)(const struct host *host, const char *path,
			struct host_dir *ret_dir);
	void (*close_dir)(struct host_dir *dir);
};

struct host_recording;
struct host_tree;

struct host {
	const struct host_backend *backend;
	char *name;
	int root;			  /* -1: an archive has none */
	bool live;			  /* it is this machine */
	bool writable;			  /* its files may be changed */
	bool sysfs;			  /* its sys/bus is the kernel's, not a copy */
	struct host_recording *recording; /* NULL: nothing is recorded */
	struct host_tree *tree;		  /* of an archive */
};

/* Files beneath a root directory. */
extern const struct host_backend host_files_backend;

#endif
