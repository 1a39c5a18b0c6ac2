/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend for a recording: a tree in memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "host/tree.h"

static int find(const struct host *host, const struct host_dir *dir, const char *name,
		bool follow_last, const struct host_tree_node **ret_node)
{
	return host_tree_find(host->tree, dir ? dir->node : NULL, name,
			      follow_last && !dir, ret_node);
}

static int find_file(const struct host *host, const struct host_dir *dir,
		     const char *name, const struct host_tree_node **ret_node)
{
	int r = find(host, dir, name, true, ret_node);

	if (r < 0)
		return r;
	switch ((*ret_node)->kind) {
	case TREE_FILE:
		return 0;
	case TREE_LINK:
		return -ELOOP;
	case TREE_DIRECTORY:
		/* One that may not be read says so first. */
		return (*ret_node)->error ? -(*ret_node)->error : -EISDIR;
	default:
		return -ENODATA;
	}
}

static ssize_t read_some(const struct host *host, const struct host_dir *dir,
			 const char *name, char *buffer, size_t size)
{
	const struct host_tree_node *node;
	int r = find_file(host, dir, name, &node);
	size_t len;

	if (r < 0)
		return r;
	len = node->len < size ? node->len : size;
	memcpy(buffer, node->bytes, len);
	return (ssize_t)len;
}

static int read_all(const struct host *host, const char *path, char **ret_bytes,
		    size_t *ret_len)
{
	const struct host_tree_node *node;
	int r = find_file(host, NULL, path, &node);
	char *bytes;

	if (r < 0)
		return r;
	bytes = malloc(node->len + 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, node->bytes, node->len + 1);
	*ret_bytes = bytes;
	*ret_len = node->len;
	return 0;
}

static ssize_t read_link(const struct host *host, const struct host_dir *dir,
			 const char *name, char *buffer, size_t size)
{
	const struct host_tree_node *node;
	int r = find(host, dir, name, false, &node);

	if (r < 0)
		return r;
	if (node->kind != TREE_LINK)
		return node->kind == TREE_UNKNOWN ? -ENODATA : -EINVAL;
	if (node->len >= size)
		return -ENAMETOOLONG;
	memcpy(buffer, node->bytes, node->len + 1);
	return (ssize_t)node->len;
}

static int find_directory(const struct host *host, const char *path,
			  const struct host_tree_node **ret_node)
{
	int r = find(host, NULL, path, true, ret_node);

	if (r < 0 || (*ret_node)->kind == TREE_DIRECTORY)
		return r;
	return (*ret_node)->kind == TREE_UNKNOWN ? -ENODATA : -ENOTDIR;
}

static int list(const struct host *host, const char *path, struct string_list *ret_names)
{
	const struct host_tree_node *node;
	int r = find_directory(host, path, &node);

	if (r < 0)
		return r;
	if (!node->listed)
		return node->error ? -node->error : -ENODATA;
	for (size_t i = 0; r == 0 && i < node->n_children; i++)
		if (node->children[i]->kind != TREE_ERROR ||
		    node->children[i]->error != ENOENT)
			r = string_list_add(ret_names, node->children[i]->name);
	return r;
}

static int exists(const struct host *host, const char *path)
{
	const struct host_tree_node *node;

	return find(host, NULL, path, true, &node);
}

static int open_dir(const struct host *host, const char *path, struct host_dir *ret_dir)
{
	const struct host_tree_node *node;
	int r = find_directory(host, path, &node);

	if (r < 0)
		return r;
	*ret_dir = (struct host_dir){ .host = host, .fd = -1, .node = node };
	return 0;
}

static void close_dir(struct host_dir *dir)
{
	dir->node = NULL;
}

const struct host_backend host_tree_backend = {
	.read = read_some,
	.read_all = read_all,
	.read_link = read_link,
	.list = list,
	.exists = exists,
	.open_dir = open_dir,
	.close_dir = close_dir,
};
