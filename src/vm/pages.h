/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_PAGES_H
#define PCIFERRY_VM_PAGES_H

/* Huge pages that a host has reserved (Documentation/admin-guide/mm/hugetlbpage.rst). */
#include <limits.h>

#include "host/host.h"

/* Of one size; where none is said of the host's default, for which its /dev/hugepages is.
 */
struct vm_pages {
	unsigned int kib; /* of one page */
	long long reserved, unused;
};

/*
 * Of one node; of the whole host where its kernel knows of no nodes. FACT_ABSENT: the
 * kernel has no huge pages.
 */
enum fact vm_pages_read(const struct host *host, unsigned int node,
			struct vm_pages *ret_pages);

/* The default size. */
enum fact vm_pages_read_size(const struct host *host, unsigned int *ret_kib);

/* The same for pages of another size, in KiB; FACT_ABSENT: the kernel has none. */
enum fact vm_pages_read_of(const struct host *host, unsigned int node, unsigned int kib,
			   struct vm_pages *ret_pages);

/*
 * The folder above the node's "hugepages/hugepages-2048kB"; false: there is no such node.
 */
bool vm_pages_folder(const struct host *host, unsigned int node, char path[PATH_MAX]);

/* How much memory the node has, in KiB; FACT_ABSENT: its slots are empty. */
enum fact vm_node_memory(const struct host *host, unsigned int node,
			 unsigned long long *ret_kib);

/* With and without memory; 1 where the kernel knows of none. */
unsigned int vm_count_nodes(const struct host *host);

#endif
