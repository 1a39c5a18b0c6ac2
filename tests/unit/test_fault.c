/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the kernel's log that tell of DMA that an IOMMU held back. */
#include "tree.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "iommu/fault.h"

static void each_kernels_line_of_a_fault_is_understood(void **state)
{
	static const struct {
		const char *line;
		const char *requester;
		bool has_domain;
		uint64_t address;
		bool is_write;
	} lines[] = {
		{ "DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr "
		  "0x8c85000"
		  " [fault reason 0x05] PTE Write access is not set",
		  "03:00.0", false, 0x8c85000, true },
		{ "DMAR: [DMA Read PASID 0x1f] Request device [82:1f.7] fault addr"
		  " 0xffff8c85000 [fault reason 0x06] PTE Read access is not set",
		  "82:1f.7", false, 0xffff8c85000, false },
		/* Older ones. */
		{ "DMAR: [DMA Write] Request device [01:00.0] PASID ffffffff fault addr"
		  " 8c85000 [fault reason 05] PTE Write access is not set",
		  "01:00.0", false, 0x8c85000, true },
		{ "DMAR: [DMA Write] Request device [01:00.0] fault addr 8c85000"
		  " [fault reason 05] PTE Write access is not set",
		  "01:00.0", false, 0x8c85000, true },
		{ "DMAR:[DMA Write] Request device [00:02.0] fault addr 6df084000 ",
		  "00:02.0", false, 0x6df084000, true },
		{ "vfio-pci 0000:03:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT "
		  "domain=0x0011"
		  " address=0x8c85080 flags=0x0020]",
		  "03:00.0", true, 0x8c85080, true },
		{ "vfio-pci 10000:e1:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT"
		  " domain=0x0011 address=0x0 flags=0x0020]",
		  "10000:e1:00.0", true, 0, true },
		{ "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:0a:00.0 domain=0x001d"
		  " address=0x637c000 flags=0x0000]",
		  "0a:00.0", true, 0x637c000, false },
		{ "AMD-Vi: Event logged [IO_PAGE_FAULT device=0a:00.0 domain=0x001d"
		  " address=0x000000000637c000 flags=0x0000]",
		  "0a:00.0", false, 0x637c000, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct pci_address expected;
		struct iommu_fault fault;

		if (iommu_fault_parse(lines[i].line, strlen(lines[i].line), &fault) != 0)
			fail_msg("not understood: %s", lines[i].line);
		assert_int_equal(pci_address_parse(lines[i].requester, &expected), 0);
		assert_int_equal(pci_address_compare(&fault.requester, &expected), 0);
		assert_int_equal(fault.has_domain, lines[i].has_domain);
		assert_int_equal(fault.address, lines[i].address);
		assert_int_equal(fault.is_write, lines[i].is_write);
	}
}

static void another_line_is_no_fault(void **state)
{
	static const char *const lines[] = {
		"",
		"DMAR: DRHD: handling fault status reg 2",
		"DMAR: [INTR-REMAP] Request device [03:00.0] fault index 0x1f"
		" [fault reason 0x22] Present field in the IRTE entry is clear",
		"DMAR: [DMA Write NO_PASID] Request device [03:00.0",
		"DMAR: [DMA Write NO_PASID] Request device [03:00] fault addr 0x1000 ",
		"DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr ",
		"DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr x ",
		"DMAR: Request device [03:00.0] fault addr 0x11112222333344445 ",
		"usb 1-1: Product: [DMA Write] Request device [03:00.0] fault addr 0x1000",
		"AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000e address=0x0 flags=0x0]",
		"AMD-Vi: Event logged [IO_PAGE_FAULT device=zz address=0x0 flags=0x0]",
		"AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=0a:00.0 address=0x1000]",
		"vfio-pci 0000:03:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT "
		"domain=0x0011]",
		"[IO_PAGE_FAULT address=0x1000 ] vfio-pci 0000:03:00.0: AMD-Vi: ",
		"vfio-pci 0000:03:00.0: Unable to change power state",
	};
	struct iommu_fault fault;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (iommu_fault_parse(lines[i], strlen(lines[i]), &fault) != -EINVAL)
			fail_msg("taken: %s", lines[i]);
	/* The bytes behind its end are not read. */
	assert_int_equal(iommu_fault_parse("DMAR: [DMA Write] Request device [03:00.0]"
					   " fault addr 0x1000",
					   30, &fault),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kernels_line_of_a_fault_is_understood),
		cmocka_unit_test(another_line_is_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
