/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "pci/config.h"
#include "pci/device.h"

/* include/linux/ioport.h */
enum {
	RESOURCE_ROM_SHADOW = 0x2, /* means something else of other resources */
	RESOURCE_IO = 0x100,
	RESOURCE_MEM = 0x200,
	RESOURCE_PREFETCH = 0x2000,
	RESOURCE_MEM_64 = 0x100000,
	RESOURCE_UNSET = 0x20000000, /* it has a size, and no address */
};

/* "0x" and 16 digits. A number that is cut off would be another one. */
enum { NUMBER_LEN = 2 + 16, LINE_LEN = 3 * NUMBER_LEN + 2 };

static int parse_number(const char *text, uint64_t *ret_value)
{
	uint32_t high, low;

	if (memcmp(text, "0x", 2) != 0 || text_parse_hex(text + 2, 8, &high) < 0 ||
	    text_parse_hex(text + 10, 8, &low) < 0)
		return -EINVAL;
	*ret_value = (uint64_t)high << 32 | low;
	return 0;
}

static int parse_line(const char *line, size_t len, bool is_rom,
		      struct pci_resource *ret_resource)
{
	uint64_t start, end, flags;

	if (len != LINE_LEN || line[NUMBER_LEN] != ' ' ||
	    line[2 * NUMBER_LEN + 1] != ' ' || parse_number(line, &start) < 0 ||
	    parse_number(line + NUMBER_LEN + 1, &end) < 0 ||
	    parse_number(line + 2 * (NUMBER_LEN + 1), &flags) < 0)
		return -EINVAL;
	*ret_resource = (struct pci_resource){ 0 };
	if (!(flags & (RESOURCE_IO | RESOURCE_MEM)) || flags & RESOURCE_UNSET ||
	    end <= start)
		return 0;
	/* 0 to the last address is how the kernel has an empty one (resource_size()). */
	if (end - start == UINT64_MAX)
		return 0;
	ret_resource->start = start;
	ret_resource->size = end - start + 1;
	ret_resource->io = flags & RESOURCE_IO;
	ret_resource->prefetchable = flags & RESOURCE_PREFETCH;
	ret_resource->is_64bit = flags & RESOURCE_MEM_64;
	ret_resource->is_shadow = is_rom && flags & RESOURCE_ROM_SHADOW;
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

		if (parse_line(text, n, i == PCI_RESOURCE_ROM, &resources[i]) < 0)
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
