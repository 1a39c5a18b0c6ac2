/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/reserve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Of five parts of a node's memory, how many may be huge pages. */
enum { MOST_FIFTHS = 4 };

int vm_reserves_of(const struct bootcfg_tab *tab, struct vm_reserve **ret_items,
		   size_t *ret_count)
{
	struct vm_reserve *items = calloc(tab->count + 1, sizeof(*items));
	size_t count = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < tab->count; i++) {
		const struct bootcfg_tab_entry *entry = &tab->lines[i].entry;

		if (!tab->lines[i].bad && entry->kind == TAB_PAGES)
			items[count++] =
				(struct vm_reserve){ entry->node, entry->page_kib,
						     entry->count };
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

int vm_reserves_read(const struct host *host, struct vm_reserve **ret_items,
		     size_t *ret_count)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	int r = bootcfg_tab_read(host, BOOTCFG_TAB, &tab);

	return r < 0 ? r : vm_reserves_of(&tab, ret_items, ret_count);
}

static unsigned int find_wanted(const struct vm_reserve *all, size_t count,
				unsigned int node, unsigned int kib)
{
	for (size_t i = 0; i < count; i++)
		if (all[i].node == node && all[i].kib == kib)
			return all[i].count;
	return 0;
}

unsigned int vm_reserved_by_tab(const struct host *host, unsigned int node,
				unsigned int kib)
{
	_cleanup_free_ struct vm_reserve *all = NULL;
	size_t count;

	return vm_reserves_read(host, &all, &count) < 0
		       ? 0
		       : find_wanted(all, count, node, kib);
}

const char *vm_page_text(unsigned int kib, char text[VM_PAGE_TEXT_SIZE])
{
	char size[BOOTCFG_PAGE_SIZE];
	size_t digits = strlen(bootcfg_page_size(kib, size)) - 1;

	snprintf(text, VM_PAGE_TEXT_SIZE, "%.*s %ciB", (int)digits, size, size[digits]);
	return text;
}

const char *vm_reserve_text(unsigned int count, unsigned int kib,
			    char text[VM_RESERVE_TEXT_SIZE])
{
	char size[VM_PAGE_TEXT_SIZE];

	snprintf(text, VM_RESERVE_TEXT_SIZE, "%u huge page%s of %s", count,
		 count == 1 ? "" : "s", vm_page_text(kib, size));
	return text;
}

/* What is there or is to be there of each size at one node. */
struct room {
	unsigned long long memory_kib, huge_kib;
	struct string_list lines; /* of what that is */
};

static void room_free(struct room *room)
{
	string_list_free(&room->lines);
}

/* "hugepages-2048kB"; 0: it is none. */
static unsigned int page_of(const char *name)
{
	unsigned int kib;
	int end = 0;

	return sscanf(name, "hugepages-%ukB%n", &kib, &end) == 1 && end && !name[end]
		       ? kib
		       : 0;
}

static int add_size(const struct host *host, unsigned int node, unsigned int kib,
		    unsigned int wanted, struct room *room)
{
	char text[VM_RESERVE_TEXT_SIZE];
	struct vm_pages pages;
	unsigned int most;

	if (vm_pages_read_of(host, node, kib, &pages) != FACT_KNOWN)
		return -ENODATA;
	most = pages.reserved > wanted ? (unsigned int)pages.reserved : wanted;
	room->huge_kib += (unsigned long long)most * kib;
	return most ? string_list_addf(&room->lines, "%s: %u wanted, %lld there",
				       vm_reserve_text(most, kib, text), wanted,
				       pages.reserved)
		    : 0;
}

/* -ENODATA: some of it could not be read. */
static int measure(const struct host *host, const char *above, unsigned int node,
		   const struct vm_reserve *all, size_t count, struct room *room)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[PATH_MAX + sizeof("/hugepages")];
	int r;

	if (vm_node_memory(host, node, &room->memory_kib) != FACT_KNOWN)
		return -ENODATA;
	snprintf(path, sizeof(path), "%s/hugepages", above);
	r = host_list(host, path, &names);
	if (r < 0)
		return r == -ENOMEM ? r : -ENODATA;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		unsigned int kib = page_of(names.items[i]);

		if (kib)
			r = add_size(host, node, kib, find_wanted(all, count, node, kib),
				     room);
	}
	return r;
}

static int refuse(const struct room *room, const char *subject, struct error *err)
{
	unsigned long long most_kib = room->memory_kib / 5 * MOST_FIFTHS;

	if (room->huge_kib <= most_kib)
		return 0;
	error_refuse(err, subject,
		     "%llu of its %llu MiB would be huge pages, more than four fifths",
		     room->huge_kib >> 10, room->memory_kib >> 10);
	for (size_t i = 0; i < room->lines.count; i++)
		error_evidence(err, "%s", room->lines.items[i]);
	error_hint(err,
		   "up to %llu MiB in all can be: without memory for itself a host does"
		   " not come up",
		   most_kib >> 10);
	return -EPERM;
}

int vm_reserve_check(const struct host *host, const struct vm_reserve *one,
		     const struct vm_reserve *all, size_t count, struct error *err)
{
	_cleanup_(room_free) struct room room = { 0 };
	char above[PATH_MAX], subject[32], size[BOOTCFG_PAGE_SIZE];
	struct vm_pages pages;
	enum fact fact;
	int r;

	snprintf(subject, sizeof(subject), "node %u", one->node);
	if (!vm_pages_folder(host, one->node, above)) {
		error_set(err, ENOENT, subject, "this host has no such NUMA node");
		error_hint(err, "ls /sys/devices/system/node shows those that it has");
		return -ENOENT;
	}
	fact = vm_pages_read_of(host, one->node, one->kib, &pages);
	if (fact == FACT_ABSENT) {
		error_set(err, ENOENT, subject, "there are no huge pages of %s here",
			  bootcfg_page_size(one->kib, size));
		error_hint(err, "ls /sys/kernel/mm/hugepages shows the sizes");
		return -ENOENT;
	}
	r = fact == FACT_KNOWN ? measure(host, above, one->node, all, count, &room)
			       : -ENODATA;
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0) {
		error_set(
			err, ENODATA, subject,
			"how much memory it has, or how much of it are huge pages, could"
			" not be read");
		error_hint(err, "pciferry has to see /proc and /sys of that host");
		return -ENODATA;
	}
	return refuse(&room, subject, err);
}

int vm_reserve_add_step(const struct host *host, const struct vm_reserve *one,
			struct change_steps *steps)
{
	char above[PATH_MAX], path[PATH_MAX + 64], value[16], purpose[96];
	char text[VM_RESERVE_TEXT_SIZE];
	/* It takes copies. */
	const struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.target = path,
		.value = value,
		.purpose = purpose,
	};

	vm_pages_folder(host, one->node, above);
	snprintf(path, sizeof(path), "%s/hugepages/hugepages-%ukB/nr_hugepages", above,
		 one->kib);
	snprintf(value, sizeof(value), "%u\n", one->count);
	snprintf(purpose, sizeof(purpose), "have %s at node %u",
		 vm_reserve_text(one->count, one->kib, text), one->node);
	return change_add(steps, &step);
}
