/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/rom.h"

#include <errno.h>
#include <string.h>

/* Offsets in an image and in its "PCIR" (PCI Firmware 3.2, 5.1.1 and 5.1.2). */
enum {
	IMAGE_POINTER = 0x18,
	IMAGE_HEADER = 0x1a,
	PCIR_VENDOR = 0x04,
	PCIR_DEVICE = 0x06,
	PCIR_LENGTH = 0x10, /* in units of 512 bytes */
	PCIR_CODE = 0x14,
	PCIR_INDICATOR = 0x15, /* bit 7: the last image */
	PCIR_SIZE = 0x18,
};

enum { CODE_BIOS = 0, CODE_UEFI = 3 };

static uint16_t read_16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

/* The "PCIR" of an image with so many bytes; NULL: it is none. */
static const uint8_t *find_pcir(const uint8_t *image, size_t left)
{
	size_t at;

	if (left < IMAGE_HEADER || image[0] != 0x55 || image[1] != 0xaa)
		return NULL;
	at = read_16(image + IMAGE_POINTER);
	if (at > left || left - at < PCIR_SIZE || memcmp(image + at, "PCIR", 4) != 0)
		return NULL;
	return image + at;
}

int pci_rom_parse(const void *bytes, size_t len, struct pci_rom *ret_rom)
{
	struct pci_rom rom = { 0 };
	const uint8_t *pcir;

	for (size_t at = 0;
	     at < len && (pcir = find_pcir((const uint8_t *)bytes + at, len - at));) {
		size_t size = 512 * (size_t)read_16(pcir + PCIR_LENGTH);

		if (at == 0) {
			rom.vendor_id = read_16(pcir + PCIR_VENDOR);
			rom.device_id = read_16(pcir + PCIR_DEVICE);
		}
		rom.has_bios |= pcir[PCIR_CODE] == CODE_BIOS;
		rom.has_uefi |= pcir[PCIR_CODE] == CODE_UEFI;
		if (pcir[PCIR_INDICATOR] & 0x80 || !size || size > len - at)
			break;
		at += size;
	}
	if (!len || !find_pcir(bytes, len))
		return -EINVAL;
	*ret_rom = rom;
	return 0;
}
