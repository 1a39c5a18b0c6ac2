/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A physical function is in use when one of its virtual functions is: they go with it. */
#include <limits.h>
#include <stdio.h>

#include "usage/internal.h"

int usage_scan_functions(struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++) {
		const struct pci_device *device = &devices->items[i], *physical;
		const struct usage_findings *findings = usage_of(scan->usage, device);
		char path[PCI_ATTRIBUTE_PATH_SIZE], text[NAME_MAX + 1];
		char own[PCI_ADDRESS_SIZE];
		struct pci_address address;

		if (!findings->count ||
		    host_link_name(scan->host,
				   pci_attribute_path(&device->address, "physfn", path),
				   text, sizeof(text)) != FACT_KNOWN ||
		    pci_address_parse(text, &address) < 0)
			continue;
		physical = pci_find(devices, &address);
		if (physical)
			r = usage_add(scan->usage, physical,
				      findings->items[0].kind == USAGE_UNREADABLE
					      ? USAGE_UNREADABLE
					      : USAGE_FUNCTION,
				      "its virtual function %s: %s",
				      pci_address_format(&device->address, own),
				      findings->items[0].detail);
	}
	return r;
}
