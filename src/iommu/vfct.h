/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_VFCT_H
#define PCIFERRY_IOMMU_VFCT_H

/*
 * AMD's table of ACPI with the ROMs of its graphics, of processors' too, which have no
 * ROM of their own. No specification tells of it: the layout is that of
 * drivers/gpu/drm/amd/include/atombios.h (UEFI_ACPI_VFCT), as
 * amdgpu_acpi_vfct_bios() in amdgpu_bios.c reads it.
 */
#include <stddef.h>
#include <stdint.h>

struct error;
struct pci_device;

/* Where it is beneath the host's root. */
#define VFCT_PATH "sys/firmware/acpi/tables/VFCT"

/*
 * Finds the ROM of a device, by its IDs and its place; where buses have been numbered
 * anew since the firmware, by its IDs and device.function. *ret_rom points into the
 * bytes. Returns 0, -ENOENT: none of it is in the table, or -EINVAL.
 */
int vfct_find(const uint8_t *bytes, size_t len, const struct pci_device *device,
	      const uint8_t **ret_rom, size_t *ret_len, struct error *err);

#endif
