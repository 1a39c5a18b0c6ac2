/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Block devices that have another beneath them without being its holder: a loop device
 * (drivers/block/loop.c, loop_attr_backing_file_show) and what zram writes back to
 * (drivers/block/zram/zram_drv.c, backing_dev_show).
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "usage/block.h"

/* The attribute that names what is beneath; NULL: it is of neither kind. */
static const char *attribute_of(const char *name)
{
	unsigned int number;
	char rest;

	if (sscanf(name, "loop%u%c", &number, &rest) == 1)
		return "loop/backing_file";
	return sscanf(name, "zram%u%c", &number, &rest) == 1 ? "backing_dev" : NULL;
}

int block_backing_read(const struct host *host, const struct string_list *names,
		       struct block_backing *ret_backing)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->count; i++) {
		const char *name = names->items[i], *attribute = attribute_of(name);
		char path[PATH_MAX], beneath[HOST_ATTRIBUTE_MAX];
		enum fact fact;

		if (!attribute)
			continue;
		snprintf(path, sizeof(path), "sys/class/block/%s/%s", name, attribute);
		fact = host_read(host, path, beneath, sizeof(beneath));
		if (fact == FACT_UNREADABLE)
			r = string_list_add(&ret_backing->unread, name);
		/* A loop device that is not set up has none; zram without says "none". */
		if (fact != FACT_KNOWN || beneath[0] != '/')
			continue;
		r = string_list_add(&ret_backing->pairs, name);
		if (r == 0)
			r = string_list_add(&ret_backing->pairs, beneath);
	}
	return r;
}

void block_backing_free(struct block_backing *backing)
{
	string_list_free(&backing->pairs);
	string_list_free(&backing->unread);
}

/*
 * Whether a file's path is a node of this name. It is "/dev/sda" unless the /dev that it
 * was opened in is another's or, of the initial RAM disk, not mounted any more: then the
 * kernel gives the path within it (fs/d_path.c, prepend_path). udev's links are resolved.
 */
static bool is_node(const char *path, const char *name)
{
	static const char deleted[] = " (deleted)";
	size_t len = strlen(path), n = strlen(name);
	const char *end = path + len;

	if (len > strlen(deleted) && !strcmp(end - strlen(deleted), deleted))
		end -= strlen(deleted);
	if ((size_t)(end - path) <= n || !block_is_name(name, end - n, n))
		return false;
	end -= n;
	return end == path + 1 || (end - path >= 5 && !strncmp(end - 5, "/dev/", 5));
}

bool block_is_beneath(const struct block_backing *backing, size_t pair, const char *name)
{
	return is_node(backing->pairs.items[2 * pair + 1], name);
}
