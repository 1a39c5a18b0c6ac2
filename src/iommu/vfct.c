/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/vfct.h"

#include <errno.h>
#include <stdbool.h>

#include "base/error.h"
#include "iommu/acpi.h"
#include "pci/device.h"

/* Offsets in the table, and in the header of each ROM in it. */
enum {
	TABLE_ROMS = 0x34,
	TABLE_HEADER = 0x4c,
	ROM_BUS = 0x00,
	ROM_DEVICE = 0x04,
	ROM_FUNCTION = 0x08,
	ROM_VENDOR_ID = 0x0c,
	ROM_DEVICE_ID = 0x0e,
	ROM_LENGTH = 0x18,
	ROM_HEADER = 0x1c,
};

static bool is_of(const uint8_t *header, const struct pci_device *device)
{
	return device->ids == FACT_KNOWN &&
	       acpi_word(header + ROM_VENDOR_ID) == device->vendor_id &&
	       acpi_word(header + ROM_DEVICE_ID) == device->device_id &&
	       acpi_long(header + ROM_DEVICE) == device->address.device &&
	       acpi_long(header + ROM_FUNCTION) == device->address.function;
}

int vfct_find(const uint8_t *bytes, size_t len, const struct pci_device *device,
	      const uint8_t **ret_rom, size_t *ret_len, struct error *err)
{
	const uint8_t *found = NULL;
	size_t at, n_likely = 0;
	bool is_there = false;
	int r = acpi_table_check(bytes, len, "VFCT", &len, err);

	if (r < 0)
		return r;
	if (len < TABLE_HEADER)
		return acpi_damaged(err, "VFCT", len, "too short for its header");
	at = acpi_long(bytes + TABLE_ROMS);
	if (at < TABLE_HEADER)
		return acpi_damaged(err, "VFCT", TABLE_ROMS, "a ROM within the header");
	while (at < len && len - at >= ROM_HEADER) {
		const uint8_t *header = bytes + at;
		size_t size = acpi_long(header + ROM_LENGTH);

		if (size > len - at - ROM_HEADER)
			return acpi_damaged(err, "VFCT", at, "a ROM that is cut off");
		at += ROM_HEADER + size;
		if (!size || !is_of(header, device) || is_there)
			continue;
		is_there = acpi_long(header + ROM_BUS) == device->address.bus;
		found = header;
		n_likely++;
	}
	/* Several cards of a model, none of them where this one is, are not told apart.
	 */
	if (!found || (!is_there && n_likely > 1))
		return error_set(err, ENOENT, "/" VFCT_PATH,
				 "it has no ROM of this device");
	*ret_rom = found + ROM_HEADER;
	*ret_len = acpi_long(found + ROM_LENGTH);
	return 0;
}
