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

/* virtfn0, virtfn1, ... of the physical one (drivers/pci/iov.c, pci_iov_sysfs_link). */
static enum fact ask_functions_of(struct usage_scan *scan,
				  const struct pci_device *physical)
{
	const struct pci_devices *devices = scan->usage->devices;
	enum fact fact = FACT_KNOWN;

	for (unsigned int i = 0; fact == FACT_KNOWN; i++) {
		char path[PCI_ATTRIBUTE_PATH_SIZE], name[32], text[NAME_MAX + 1];
		const struct pci_device *device;
		struct pci_address address;

		snprintf(name, sizeof(name), "virtfn%u", i);
		pci_attribute_path(&physical->address, name, path);
		fact = host_link_name(scan->host, path, text, sizeof(text));
		if (fact != FACT_KNOWN)
			break;
		device = pci_address_parse(text, &address) == 0
				 ? pci_find(devices, &address)
				 : NULL;
		if (device)
			scan->asked[device - devices->items] = true;
	}
	return fact;
}

void usage_ask_functions(struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;
	bool unreadable = false;

	for (size_t i = 0; i < devices->count; i++)
		if (scan->asked[i])
			unreadable |= ask_functions_of(scan, &devices->items[i]) ==
				      FACT_UNREADABLE;
	for (size_t i = 0; unreadable && i < devices->count; i++)
		scan->asked[i] = true;
}

int usage_scan_functions(struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++) {
		const struct pci_device *device = &devices->items[i], *physical;
		const struct usage_findings *findings = usage_of(scan->usage, device);
		const struct usage_finding *finding = to_tell(findings);
		char path[PCI_ATTRIBUTE_PATH_SIZE], text[NAME_MAX + 1];
		char own[PCI_ADDRESS_SIZE];
		struct pci_address address;

		if (!findings->count || !usage_is_asked(scan, device) ||
		    host_link_name(scan->host,
				   pci_attribute_path(&device->address, "physfn", path),
				   text, sizeof(text)) != FACT_KNOWN ||
		    pci_address_parse(text, &address) < 0)
			continue;
		physical = pci_find(devices, &address);
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
