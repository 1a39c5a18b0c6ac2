/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_LINK_H
#define PCIFERRY_PCI_LINK_H

/* What a PCIe link does, and what its two ends could do. */
#include <stdbool.h>

#include "pci/config.h"

bool pci_has_link(const struct pci_config *config);

/*
 * The function's link, with what it can do: what the function offers, and the port above
 * it (NULL: none). A port that leads down is the upper end itself; what is below it is
 * another function's.
 */
struct pci_link pci_possible_link(const struct pci_config *config,
				  const struct pci_config *above);

/* Whether it is up and does less than both ends can. False of a port that leads down. */
bool pci_link_is_slow(const struct pci_config *config, const struct pci_config *above);

enum { PCI_LINK_SIZE = sizeof("6553.5 GT/s x255") };

/* "2.5 GT/s x8"; "?" for what is reserved. Returns buffer. */
const char *pci_link_format(unsigned int speed, unsigned int width,
			    char buffer[PCI_LINK_SIZE]);

#endif
