/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/quirks.h"

#include <stddef.h>

#include "base/cleanup.h"

struct range {
	uint16_t vendor_id, first, last;
	enum iommu_quirk quirk;
};

/* The first that fits counts. */
static const struct range ranges[] = {
	/* Intel PCH root ports (pci_quirk_intel_pch_acs_ids): Ibex Peak, Cougar Point,
	 * Panther Point, Patsburg, Lynx Point, Lynx Point LP, Wildcat Point, Wellsburg.
	 */
	{ 0x8086, 0x3b42, 0x3b51, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x1c10, 0x1c1f, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x1e10, 0x1e1f, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x1d10, 0x1d1e, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x8c10, 0x8c1f, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x8c90, 0x8c9e, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x9c10, 0x9c1b, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x9c90, 0x9c9b, QUIRK_ROOT_PORT_ISOLATES },
	{ 0x8086, 0x8d10, 0x8d1e, QUIRK_ROOT_PORT_ISOLATES },
	/* Intel NICs (pci_quirk_mf_endpoint_acs): 82598, 82599, X520, 82575, 82576,
	 * 82580, I350, 82571, I219. */
	{ 0x8086, 0x10a7, 0x10a7, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10a9, 0x10a9, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10c6, 0x10c6, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10c9, 0x10c9, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10d6, 0x10d6, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10d9, 0x10d9, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10db, 0x10db, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10dd, 0x10dd, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10e1, 0x10e1, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10e6, 0x10e8, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10f1, 0x10f1, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x10f7, 0x10fc, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x105e, 0x1060, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1507, 0x1507, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1509, 0x150a, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x150d, 0x1511, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1514, 0x1514, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1516, 0x1516, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1518, 0x1518, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x151c, 0x151c, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1521, 0x1524, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1526, 0x1527, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1529, 0x152a, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x154d, 0x154d, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x154f, 0x154f, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1551, 0x1551, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x1558, 0x1558, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x8086, 0x15b7, 0x15b8, QUIRK_FUNCTIONS_ISOLATE },
	/* Solarflare and Emulex NICs. */
	{ 0x1924, 0x0903, 0x0903, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x1924, 0x0923, 0x0923, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x1924, 0x0a03, 0x0a03, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x19a2, 0x0710, 0x0710, QUIRK_FUNCTIONS_ISOLATE },
	{ 0x10df, 0x0720, 0x0720, QUIRK_FUNCTIONS_ISOLATE },
	/* AMD southbridges (pci_quirk_amd_sb_acs). */
	{ 0x1002, 0x4383, 0x4385, QUIRK_SOUTHBRIDGE },
	{ 0x1002, 0x4399, 0x4399, QUIRK_SOUTHBRIDGE },
	{ 0x1002, 0x439c, 0x439d, QUIRK_SOUTHBRIDGE },
	{ 0x1022, 0x7809, 0x7809, QUIRK_SOUTHBRIDGE },
	{ 0x1022, 0x780f, 0x780f, QUIRK_SOUTHBRIDGE },
	/* Vendors with rules that are not carried: Broadcom, Cavium, AMCC, Ampere,
	 * Annapurna Labs, Zhaoxin, NXP, Qualcomm, Loongson, Wangxun, HXT; and the AST1150
	 * bridge, which has an alias or none by the kernel's version. */
	{ 0x14e4, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x177d, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x10e8, 0xe004, 0xe004, QUIRK_UNCERTAIN },
	{ 0x1def, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x1c36, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x1d17, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x1957, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x17cb, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x0014, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x8088, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x1dbf, 0x0000, 0xffff, QUIRK_UNCERTAIN },
	{ 0x1a03, 0x1150, 0x1150, QUIRK_UNCERTAIN },
};

enum iommu_quirk iommu_find_quirk(uint16_t vendor_id, uint16_t device_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (ranges[i].vendor_id == vendor_id && device_id >= ranges[i].first &&
		    device_id <= ranges[i].last)
			return ranges[i].quirk;
	return QUIRK_NONE;
}

static const struct alias {
	uint16_t vendor_id, device_id;
	int function;
} aliases[] = {
	/* Ricoh, Glenfly: quirk_dma_func0_alias. */
	{ 0x1180, 0xe832, 0 },
	{ 0x1180, 0xe476, 0 },
	{ 0x6766, 0x3d40, 0 },
	{ 0x6766, 0x3d41, 0 },
	/* Marvell SATA, HighPoint, JMicron, Lite-On: quirk_dma_func1_alias. */
	{ 0x1b4b, 0x9120, 1 },
	{ 0x1b4b, 0x9123, 1 },
	{ 0x1b4b, 0x9125, 1 },
	{ 0x1b4b, 0x9128, 1 },
	{ 0x1b4b, 0x9130, 1 },
	{ 0x1b4b, 0x9170, 1 },
	{ 0x1b4b, 0x9172, 1 },
	{ 0x1b4b, 0x917a, 1 },
	{ 0x1b4b, 0x9182, 1 },
	{ 0x1b4b, 0x9183, 1 },
	{ 0x1b4b, 0x91a0, 1 },
	{ 0x1b4b, 0x9215, 1 },
	{ 0x1b4b, 0x9220, 1 },
	{ 0x1b4b, 0x9230, 1 },
	{ 0x1b4b, 0x9235, 1 },
	{ 0x1103, 0x0642, 1 },
	{ 0x1103, 0x0645, 1 },
	{ 0x197b, 0x2392, 1 },
	{ 0x1c28, 0x0122, 1 },
};

int iommu_find_alias_function(uint16_t vendor_id, uint16_t device_id)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (aliases[i].vendor_id == vendor_id &&
		    aliases[i].device_id == device_id)
			return aliases[i].function;
	return -1;
}
