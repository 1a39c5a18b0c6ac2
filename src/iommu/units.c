/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/units.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

static int parse_table(struct iommu_firmware *firmware, const char *bytes, size_t len,
		       struct error *err)
{
	return firmware->kind == IOMMU_DMAR
		       ? dmar_parse((const uint8_t *)bytes, len, &firmware->dmar, err)
		       : ivrs_parse((const uint8_t *)bytes, len, &firmware->ivrs, err);
}

static int read_table(const struct host *host, enum iommu_kind kind, const char *path,
		      struct iommu_firmware *firmware)
{
	_cleanup_(error_clear) struct error damage = ERROR_INIT;
	_cleanup_free_ char *bytes = NULL;
	size_t len;
	int r = host_read_file(host, path, &bytes, &len);

	if (r == -ENOENT || r == -ENOMEM)
		return r;
	firmware->kind = kind;
	firmware->fact = FACT_UNREADABLE;
	if (r < 0)
		return 0;
	r = parse_table(firmware, bytes, len, &damage);
	if (r == 0)
		firmware->fact = FACT_KNOWN;
	else if (r != -ENOMEM)
		snprintf(firmware->damage, sizeof(firmware->damage), "%s: %s",
			 damage.subject, damage.message);
	return r == -ENOMEM ? r : 0;
}

int iommu_firmware_read(const struct host *host, struct iommu_firmware *ret_firmware,
			struct error *err)
{
	struct iommu_firmware firmware = { .fact = FACT_ABSENT };
	int r;

	r = read_table(host, IOMMU_DMAR, "sys/firmware/acpi/tables/DMAR", &firmware);
	if (r == -ENOENT)
		r = read_table(host, IOMMU_IVRS, "sys/firmware/acpi/tables/IVRS",
			       &firmware);
	if (r == -ENOMEM)
		return error_oom(err);
	*ret_firmware = firmware;
	return 0;
}

void iommu_firmware_free(struct iommu_firmware *firmware)
{
	if (!firmware)
		return;
	dmar_free(&firmware->dmar);
	ivrs_free(&firmware->ivrs);
	memset(firmware, 0, sizeof(*firmware));
}

/* The function that a scope names; NULL: there is none. */
static const struct pci_node *find_scope(const struct pci_topology *topology,
					 uint16_t segment, const struct dmar_scope *scope)
{
	struct pci_address first = {
		.domain = segment,
		.bus = scope->start_bus,
		.device = scope->path[0].device,
		.function = scope->path[0].function,
	};
	const struct pci_node *node;

	if (scope->type != DMAR_SCOPE_ENDPOINT && scope->type != DMAR_SCOPE_BRIDGE)
		return NULL;
	node = pci_find_node(topology, &first);
	for (unsigned int step = 1; node && step < scope->path_len; step++) {
		node = node->children;
		while (node &&
		       (node->physical ||
			node->device->address.device != scope->path[step].device ||
			node->device->address.function != scope->path[step].function))
			node = node->next;
	}
	return node;
}

/* Whether a structure's scopes name the function, or a bridge above it. */
static bool names_node(const struct dmar_structure *structure,
		       const struct pci_topology *topology, const struct pci_node *node)
{
	for (size_t i = 0; i < structure->n_scopes; i++) {
		const struct dmar_scope *scope = &structure->scopes[i];
		const struct pci_node *named =
			find_scope(topology, structure->segment, scope);

		if (!named)
			continue;
		for (const struct pci_node *at = node; at; at = at->parent) {
			if (at == named)
				return true;
			if (scope->type != DMAR_SCOPE_BRIDGE)
				break;
		}
	}
	return false;
}

/* 8.3: a unit that includes all is for what no other of its segment names. */
static enum fact dmar_unit_of(const struct dmar *dmar,
			      const struct pci_topology *topology,
			      const struct pci_node *node, uint64_t *ret_base)
{
	const struct dmar_structure *found = NULL;

	for (size_t i = 0; i < dmar->count; i++) {
		const struct dmar_structure *unit = &dmar->items[i];

		if (unit->type != DMAR_DRHD ||
		    unit->segment != node->device->address.domain)
			continue;
		if (unit->flags & 1) {
			found = found ? found : unit;
		} else if (names_node(unit, topology, node)) {
			found = unit;
			break;
		}
	}
	if (!found)
		return FACT_ABSENT;
	*ret_base = found->base;
	return FACT_KNOWN;
}

