/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A physical function is in use when one of its virtual functions is: they go with it. */
#include <limits.h>
#include <stdio.h>

#include "usage/internal.h"

/* What is known says more than what could not be read. */
static const struct usage_finding *to_tell(const struct usage_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind != USAGE_UNREADABLE)
			return &findings->items[i];
	return findings->items;
}

/* NULL: it is no virtual one. */
static const struct pci_device *physical_of(const struct usage_scan *scan,
					    const struct pci_device *device)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[NAME_MAX + 1];
	struct pci_address address;

	if (host_link_name(scan->host,
			   pci_attribute_path(&device->address, "physfn", path), text,
			   sizeof(text)) != FACT_KNOWN ||
	    pci_address_parse(text, &address) < 0)
		return NULL;
	return pci_find(scan->usage->devices, &address);
}

/*
 * By what each virtual one says itself: the physical one's virtfn0, virtfn1, ... have
 * holes while the kernel takes them away, or hangs at it (drivers/pci/iov.c,
 * pci_iov_remove_virtfn).
 */
void usage_ask_functions(struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;

	for (size_t i = 0; i < devices->count; i++) {
		const struct pci_device *physical =
			scan->asked[i] ? NULL : physical_of(scan, &devices->items[i]);

		if (physical && scan->asked[physical - devices->items])
			scan->asked[i] = true;
	}
}

int usage_scan_functions(struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++) {
		const struct pci_device *device = &devices->items[i], *physical;
		const struct usage_findings *findings = usage_of(scan->usage, device);
		const struct usage_finding *finding = to_tell(findings);
		char own[PCI_ADDRESS_SIZE];

		if (!findings->count || !usage_is_asked(scan, device))
			continue;
		physical = physical_of(scan, device);
		if (physical)
			r = usage_add(scan->usage, physical,
				      finding->kind == USAGE_UNREADABLE ? USAGE_UNREADABLE
									: USAGE_FUNCTION,
				      "its virtual function %s: %s",
				      pci_address_format(&device->address, own),
				      finding->detail);
	}
	return r;
}
