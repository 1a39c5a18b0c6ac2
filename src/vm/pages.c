/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/pages.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NODES "sys/devices/system/node"

/* "Hugepagesize:    2048 kB" (hugetlb_report_meminfo(), mm/hugetlb.c) */
enum fact vm_pages_read_size(const struct host *host, unsigned int *ret_kib)
{
	uint64_t kib;
	enum fact fact =
		host_read_behind(host, "proc/meminfo", "\nHugepagesize:", 10, &kib);

	if (fact != FACT_KNOWN)
		return fact;
	*ret_kib = (unsigned int)kib;
	return *ret_kib ? FACT_KNOWN : FACT_UNREADABLE;
}

static enum fact read_count(const struct host *host, const char *above, unsigned int kib,
			    const char *name, long long *ret_count)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/hugepages/hugepages-%ukB/%s", above, kib, name);
	return host_read_number(host, path, ret_count);
}

bool vm_pages_folder(const struct host *host, unsigned int node, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, NODES "/node%u", node);
	if (host_exists(host, path))
		return true;
	snprintf(path, PATH_MAX, "sys/kernel/mm");
	return !node && !host_exists(host, NODES);
}

enum fact vm_pages_read_of(const struct host *host, unsigned int node, unsigned int kib,
			   struct vm_pages *ret_pages)
{
	struct vm_pages pages = { .kib = kib };
	char above[PATH_MAX];
	enum fact fact;

	if (!vm_pages_folder(host, node, above))
		return FACT_ABSENT;
	fact = read_count(host, above, kib, "nr_hugepages", &pages.reserved);
	if (fact == FACT_KNOWN)
		fact = read_count(host, above, kib, "free_hugepages", &pages.unused);
	if (fact == FACT_KNOWN)
		*ret_pages = pages;
	return fact;
}

enum fact vm_pages_read(const struct host *host, unsigned int node,
			struct vm_pages *ret_pages)
{
	unsigned int kib;
	enum fact fact = vm_pages_read_size(host, &kib);

	if (fact != FACT_KNOWN)
		return fact;
	fact = vm_pages_read_of(host, node, kib, ret_pages);
	return fact == FACT_ABSENT ? FACT_UNREADABLE : fact;
}

/* "Node 0 MemTotal:       65844708 kB" (node_read_meminfo(), drivers/base/node.c) */
enum fact vm_node_memory(const struct host *host, unsigned int node,
			 unsigned long long *ret_kib)
{
	char path[PATH_MAX];
	uint64_t kib;

	snprintf(path, sizeof(path), NODES "/node%u/meminfo", node);
	if (!host_exists(host, NODES))
		snprintf(path, sizeof(path), "proc/meminfo");
	if (host_read_behind(host, path, "MemTotal:", 10, &kib) != FACT_KNOWN)
		return FACT_UNREADABLE;
	*ret_kib = kib;
	return *ret_kib ? FACT_KNOWN : FACT_ABSENT;
}

unsigned int vm_count_nodes(const struct host *host)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	unsigned int count = 0;

	host_list(host, NODES, &names);
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];
		uint64_t number;

		count += !strncmp(name, "node", strlen("node")) &&
			 text_parse_number(name + strlen("node"), UINT_MAX, &number) == 0;
	}
	return count ? count : 1;
}
