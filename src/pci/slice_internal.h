/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_SLICE_INTERNAL_H
#define PCIFERRY_PCI_SLICE_INTERNAL_H

#include "pci/device.h"
#include "pci/slices.h"

/* pci_scan(), with no device where the host has no PCI. */
int pci_slice_devices(const struct host *host, struct pci_devices *ret_devices,
		      struct error *err);

#endif
