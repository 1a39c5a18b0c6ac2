/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/ids.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pci/device.h"

bool bootcfg_next_id(const char **list, const char **ret_id, size_t *ret_len)
{
	while (*list && **list == ',')
		++*list;
	if (!*list || !**list)
		return false;
	*ret_id = *list;
	*ret_len = strcspn(*list, ",");
	*list += *ret_len;
	return true;
}

/* A part of an ID, or any. */
static bool fits(unsigned int wanted, unsigned int value)
{
	return wanted == UINT32_MAX || wanted == value;
}

bool bootcfg_id_fits(const char *id, size_t len, const struct pci_device *device)
{
	unsigned int any = UINT32_MAX, vendor, number, subvendor = any, subdevice = any;
	unsigned int class = 0, mask = 0;
	char text[64];

	if (device->ids != FACT_KNOWN || len >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)len, id);
	if (sscanf(text, "%8x:%8x:%8x:%8x:%8x:%8x", &vendor, &number, &subvendor,
		   &subdevice, &class, &mask) < 2)
		return false;
	return fits(vendor, device->vendor_id) && fits(number, device->device_id) &&
	       fits(subvendor, device->subsystem_vendor_id) &&
	       fits(subdevice, device->subsystem_device_id) &&
	       !((class ^ device->class_code) & mask);
}

bool bootcfg_ids_have(const char *list, const struct pci_device *device)
{
	const char *id;
	size_t len;

	while (bootcfg_next_id(&list, &id, &len))
		if (bootcfg_id_fits(id, len, device))
			return true;
	return false;
}
