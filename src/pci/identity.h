/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_IDENTITY_H
#define PCIFERRY_PCI_IDENTITY_H

/*
 * What a device is and where it sits, so that it is known again when its address has
 * moved to another one: "10de:1b39/10de:1217@03.0/00.0#0011223344556677", that is IDs,
 * subsystem, the chain of device.function from the root port down, and the PCIe Device
 * Serial Number where it has one.
 *
 * packaging/early/pciferry-early reads the same text in the initramfs, and takes no other
 * characters.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci/topology.h"

struct pci_config;

struct pci_identity {
	uint16_t vendor_id, device_id;
	uint16_t subsystem_vendor_id, subsystem_device_id;
	char path[PCI_PATH_SIZE]; /* as pci_node_path() */
	bool has_serial;
	uint64_t serial;
};

enum {
	PCI_IDENTITY_TEXT_SIZE =
		PCI_IDENTITY_SIZE + PCI_PATH_SIZE + sizeof("@#0123456789abcdef"),
	PCI_MISFIT_SIZE = 2 * PCI_PATH_SIZE + 96,
};

/*
 * That of a device. config: NULL where it was not read; the serial number is then left
 * out, as where the device has none. Returns 0, or -ENODATA: its IDs or its place are not
 * known.
 */
int pci_identity_of(const struct pci_node *node, const struct pci_config *config,
		    struct pci_identity *ret_identity);

/* Returns buffer. */
const char *pci_identity_write(const struct pci_identity *identity,
			       char buffer[PCI_IDENTITY_TEXT_SIZE]);

/* All of the text. Digits may be capitals. Returns 0 or -EINVAL. */
int pci_identity_parse(const char *text, size_t len, struct pci_identity *ret_identity);

/*
 * Whether this device is the one. Else which part of it is another, or cannot be read,
 * stands in words in ret_misfit: "its path is 03.0/00.0, not 04.0/00.0".
 */
bool pci_identity_fits(const struct pci_identity *identity, const struct pci_node *node,
		       const struct pci_config *config, char ret_misfit[PCI_MISFIT_SIZE]);

#endif
