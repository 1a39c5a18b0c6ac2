/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/tree.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINKS = 40 };

struct host_tree {
	struct host_tree_node root;
	size_t count;
	size_t moved; /* nodes, to make room between them */
};

/* Names in falling order move all that came before: minutes, for as many as may be. */
enum { MOVED_MAX = 1 << 30 };

struct host_tree *host_tree_new(void)
{
	struct host_tree *tree = calloc(1, sizeof(*tree));

	if (tree)
		tree->root.kind = TREE_DIRECTORY;
	return tree;
}

static void free_node(struct host_tree_node *node)
{
	for (size_t i = 0; i < node->n_children; i++) {
		free_node(node->children[i]);
		free(node->children[i]);
	}
	free(node->children);
	free(node->bytes);
	free(node->name);
}

void host_tree_free(struct host_tree *tree)
{
	if (!tree)
		return;
	free_node(&tree->root);
	free(tree);
}

/* Where a name is, or would be, among the children. */
static size_t child_index(const struct host_tree_node *node, const char *name, size_t len,
			  bool *ret_found)
{
	size_t low = 0, high = node->n_children;

	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *other = node->children[middle]->name;
		int order = strncmp(name, other, len);

		if (!order)
			order = other[len] ? -1 : 0;
		if (!order)
			*ret_found = true;
		if (order <= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static struct host_tree_node *find_child(const struct host_tree_node *node,
					 const char *name, size_t len)
{
	bool found;
	size_t at = child_index(node, name, len, &found);

	return found ? node->children[at] : NULL;
}

static int add_child(struct host_tree *tree, struct host_tree_node *node,
		     const char *name, size_t len, struct host_tree_node **ret_child)
{
	struct host_tree_node *child, **larger;
	bool found;
	size_t at = child_index(node, name, len, &found);

	if (found) {
		*ret_child = node->children[at];
		return 0;
	}
	tree->moved += node->n_children - at;
	if (tree->count >= HOST_TREE_NODES_MAX || tree->moved > MOVED_MAX)
		return -E2BIG;
	/* Room grows by doubling: whenever the count is a power of two. */
	if (!(node->n_children & (node->n_children - 1))) {
		larger = reallocarray(node->children,
				      node->n_children ? 2 * node->n_children : 1,
				      sizeof(struct host_tree_node *));
		if (!larger)
			return -ENOMEM;
		node->children = larger;
	}
	child = calloc(1, sizeof(*child));
	if (!child)
		return -ENOMEM;
	child->name = strndup(name, len);
	if (!child->name) {
		free(child);
		return -ENOMEM;
	}
	child->parent = node;
	memmove(node->children + at + 1, node->children + at,
		(node->n_children - at) * sizeof(struct host_tree_node *));
	node->children[at] = child;
	node->n_children++;
	tree->count++;
	*ret_child = child;
	return 0;
}

/* The next component; its length is 0 at the end. */
static const char *component(const char *path, size_t *ret_len)
{
	path += strspn(path, "/");
	*ret_len = strcspn(path, "/");
	return path;
}

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static bool is_plain(const char *path)
{
	unsigned int depth = 0;
	size_t len;

	if (*path == '/' || !*path || strlen(path) >= PATH_MAX)
		return false;
	for (const char *at = component(path, &len); len; at = component(at + len, &len))
		if (is_dots(at, len) || len > NAME_MAX || ++depth > HOST_TREE_DEPTH_MAX)
			return false;
	return depth > 0;
}

/* Makes the node at a plain path; those above become directories. */
static int make_node(struct host_tree *tree, const char *path,
		     struct host_tree_node **ret_node)
{
	struct host_tree_node *node = &tree->root;
	size_t len;
	int r;

	if (!is_plain(path))
		return -EINVAL;
	for (const char *at = component(path, &len); len;
	     at = component(at + len, &len)) {
		if (node->kind == TREE_FILE || node->kind == TREE_LINK)
			return -EEXIST;
		node->kind = TREE_DIRECTORY;
		r = add_child(tree, node, at, len, &node);
		if (r < 0)
			return r;
	}
	*ret_node = node;
	return 0;
}

/* Whether what is known of a node says more than what is to be added. */
static bool says_more(const struct host_tree_node *node, enum host_tree_kind kind,
		      size_t len)
{
	if (node->kind == TREE_UNKNOWN)
		return kind == TREE_UNKNOWN;
	if (node->kind == TREE_ERROR)
		return kind == TREE_ERROR || kind == TREE_UNKNOWN;
	if (node->kind == TREE_FILE && kind == TREE_FILE)
		return node->len >= len;
	return kind == node->kind || kind == TREE_UNKNOWN || kind == TREE_ERROR;
}

int host_tree_add(struct host_tree *tree, const char *path, enum host_tree_kind kind,
		  const void *bytes, size_t len)
{
	struct host_tree_node *node;
	char *copy = NULL;
	int r;

	/* From nowhere the rest of a path would go on at the root. */
	if (kind == TREE_LINK && !len)
		return -EINVAL;
	r = make_node(tree, path, &node);
	if (r < 0 || says_more(node, kind, len))
		return r;
	if (node->kind == TREE_DIRECTORY || node->kind == TREE_LINK ||
	    (node->kind == TREE_FILE && kind != TREE_FILE))
		return -EEXIST;
	if (kind == TREE_FILE || kind == TREE_LINK) {
		copy = malloc(len + 1);
		if (!copy)
			return -ENOMEM;
		if (len)
			memcpy(copy, bytes, len);
		copy[len] = '\0';
	}
	free(node->bytes);
	node->bytes = copy;
	node->len = len;
	node->kind = kind;
	return 0;
}

int host_tree_add_error(struct host_tree *tree, const char *path, int error)
{
	struct host_tree_node *node;
	int r = make_node(tree, path, &node);

	/* A directory that could not be listed may hold what could be read. */
	if (r < 0 || (node->kind != TREE_UNKNOWN && node->kind != TREE_DIRECTORY))
		return r == -EEXIST ? 0 : r;
	node->error = error;
	if (node->kind == TREE_UNKNOWN)
		node->kind = TREE_ERROR;
	return 0;
}

int host_tree_mark_listed(struct host_tree *tree, const char *path)
{
	struct host_tree_node *node;
	int r = make_node(tree, path, &node);

	if (r < 0)
		return r;
	if (node->kind == TREE_FILE || node->kind == TREE_LINK)
		return -EEXIST;
	node->kind = TREE_DIRECTORY;
	node->listed = true;
	return 0;
}

static int not_there(const struct host_tree_node *directory)
{
	return directory->listed ? -ENOENT : -ENODATA;
}

int host_tree_find(const struct host_tree *tree, const struct host_tree_node *from,
		   const char *path, bool follow_last,
		   const struct host_tree_node **ret_node)
{
	const struct host_tree_node *node = from ? from : &tree->root;
	char rest[PATH_MAX], joined[PATH_MAX];
	unsigned int links = 0;
	const char *name;
	size_t len;

	if (snprintf(rest, sizeof(rest), "%s", path) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	if (*path == '/')
		node = &tree->root;
	for (name = component(rest, &len); len;) {
		const struct host_tree_node *child;
		size_t unused;
		bool last = !*component(name + len, &unused);

		if (node->kind == TREE_UNKNOWN)
			return -ENODATA;
		if (node->kind != TREE_DIRECTORY)
			return -ENOTDIR;
		if (is_dots(name, len)) {
			if (len == 2 && node->parent)
				node = node->parent;
			name = component(name + len, &len);
			continue;
		}
		child = find_child(node, name, len);
		if (!child)
			return not_there(node);
		if (child->kind == TREE_ERROR)
			return -child->error;
		if (child->kind != TREE_LINK || (last && !follow_last)) {
			node = child;
			name = component(name + len, &len);
			continue;
		}
		if (++links > MAX_LINKS)
			return -ELOOP;
		if (snprintf(joined, sizeof(joined), "%s/%s", child->bytes, name + len) >=
		    (int)sizeof(joined))
			return -ENAMETOOLONG;
		if (joined[0] == '/')
			node = &tree->root;
		memcpy(rest, joined, sizeof(rest));
		name = component(rest, &len);
	}
	*ret_node = node;
	return 0;
}

static int walk_children(const struct host_tree_node *node, char *path, size_t len,
			 int (*visit)(const char *path, const struct host_tree_node *node,
				      void *argument),
			 void *argument)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < node->n_children; i++) {
		const struct host_tree_node *child = node->children[i];
		int n = snprintf(path + len, PATH_MAX - len, "%s%s", len ? "/" : "",
				 child->name);

		if (n < 0 || (size_t)n >= PATH_MAX - len)
			return -ENAMETOOLONG;
		r = visit(path, child, argument);
		if (r == 0)
			r = walk_children(child, path, len + (size_t)n, visit, argument);
		path[len] = '\0';
	}
	return r;
}

int host_tree_walk(const struct host_tree *tree,
		   int (*visit)(const char *path, const struct host_tree_node *node,
				void *argument),
		   void *argument)
{
	char path[PATH_MAX] = "";

	return walk_children(&tree->root, path, 0, visit, argument);
}
