/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_NAMES_H
#define PCIFERRY_PCI_NAMES_H

/*
 * What people call vendors, devices and classes, from udev's hardware database, which is
 * made from the PCI ID repository. A recording has the names of the machine where it was
 * made, in the file "pciferry/names"; for other hosts this machine's database is asked.
 */
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"

struct pci_device;
struct pci_names;

/*
 * Never fails for want of a database: then every name is unknown. Returns NULL only when
 * out of memory. The caller frees it.
 */
struct pci_names *pci_names_open(const struct host *host);
void pci_names_free(struct pci_names *names); /* takes NULL */

/*
 * All names that have been asked for, as text for a recording: lines of "device", vendor
 * and device ID or "class", class code, then the names, with tabs between. The caller
 * frees it; NULL: no memory.
 */
char *pci_names_text(const struct pci_names *names, size_t *ret_len);

/* NULL: unknown. The text lives as long as names does. */
const char *pci_vendor_name(struct pci_names *names, const struct pci_device *device);
const char *pci_device_name(struct pci_names *names, const struct pci_device *device);

/* The name of the subclass, as lspci shows it, or else of the base class. NULL: unknown.
 */
const char *pci_class_name(struct pci_names *names, const struct pci_device *device);

#endif
