/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_TREE_H
#define PCIFERRY_HOST_TREE_H

/*
 * A tree of files in memory: what a recording holds. Beside what was read it knows what
 * was not there, what could not be read, and what was never asked for, which is not the
 * same: of that it says -ENODATA.
 */
#include <stdbool.h>
#include <stddef.h>

#include "host/backend.h"

enum host_tree_kind {
	TREE_UNKNOWN,	/* it is there; nothing of it was read */
	TREE_DIRECTORY, /* children are what is known of it, or all when it is listed */
	TREE_FILE,
	TREE_LINK,
	TREE_ERROR, /* asking for it gave an error, such as ENOENT or EACCES */
};

struct host_tree_node {
	char *name;
	struct host_tree_node *parent; /* NULL: the root */
	enum host_tree_kind kind;
	int error;   /* of TREE_ERROR, positive */
	bool listed; /* of TREE_DIRECTORY: all that is in it is a child */
	char *bytes; /* of TREE_FILE, and, with a NUL behind, of TREE_LINK */
	size_t len;
	struct host_tree_node **children; /* sorted by name */
	size_t n_children;
};

enum { HOST_TREE_DEPTH_MAX = 64, HOST_TREE_NODES_MAX = 300000 };

/* NULL: out of memory. */
struct host_tree *host_tree_new(void);
void host_tree_free(struct host_tree *tree); /* takes NULL */

/*
 * Adds what is at a path of plain names, "sys/bus/pci", and the directories above it.
 * Takes a copy of the bytes. What is known already and says more is kept. Returns 0;
 * -EINVAL for a path that is not plain (absolute, empty, with "." or ".." or too deep)
 * and for a link without a target; -EEXIST where a directory would have to be something
 * else; -E2BIG for more nodes than HOST_TREE_NODES_MAX; or -ENOMEM.
 */
int host_tree_add(struct host_tree *tree, const char *path, enum host_tree_kind kind,
		  const void *bytes, size_t len);
int host_tree_add_error(struct host_tree *tree, const char *path, int error);
int host_tree_mark_listed(struct host_tree *tree, const char *path);

/*
 * Finds a node, through links, never out of the tree. from NULL: the root. *ret_node is
 * set on 0; else -errno as a kernel would say it, or -ENODATA.
 */
int host_tree_find(const struct host_tree *tree, const struct host_tree_node *from,
		   const char *path, bool follow_last,
		   const struct host_tree_node **ret_node);

/* Calls visit for each node but the root, parents first, with its path. Stops at < 0. */
int host_tree_walk(const struct host_tree *tree,
		   int (*visit)(const char *path, const struct host_tree_node *node,
				void *argument),
		   void *argument);

extern const struct host_backend host_tree_backend;

#endif
