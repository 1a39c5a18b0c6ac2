/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_PAGES_H
#define PCIFERRY_VM_PAGES_H

/* Huge pages that a host has reserved (Documentation/admin-guide/mm/hugetlbpage.rst). */
#include "host/host.h"

/* Of the host's default size, for which its /dev/hugepages is. */
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

/* How many nodes have memory of their own; 1 where the kernel knows of none. */
unsigned int vm_count_nodes(const struct host *host);

#endif
