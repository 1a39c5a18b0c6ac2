/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/pages.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NODES "sys/devices/system/node"

/* "Hugepagesize:    2048 kB" (hugetlb_report_meminfo(), mm/hugetlb.c) */
static enum fact read_size(const struct host *host, unsigned int *ret_kib)
{
	static const char word[] = "\nHugepagesize:";
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t len;

	if (host_read_file(host, "proc/meminfo", &text, &len) < 0)
		return FACT_UNREADABLE;
	line = strstr(text, word);
	if (!line)
		return FACT_ABSENT;
	*ret_kib = (unsigned int)strtoul(line + strlen(word), NULL, 10);
	return *ret_kib ? FACT_KNOWN : FACT_UNREADABLE;
}

static enum fact read_count(const struct host *host, const char *above, unsigned int kib,
			    const char *name, long long *ret_count)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/hugepages/hugepages-%ukB/%s", above, kib, name);
	return host_read_number(host, path, ret_count);
}

enum fact vm_pages_read(const struct host *host, unsigned int node,
			struct vm_pages *ret_pages)
{
	struct vm_pages pages = { 0 };
	char above[PATH_MAX];
	enum fact fact = read_size(host, &pages.kib);

	if (fact != FACT_KNOWN)
		return fact;
	snprintf(above, sizeof(above), NODES "/node%u", node);
	if (!host_exists(host, above))
		snprintf(above, sizeof(above), "sys/kernel/mm");
	if (read_count(host, above, pages.kib, "nr_hugepages", &pages.reserved) !=
		    FACT_KNOWN ||
	    read_count(host, above, pages.kib, "free_hugepages", &pages.unused) !=
		    FACT_KNOWN)
		return FACT_UNREADABLE;
	*ret_pages = pages;
	return FACT_KNOWN;
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
