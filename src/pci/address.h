/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_ADDRESS_H
#define PCIFERRY_PCI_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Where a function sits: domain, bus, device, function. Domains of VMD controllers are
 * wider than 16 bits (drivers/pci/controller/vmd.c numbers them from 0x10000).
 */
struct pci_address {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;	  /* 0 to 31 */
	uint8_t function; /* 0 to 7 */
};

enum { PCI_ADDRESS_SIZE = sizeof("ffffffff:ff:1f.7") };

/* "dddd:bb:dd.f", the domain with as many digits as it needs and at least four. */
const char *pci_address_format(const struct pci_address *address,
			       char buffer[PCI_ADDRESS_SIZE]);

/* All of "bb:dd.f" (domain 0) or "dddd:bb:dd.f" (1 to 8 digits). Returns 0 or -EINVAL. */
int pci_address_parse(const char *text, struct pci_address *ret_address);

/* Whether they are functions of one slot, and perhaps of one card. */
bool pci_address_same_slot(const struct pci_address *a, const struct pci_address *b);

int pci_address_compare(const struct pci_address *a, const struct pci_address *b);

#endif
