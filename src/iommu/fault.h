/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_FAULT_H
#define PCIFERRY_IOMMU_FAULT_H

/*
 * What an IOMMU held back, as a line of the kernel's log tells it: dmar_fault_do_one() in
 * drivers/iommu/intel/dmar.c, amd_iommu_report_page_fault() in drivers/iommu/amd/iommu.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci/address.h"

struct iommu_fault {
	struct pci_address requester;
	bool has_domain;  /* false: the line does not tell it, and it is 0 */
	uint64_t address; /* of the DMA; VT-d tells its page */
	bool is_write;	  /* false: a read, or the line does not tell */
};

/* A line without its end. Returns 0, or -EINVAL: it tells of no DMA that was held back.
 */
int iommu_fault_parse(const char *text, size_t len, struct iommu_fault *ret_fault);

#endif
