/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_PAGE_H
#define PCIFERRY_CLI_PAGE_H

/* The page that show prints about one device. */
#include "cli/view.h"

enum { PAGE_NEEDS = CLI_NEEDS_USAGE | CLI_NEEDS_STUCK | CLI_NEEDS_PREDICTION };

/* Its driver override must have been read. Returns 0 or -errno. */
int page_print(const struct cli_view *view, const struct pci_device *device,
	       struct error *err);

/* What its hardware is like: link, memory, ROM, reset, features. A part of the page. */
void page_print_hardware(const struct cli_view *view, const struct pci_device *device,
			 const struct pci_details *details);

/* Why its group is as it is, and what the prediction says. A part of the page. */
void page_print_group(const struct cli_view *view, const struct pci_device *device);

/* A line about one that shares the device's fate. */
void page_print_member(const struct cli_view *view, const struct pci_device *member);

#endif
