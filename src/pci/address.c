/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *pci_address_format(const struct pci_address *address,
			       char buffer[PCI_ADDRESS_SIZE])
{
	snprintf(buffer, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%x", address->domain,
		 address->bus, address->device & 0x1fU, address->function & 7U);
	return buffer;
}

int pci_address_parse(const char *text, struct pci_address *ret_address)
{
	const char *bus, *device, *function;
	uint32_t domain_nr = 0, bus_nr, device_nr, function_nr;
	size_t len = strlen(text);

	/* From the end, where the widths are fixed: ".f", "dd", ":", "bb". */
	if (len < sizeof("bb:dd.f") - 1)
		return -EINVAL;
	function = text + len - 1;
	device = function - 3;
	bus = device - 3;
	if (function[-1] != '.' || device[-1] != ':')
		return -EINVAL;
	if (bus > text) {
		if (bus[-1] != ':' ||
		    text_parse_hex(text, (size_t)(bus - 1 - text), &domain_nr) < 0)
			return -EINVAL;
	}
	if (text_parse_hex(bus, 2, &bus_nr) < 0 ||
	    text_parse_hex(device, 2, &device_nr) < 0 ||
	    text_parse_hex(function, 1, &function_nr) < 0)
		return -EINVAL;
	if (device_nr > 31 || function_nr > 7)
		return -EINVAL;
	*ret_address = (struct pci_address){
		.domain = domain_nr,
		.bus = (uint8_t)bus_nr,
		.device = (uint8_t)device_nr,
		.function = (uint8_t)function_nr,
	};
	return 0;
}

bool pci_address_same_slot(const struct pci_address *a, const struct pci_address *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->device == b->device;
}

int pci_address_compare(const struct pci_address *a, const struct pci_address *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->bus != b->bus)
		return a->bus - b->bus;
	if (a->device != b->device)
		return a->device - b->device;
	return a->function - b->function;
}
