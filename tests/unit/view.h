/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_VIEW_H
#define PCIFERRY_TESTS_VIEW_H

/* A made host, read as far as the IOMMU goes. Everything in here asserts that it worked.
 */
#include "iommu/registered.h"
#include "iommu/units.h"
#include "pci/topology.h"

struct tree;

struct view {
	struct host *host;
	struct pci_devices devices;
	struct pci_topology topology;
	struct iommu_firmware firmware;
	struct iommu_registered registered;
};

/*
 * Two root ports; behind 00:1c.4 a switch, whose buses the kernel numbered anew; a
 * virtual function; a disk behind VMD; a second segment.
 */
void view_machine(const struct tree *tree);

void view_open(struct view *view, const struct tree *tree);
void view_close(struct view *view);

const struct pci_node *view_node(const struct view *view, const char *text);

/* What is said of a function; the numbers are 0 where none are. */
void view_has_unit(const struct view *view, const char *text, enum fact fact,
		   uint64_t base);
void view_has_memory(const struct view *view, const char *text, size_t n, enum fact fact,
		     uint64_t start, uint64_t end);

#endif
