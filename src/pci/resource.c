/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pci/config.h"
#include "pci/device.h"

/* include/linux/ioport.h */
enum {
	RESOURCE_IO = 0x100,
	RESOURCE_MEM = 0x200,
	RESOURCE_PREFETCH = 0x2000,
	RESOURCE_MEM_64 = 0x100000,
};

static int parse_line(const char *line, struct pci_resource *ret_resource)
{
	unsigned long long start, end, flags;
	char rest;

	if (sscanf(line, "%llx %llx %llx %c", &start, &end, &flags, &rest) != 3)
		return -EINVAL;
	*ret_resource = (struct pci_resource){ 0 };
	if (!(flags & (RESOURCE_IO | RESOURCE_MEM)) || end <= start)
		return 0;
	/* No register decodes all there is, and that would be a size of 0: not there. */
	if (end - start == UINT64_MAX)
		return -EINVAL;
	ret_resource->start = start;
	ret_resource->size = end - start + 1;
	ret_resource->io = flags & RESOURCE_IO;
	ret_resource->prefetchable = flags & RESOURCE_PREFETCH;
	ret_resource->is_64bit = flags & RESOURCE_MEM_64;
	return 0;
}

int pci_resources_parse(const char *text, size_t len,
			struct pci_resource ret_resources[PCI_RESOURCE_COUNT])
{
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	const char *end = text + len;

	for (unsigned int i = 0; i < PCI_RESOURCE_COUNT; i++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		char line[80];

		if (n >= sizeof(line))
			return -EINVAL;
		memcpy(line, text, n);
		line[n] = '\0';
		if (parse_line(line, &resources[i]) < 0)
			return -EINVAL;
		text += n + (newline != NULL);
	}
	memcpy(ret_resources, resources, sizeof(resources));
	return 0;
}

enum fact pci_resources_read(const struct host *host, const struct pci_device *device,
			     struct pci_resource ret_resources[PCI_RESOURCE_COUNT])
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[HOST_ATTRIBUTE_MAX];
	enum fact fact;

	fact = host_read(host, pci_attribute_path(&device->address, "resource", path),
			 text, sizeof(text));
	if (fact == FACT_KNOWN &&
	    pci_resources_parse(text, strlen(text), ret_resources) < 0)
		return FACT_UNREADABLE;
	return fact;
}
