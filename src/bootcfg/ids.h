/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_IDS_H
#define PCIFERRY_BOOTCFG_IDS_H

/*
 * Lists of IDs, "10de:1b39,8086:1521:103c:337f", as vfio-pci and pci-stub take them
 * (vfio_pci_fill_ids() of drivers/vfio/pci/vfio_pci.c): vendor, device, and, if given,
 * subsystem, class and mask.
 */
#include <stdbool.h>
#include <stddef.h>

struct pci_device;

/* The next one of a list, which moves on; false: that was the last. */
bool bootcfg_next_id(const char **list, const char **ret_id, size_t *ret_len);

/* Whether one ID is a device's. */
bool bootcfg_id_fits(const char *id, size_t len, const struct pci_device *device);

/* Whether one of the list is. list may be NULL. */
bool bootcfg_ids_have(const char *list, const struct pci_device *device);

#endif
