/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_ARCHIVE_H
#define PCIFERRY_HOST_ARCHIVE_H

/* Archives of recordings, which may come from anybody. */
#include <stddef.h>

struct error;
struct host_tree;

enum {
	HOST_ARCHIVE_MEMBERS_MAX = 200000,
	HOST_ARCHIVE_TOTAL_MAX = 256 << 20, /* of all members; one: HOST_FILE_MAX */
};

/*
 * Parses an archive into a tree in memory; writes nothing. Refuses names that lead out of
 * the tree, members that are neither file, directory nor symbolic link, and more than the
 * limits. `name` is for messages. Returns 0, -EINVAL or -ENOMEM.
 */
int host_archive_parse(const char *name, const void *bytes, size_t len,
		       struct host_tree **ret_tree, struct error *err);

/* The member that says what an archive cannot, and its first line. */
extern const char host_index_path[], host_index_head[];

/* The word for an error in it: "EIO" for those that have none of their own. */
const char *host_index_error_name(int error);

/* Adds what it says. Returns 0, -EINVAL or -ENOMEM. */
int host_archive_parse_index(const char *text, size_t len, struct host_tree *tree);

#endif
