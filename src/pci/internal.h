/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_INTERNAL_H
#define PCIFERRY_PCI_INTERNAL_H

/* Between the files that parse configuration space. */
#include "pci/config.h"

struct config_bytes {
	const uint8_t *bytes;
	size_t len;  /* how many there are */
	size_t size; /* how many the function has; 0: not known */
};

/* Whether these bytes are there. The readers below do not look. */
bool config_has(const struct config_bytes *bytes, size_t offset, size_t len);
uint8_t config_byte(const struct config_bytes *bytes, size_t offset);
uint16_t config_word(const struct config_bytes *bytes, size_t offset);
uint32_t config_long(const struct config_bytes *bytes, size_t offset);

/* Capability IDs: PCI Code and ID Assignment 1.11, chapters 2 and 3. */
enum {
	PCI_CAP_POWER_MANAGEMENT = 0x01,
	PCI_CAP_MSI = 0x05,
	PCI_CAP_EXPRESS = 0x10,
	PCI_CAP_MSIX = 0x11,
	PCI_CAP_ADVANCED_FEATURES = 0x13,
	PCI_CAP_ENHANCED_ALLOCATION = 0x14,

	PCI_EXT_AER = 0x0001,
	PCI_EXT_SERIAL_NUMBER = 0x0003,
	PCI_EXT_ACS = 0x000d,
	PCI_EXT_ARI = 0x000e,
	PCI_EXT_ATS = 0x000f,
	PCI_EXT_SRIOV = 0x0010,
	PCI_EXT_PRI = 0x0013,
	PCI_EXT_REBAR = 0x0015,
	PCI_EXT_PASID = 0x001b,
};

/* Fills in what the structures say, once both chains have been walked. */
void config_decode(const struct config_bytes *bytes, struct pci_config *config);

#endif
