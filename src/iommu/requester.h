/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_REQUESTER_H
#define PCIFERRY_IOMMU_REQUESTER_H

/*
 * Under which requester IDs an IOMMU may see a function's DMA: its own, and those that
 * stand for it (pci_for_each_dma_alias() in drivers/pci/search.c). An alias that only an
 * IVRS names is not among them.
 */
#include <stdbool.h>
#include <stddef.h>

#include "pci/device.h"

enum { IOMMU_REQUESTERS_MAX = 8 };

struct iommu_requesters {
	struct pci_address items[IOMMU_REQUESTERS_MAX]; /* the first one is its own */
	size_t count;
};

/* What cannot be read of the bridges above adds none. */
void iommu_requesters_read(const struct host *host, const struct pci_device *device,
			   struct iommu_requesters *ret_requesters);

#endif
