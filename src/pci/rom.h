/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_ROM_H
#define PCIFERRY_PCI_ROM_H

/* An option ROM: one image for each kind of firmware (PCI Firmware 3.2, 5.1). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pci_rom {
	uint16_t vendor_id, device_id; /* of the first image */
	bool has_bios;		       /* code for a PC's BIOS */
	bool has_uefi;
};

/* Returns 0, or -EINVAL where it does not begin with an image. */
int pci_rom_parse(const void *bytes, size_t len, struct pci_rom *ret_rom);

#endif
