/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_DESCRIBE_H
#define PCIFERRY_CLI_DESCRIBE_H

/* A device in words, the same in every command. */
#include <stddef.h>

#include "cli/view.h"

/* "VGA compatible controller: Advanced Micro Devices, Inc. [AMD/ATI] Rage 128", or IDs.
 */
void describe_name(const struct cli_view *view, const struct pci_device *device,
		   char *buffer, size_t size);

/* Its driver; "-" for none; what is wrong when it does not answer. */
const char *describe_driver(const struct pci_device *device);

const char *describe_port_type(enum pcie_port_type type);

/*
 * "8 GT/s x4 of 16 GT/s x4", the latter being what both ends of the link can do; "" where
 * there is no link, "?" where it is unreadable. Needs CLI_NEEDS_TOPOLOGY and _CONFIG.
 */
void describe_link(const struct cli_view *view, const struct pci_device *device,
		   char *buffer, size_t size);
bool describe_link_is_slow(const struct cli_view *view, const struct pci_device *device);
/* What the slower end can do, when that is the port above: "8 GT/s x4"; else "". */
void describe_port_limit(const struct cli_view *view, const struct pci_device *device,
			 char *buffer, size_t size);

/* "SrcValid ReqRedir", of the bits PCI_ACS_...; "none". */
void describe_acs(unsigned int bits, char *buffer, size_t size);

/* "256 MiB": in the largest unit of which it is a whole number. */
void describe_size(unsigned long long bytes, char *buffer, size_t size);

#endif
