/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sound.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

static const struct host_tree_node *root_of(const struct host_tree *tree)
{
	const struct host_tree_node *root;

	must(host_tree_find(tree, NULL, "", true, &root) == 0);
	must(!root->parent && root->kind == TREE_DIRECTORY);
	return root;
}

/* Whatever is found is beneath the root, and above it are directories. */
static void check_found(const struct host_tree *tree, const struct host_tree_node *node)
{
	for (; node->parent; node = node->parent)
		must(node->parent->kind == TREE_DIRECTORY);
	must(node == root_of(tree));
}

void sound_path(const struct host_tree *tree, const char *path)
{
	const struct host_tree_node *node;

	if (host_tree_find(tree, NULL, path, false, &node) == 0)
		check_found(tree, node);
	if (host_tree_find(tree, NULL, path, true, &node) == 0) {
		check_found(tree, node);
		must(node->kind != TREE_LINK);
	}
}

static void check_content(const struct host_tree_node *node)
{
	switch (node->kind) {
	case TREE_FILE:
		must(node->bytes && node->bytes[node->len] == '\0');
		break;
	case TREE_LINK:
		/* The kernel makes none to nowhere (symlink(2), ENOENT). */
		must(node->bytes && strlen(node->bytes) == node->len && node->len);
		break;
	case TREE_ERROR:
		must(node->error > 0);
		break;
	default:
		break;
	}
	must(node->kind == TREE_DIRECTORY || !node->n_children);
	for (size_t i = 1; i < node->n_children; i++)
		must(strcmp(node->children[i - 1]->name, node->children[i]->name) < 0);
}

static int visit(const char *path, const struct host_tree_node *node, void *argument)
{
	const struct host_tree *tree = argument;
	const struct host_tree_node *found = NULL;
	unsigned int depth = 0;
	int r;

	must(node->name[0] && !strchr(node->name, '/'));
	must(strcmp(node->name, ".") != 0 && strcmp(node->name, "..") != 0);
	check_content(node);
	r = host_tree_find(tree, NULL, path, false, &found);
	must(node->kind == TREE_ERROR ? r == -node->error : r == 0 && found == node);
	for (found = node; found->parent; found = found->parent)
		must(++depth <= HOST_TREE_DEPTH_MAX);
	sound_path(tree, path);
	return 0;
}

void sound_tree(const struct host_tree *tree)
{
	check_content(root_of(tree));
	must(host_tree_walk(tree, visit, (void *)tree) == 0);
}
