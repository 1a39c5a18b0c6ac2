/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/reserved.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "iommu/scope.h"
#include "iommu/units.h"

/* As the kernel takes an IVMD: init_memory_definitions() in drivers/iommu/amd/init.c. */
static bool memory_is_for(const struct ivrs_memory *memory, const struct pci_node *node)
{
	uint16_t id = ivrs_node_id(node);

	return memory->flags & (IVRS_MEMORY_UNITY | IVRS_MEMORY_EXCLUSION) &&
	       memory->length && iommu_is_segment(memory->segment, node) &&
	       id >= memory->first && id <= memory->last;
}

enum fact iommu_firmware_memory(const struct iommu_firmware *firmware,
				const struct pci_topology *topology,
				const struct pci_node *node, size_t n,
				uint64_t *ret_start, uint64_t *ret_end)
{
	const struct dmar *dmar = &firmware->dmar;
	const struct ivrs *ivrs = &firmware->ivrs;

	for (size_t i = 0; i < dmar->count; i++) {
		if (dmar->items[i].type != DMAR_RMRR ||
		    !dmar_names_node(&dmar->items[i], topology, node) || n--)
			continue;
		*ret_start = dmar->items[i].base;
		*ret_end = dmar->items[i].limit;
		return FACT_KNOWN;
	}
	for (size_t i = 0; i < ivrs->n_memories; i++) {
		const struct ivrs_memory *memory = &ivrs->memories[i];
		uint64_t end = memory->start + memory->length - 1;

		if (!memory_is_for(memory, node) || n--)
			continue;
		*ret_start = memory->start;
		*ret_end = end < memory->start ? UINT64_MAX : end;
		return FACT_KNOWN;
	}
	return firmware->fact == FACT_UNREADABLE ? FACT_UNREADABLE : FACT_ABSENT;
}

static bool read_address(const char **at, uint64_t *ret_address)
{
	char *end;

	if (strncmp(*at, "0x", 2) != 0 || !isxdigit((unsigned char)(*at)[2]))
		return false;
	errno = 0;
	*ret_address = strtoull(*at, &end, 16);
	if (errno || *end != ' ')
		return false;
	*at = end + 1;
	return true;
}

/*
 * "0x00000000fee00000 0x00000000feefffff msi" (iommu_group_show_resv_regions() in
 * drivers/iommu/iommu.c).
 */
static int parse_line(const char *text, size_t len, struct iommu_reserved *region)
{
	char line[96];
	const char *at = line;

	if (len >= sizeof(line))
		return -EINVAL;
	memcpy(line, text, len);
	line[len] = '\0';
	if (!read_address(&at, &region->start) || !read_address(&at, &region->end) ||
	    region->end < region->start || !*at || strlen(at) >= sizeof(region->type))
		return -EINVAL;
	strcpy(region->type, at);
	return 0;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += text[i] == '\n' || i + 1 == len;
	return count;
}

int iommu_reserved_parse(const char *text, size_t len,
			 struct iommu_reserved **ret_regions, size_t *ret_count)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	const char *end = text + len;
	size_t count = 0;

	regions = calloc(count_lines(text, len) + 1, sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		int r = parse_line(text, n, &regions[count]);

		if (r < 0)
			return r;
		count++;
		text += n + (newline != NULL);
	}
	*ret_regions = steal(regions);
	*ret_count = count;
	return 0;
}

enum fact iommu_reserved_read(const struct host *host, unsigned int group,
			      struct iommu_reserved **ret_regions, size_t *ret_count)
{
	char path[80], text[HOST_ATTRIBUTE_MAX];
	enum fact fact;

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/reserved_regions",
		 group);
	fact = host_read(host, path, text, sizeof(text));
	if (fact == FACT_KNOWN &&
	    iommu_reserved_parse(text, strlen(text), ret_regions, ret_count) < 0)
		return FACT_UNREADABLE;
	return fact;
}
