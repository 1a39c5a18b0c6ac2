/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_ROM_IMAGE_H
#define PCIFERRY_PCI_ROM_IMAGE_H

#include "pci/rom.h"

/*
 * What is known of the image that begins at `start`. Returns 0, or -EINVAL: none begins
 * there. One without a PCIR counts only at the beginning: elsewhere it is two bytes that
 * happen to be there. `is_beyond`: one of NVIDIA's own is looked for, too.
 */
int pci_rom_image_parse(const uint8_t *bytes, size_t len, size_t start, bool is_beyond,
			struct pci_rom_image *ret_image);

/* Whether its PCIR says so. */
bool pci_rom_image_is_last(const struct pci_rom_image *image);

#endif
