/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int tree_setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -1;
	snprintf(tree->path, sizeof(tree->path), "/tmp/pciferry-test-XXXXXX");
	if (!mkdtemp(tree->path))
		return -1;
	tree->fd = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = tree;
	return tree->fd < 0 ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int tree_teardown(void **state)
{
	struct tree *tree = *state;
	int r = nftw(tree->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);

	close(tree->fd);
	free(tree);
	return r;
}

static void make_above(const struct tree *tree, const char *path)
{
	char above[512];

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(above, sizeof(above), "%.*s", (int)(at - path), path);
		assert_true(mkdirat(tree->fd, above, 0755) == 0 || errno == EEXIST);
	}
}

void tree_bytes(const struct tree *tree, const char *path, const void *bytes, size_t len)
{
	int fd;

	make_above(tree, path);
	fd = openat(tree->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

void tree_file(const struct tree *tree, const char *path, const char *text)
{
	tree_bytes(tree, path, text, strlen(text));
}

void tree_link(const struct tree *tree, const char *path, const char *target)
{
	make_above(tree, path);
	assert_int_equal(symlinkat(target, tree->fd, path), 0);
}

void tree_folder(const struct tree *tree, const char *path)
{
	make_above(tree, path);
	assert_true(mkdirat(tree->fd, path, 0755) == 0 || errno == EEXIST);
}

void tree_place(const struct tree *tree, const char *place)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "sys/devices/%s", place);
	tree_folder(tree, path);
	snprintf(path, sizeof(path), "sys/bus/pci/devices%s", strrchr(place, '/'));
	snprintf(target, sizeof(target), "../../../devices/%s", place);
	tree_link(tree, path, target);
}

void tree_function(const struct tree *tree, const char *address, const char *modalias,
		   const char *driver, const char *group)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", address);
	snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s", address);
	tree_link(tree, path, target);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/modalias", address);
	tree_file(tree, path, modalias);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/driver_override",
		 address);
	tree_file(tree, path, "(null)\n");
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/driver", address);
	snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s",
		 driver ? driver : "");
	if (driver)
		tree_link(tree, path, target);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/iommu_group", address);
	snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%s",
		 group ? group : "");
	if (group)
		tree_link(tree, path, target);
}
