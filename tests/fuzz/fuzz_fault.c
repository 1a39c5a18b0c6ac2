/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of the kernel's log that may tell of DMA that an IOMMU held back. */
#include "fuzz.h"

#include <inttypes.h>
#include <string.h>

#include "iommu/fault.h"

/* What was understood says the same when it is written as the kernel does. */
static void check_again(const struct iommu_fault *fault)
{
	char address[PCI_ADDRESS_SIZE], line[160];
	struct iommu_fault again;

	pci_address_format(&fault->requester, address);
	if (fault->has_domain)
		snprintf(line, sizeof(line),
			 "vfio-pci %s: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0011"
			 " address=0x%" PRIx64 " flags=0x0020]",
			 address, fault->address);
	else
		snprintf(line, sizeof(line),
			 "DMAR: [DMA Write NO_PASID] Request device [%s] fault addr"
			 " 0x%" PRIx64 " [fault reason 0x05] PTE",
			 strchr(address, ':') + 1, fault->address);
	must(iommu_fault_parse(line, strlen(line), &again) == 0);
	must(again.address == fault->address && again.has_domain == fault->has_domain);
	must(pci_address_compare(&again.requester, &fault->requester) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iommu_fault fault;

	if (iommu_fault_parse((const char *)data, size, &fault) == 0) {
		must(fault.has_domain || !fault.requester.domain);
		check_again(&fault);
	}
	return 0;
}
