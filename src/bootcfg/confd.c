/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/confd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct found {
	char *path;
	const char *name; /* in it */
	size_t folder;
};

struct all {
	struct found *items;
	size_t count, room;
};

static void all_free(struct all *all)
{
	for (size_t i = 0; i < all->count; i++)
		free(all->items[i].path);
	free(all->items);
}

const char *bootcfg_confd_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int add(struct all *all, const char *folder, size_t index, const char *name)
{
	struct found *item;

	if (all->count == all->room) {
		size_t room = all->room ? 2 * all->room : 32;
		struct found *larger = reallocarray(all->items, room, sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		all->items = larger;
		all->room = room;
	}
	item = &all->items[all->count];
	if (asprintf(&item->path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	item->name = bootcfg_confd_name(item->path);
	item->folder = index;
	all->count++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct found *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order)
		return order;
	return (left->folder > right->folder) - (left->folder < right->folder);
}

static int list_all(const struct host *host, const char *const *folders, struct all *all,
		    struct bootcfg_confd *confd)
{
	for (size_t i = 0; folders[i]; i++) {
		_cleanup_(string_list_free) struct string_list names = { 0 };
		int r = host_list(host, folders[i], &names);

		if (r == 0)
			confd->fact = FACT_KNOWN;
		else if (r == -ENOMEM)
			return r;
		else if (r != -ENOENT &&
			 string_list_add(&confd->unreadable, folders[i]) < 0)
			return -ENOMEM;
		for (size_t j = 0; j < names.count; j++)
			if (names.items[j][0] != '.' &&
			    add(all, folders[i], i, names.items[j]) < 0)
				return -ENOMEM;
	}
	return 0;
}

int bootcfg_confd_list(const struct host *host, const char *const *folders,
		       struct bootcfg_confd *ret_confd)
{
	_cleanup_(bootcfg_confd_free) struct bootcfg_confd confd = { 0 };
	_cleanup_(all_free) struct all all = { 0 };
	int r = list_all(host, folders, &all, &confd);

	if (r < 0)
		return r;
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare);
	for (size_t i = 0; r == 0 && i < all.count; i++)
		if (!i || strcmp(all.items[i - 1].name, all.items[i].name) != 0)
			r = string_list_add(&confd.paths, all.items[i].path);
	if (r < 0)
		return r;
	if (confd.fact == FACT_ABSENT && confd.unreadable.count)
		confd.fact = FACT_UNREADABLE;
	*ret_confd = confd;
	memset(&confd, 0, sizeof(confd));
	return 0;
}

void bootcfg_confd_free(struct bootcfg_confd *confd)
{
	if (!confd)
		return;
	string_list_free(&confd->paths);
	string_list_free(&confd->unreadable);
	memset(confd, 0, sizeof(*confd));
}
