/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_MODALIAS_H
#define PCIFERRY_PCI_MODALIAS_H

#include <stddef.h>

struct pci_device;

/*
 * Takes IDs and class out of "pci:v00008086d000046A6sv000017AAsd000022E7bc03sc00i00"
 * (modalias_show in drivers/pci/pci-sysfs.c). Sets only those members. Returns 0 or
 * -EINVAL; then nothing is set.
 */
int pci_modalias_parse(const char *text, size_t len, struct pci_device *device);

#endif
