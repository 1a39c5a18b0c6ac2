/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NVIDIA's slices that are virtual functions: the vGPU user guide, on its framework
 * without mdev. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/device.h"
#include "pci/slices.h"

enum fact pci_slice_vendor_type(const struct host *host,
				const struct pci_address *address, long long *ret_type)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	return host_read_number(
		host, pci_attribute_path(address, "nvidia/current_vgpu_type", path),
		ret_type);
}

int pci_slice_vendor_offers(const struct host *host, const struct pci_address *function,
			    unsigned int number, bool *ret_offers)
{
	_cleanup_(pci_vendor_types_free) struct pci_vendor_types offered = { 0 };
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[HOST_ATTRIBUTE_MAX + 1];

	*ret_offers = false;
	host_read(host, pci_attribute_path(function, "nvidia/creatable_vgpu_types", path),
		  text, sizeof(text));
	if (pci_vendor_types_parse(text, strlen(text), &offered) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < offered.count; i++)
		*ret_offers |= offered.items[i].number == number;
	return 0;
}

int pci_slice_vendor_find(const struct host *host, const struct pci_address *physical,
			  unsigned int number,
			  bool (*passes_over)(const struct pci_address *, void *argument),
			  void *argument, struct pci_address *ret_function)
{
	for (unsigned int i = 0;; i++) {
		char path[PCI_ATTRIBUTE_PATH_SIZE], attribute[32], name[NAME_MAX + 1];
		struct pci_address function;
		long long current = 0;
		bool offers;

		snprintf(attribute, sizeof(attribute), "virtfn%u", i);
		if (host_link_name(host, pci_attribute_path(physical, attribute, path),
				   name, sizeof(name)) != FACT_KNOWN ||
		    pci_address_parse(name, &function) < 0)
			return -ENOENT;
		if (pci_slice_vendor_type(host, &function, &current) != FACT_KNOWN ||
		    current)
			continue;
		if (pci_slice_vendor_offers(host, &function, number, &offers) < 0)
			return -ENOMEM;
		if (!offers || passes_over(&function, argument))
			continue;
		*ret_function = function;
		return 0;
	}
}