/* Whose requester ID counts: device_to_iommu() in drivers/iommu/intel/iommu.c. */
static const struct pci_node *requester(const struct pci_node *node)
{
	while (node->made_by || (node->parent && node->parent->made_by))
		node = node->made_by ? node->made_by : node->parent;
	return node;
}

static uint16_t device_id(const struct pci_node *node)
{
	const struct pci_address *address = &node->device->address;

	return (uint16_t)(address->bus << 8 | address->device << 3 | address->function);
}

enum fact iommu_unit_of(const struct iommu_firmware *firmware,
			const struct pci_topology *topology, const struct pci_node *node,
			uint64_t *ret_base)
{
	const struct ivrs_unit *unit;

	if (firmware->fact != FACT_KNOWN)
		return firmware->fact;
	node = requester(node);
	if (firmware->kind == IOMMU_DMAR)
		return dmar_unit_of(&firmware->dmar, topology,
				    node->physical ? node->physical : node, ret_base);
	unit = ivrs_find_unit(&firmware->ivrs, (uint16_t)node->device->address.domain,
			      device_id(node));
	if (!unit)
		return FACT_ABSENT;
	*ret_base = unit->base;
	return FACT_KNOWN;
}

const struct pci_node *iommu_alias_of(const struct iommu_firmware *firmware,
				      const struct pci_topology *topology,
				      const struct pci_node *node)
{
	struct pci_address address = node->device->address;
	const struct ivrs_unit *unit;
	uint16_t alias;

	if (firmware->fact != FACT_KNOWN || firmware->kind != IOMMU_IVRS)
		return NULL;
	unit = ivrs_find_unit(&firmware->ivrs, (uint16_t)address.domain, device_id(node));
	if (!unit || !ivrs_find_alias(unit, device_id(node), &alias))
		return NULL;
	address.bus = (uint8_t)(alias >> 8);
	address.device = alias >> 3 & 0x1f;
	address.function = alias & 7;
	return pci_find_node(topology, &address);
}

bool iommu_firmware_memory(const struct iommu_firmware *firmware,
			   const struct pci_topology *topology,
			   const struct pci_node *node, size_t n, uint64_t *ret_start,
			   uint64_t *ret_end)
{
	const struct dmar *dmar = &firmware->dmar;
	const struct ivrs *ivrs = &firmware->ivrs;

	for (size_t i = 0; i < dmar->count; i++) {
		if (dmar->items[i].type != DMAR_RMRR ||
		    !names_node(&dmar->items[i], topology, node) || n--)
			continue;
		*ret_start = dmar->items[i].base;
		*ret_end = dmar->items[i].limit;
		return true;
	}
	for (size_t i = 0; i < ivrs->n_memories; i++) {
		const struct ivrs_memory *memory = &ivrs->memories[i];

		if (device_id(node) < memory->first || device_id(node) > memory->last ||
		    !memory->length || n--)
			continue;
		*ret_start = memory->start;
		*ret_end = memory->start + memory->length - 1;
		return true;
	}
	return false;
}

enum fact iommu_remaps_interrupts(const struct iommu_firmware *firmware, bool *ret_remaps)
{
	if (firmware->fact != FACT_KNOWN)
		return firmware->fact;
	/* AMD's can since the first of them; the kernel turns it on by default. */
	*ret_remaps =
		firmware->kind == IOMMU_IVRS || firmware->dmar.flags & DMAR_INTR_REMAP;
	return FACT_KNOWN;
}

enum fact iommu_unit_name(const struct host *host, const struct pci_device *device,
			  char *buffer, size_t size)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	return host_link_name(host, pci_attribute_path(&device->address, "iommu", path),
			      buffer, size);
}

int iommu_reserved_parse(const char *text, size_t len,
			 struct iommu_reserved **ret_regions, size_t *ret_count)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	const char *end = text + len;
	size_t count = 0;

	/* "0x00000000fee00000 0x00000000feefffff msi" on each line
	 * (iommu_group_show_resv_regions() in drivers/iommu/iommu.c). */
	regions = calloc(len / 8 + 1, sizeof(*regions));
	if (!regions)
		return -ENOMEM;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		unsigned long long start, last;
		char line[96];

		if (n >= sizeof(line))
			return -EINVAL;
		memcpy(line, text, n);
		line[n] = '\0';
		if (sscanf(line, "%llx %llx %23s", &start, &last, regions[count].type) !=
		    3)
			return -EINVAL;
		regions[count].start = start;
		regions[count++].end = last;
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
