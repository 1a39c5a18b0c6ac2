/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_USAGE_NODES_H
#define PCIFERRY_USAGE_NODES_H

/* The device nodes that lead to PCI functions: who holds one of them uses the function.
 */
#include "usage/internal.h"

struct usage_node {
	char *path;			 /* "/dev/dri/card0" */
	const char *name;		 /* what several are told as; NULL: the path */
	const struct pci_device *owner;	 /* whose node it is; NULL: a group's */
	const struct iommu_group *group; /* of "/dev/vfio/5" */
};

struct usage_nodes {
	struct usage_node *items; /* sorted by path, one for each owner */
	size_t count;
};

/* Returns 0 or -ENOMEM; to be freed either way. */
int usage_nodes_list(const struct usage_scan *scan, struct usage_nodes *nodes);
void usage_nodes_free(struct usage_nodes *nodes);
int usage_nodes_compare(const void *a, const void *b); /* by path */

#endif
