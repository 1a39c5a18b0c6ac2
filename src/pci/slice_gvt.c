/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The generations of is_supported_device() in drivers/gpu/drm/i915/intel_gvt.c, by the
 * IDs of include/drm/intel/pciids.h: Broadwell, Skylake, Kaby, Coffee and Comet Lake with
 * their kin, and Broxton.
 */
#include "base/cleanup.h"
#include "pci/device.h"
#include "pci/slices.h"

enum { VENDOR_INTEL = 0x8086 };

bool pci_slice_has_gvt(const struct pci_device *device)
{
	static const uint16_t families[] = { 0x1600, 0x1900, 0x5900, 0x3e00, 0x9b00 };
	static const uint16_t others[] = { 0x87c0, 0x87ca, 0x0a84, 0x1a84,
					   0x1a85, 0x5a84, 0x5a85 };

	if (!pci_is_display(device) || device->vendor_id != VENDOR_INTEL)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if ((device->device_id & 0xff00) == families[i])
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (device->device_id == others[i])
			return true;
	return false;
}
