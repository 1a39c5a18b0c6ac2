/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_RESERVED_H
#define PCIFERRY_IOMMU_RESERVED_H

/*
 * Memory that a function must go on reaching at the addresses that the firmware gave it,
 * and addresses that a group cannot use: what the firmware's table says of a function,
 * and what the kernel made of it for a group. Addresses are in bytes, `end` is the last
 * one.
 */
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"

struct iommu_firmware;
struct pci_node;
struct pci_topology;

/*
 * The n-th range, from 0, that an RMRR or IVMD names the function for. FACT_ABSENT: there
 * are no more. FACT_UNREADABLE: there may be more, for the table could not be read, or
 * not to its end.
 */
enum fact iommu_firmware_memory(const struct iommu_firmware *firmware,
				const struct pci_topology *topology,
				const struct pci_node *node, size_t n,
				uint64_t *ret_start, uint64_t *ret_end);

/* A line of a group's reserved_regions. */
struct iommu_reserved {
	uint64_t start, end;
	char type[24]; /* "direct", "direct-relaxable", "msi", "reserved" */
};

/* Parses the attribute. The caller frees *ret_regions. Returns 0, -EINVAL or -ENOMEM. */
int iommu_reserved_parse(const char *text, size_t len,
			 struct iommu_reserved **ret_regions, size_t *ret_count);

/* Since Linux 4.11. The caller frees *ret_regions. */
enum fact iommu_reserved_read(const struct host *host, unsigned int group,
			      struct iommu_reserved **ret_regions, size_t *ret_count);

#endif
