/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/scope.h"

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
	/* A copy of a few folders does not say that there is no table. */
	if (firmware.fact == FACT_ABSENT && !host_exists(host, "sys/firmware"))
		firmware.fact = FACT_UNREADABLE;
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

/*
 * 8.3: a unit that includes all is for what no other of its segment names. Where several
 * do, the kernel finds the last (dmar_register_drhd_unit() in
 * drivers/iommu/intel/dmar.c).
 */
static enum fact dmar_unit_of(const struct dmar *dmar,
			      const struct pci_topology *topology,
			      const struct pci_node *node, uint64_t *ret_base)
{
	const struct dmar_structure *naming = NULL, *all = NULL;

	for (size_t i = 0; i < dmar->count; i++) {
		const struct dmar_structure *unit = &dmar->items[i];

		if (unit->type != DMAR_DRHD || !iommu_is_segment(unit->segment, node))
			continue;
		if (unit->flags & DMAR_INCLUDE_ALL)
			all = all ? all : unit;
		else if (dmar_names_node(unit, topology, node))
			naming = unit;
	}
	if (!naming && !all)
		return FACT_ABSENT;
	*ret_base = naming ? naming->base : all->base;
	return FACT_KNOWN;
}

/*
 * Whose requester ID counts: device_to_iommu() in drivers/iommu/intel/iommu.c. A made
 * tree may have functions that made each other.
 */
static const struct pci_node *requester(const struct pci_node *node)
{
	enum { DEPTH_MAX = 256 };

	for (int i = 0; i < DEPTH_MAX; i++) {
		if (node->made_by)
			node = node->made_by;
		else if (node->parent && node->parent->made_by)
			node = node->parent;
		else
			break;
	}
	return node;
}

static bool place_is_known(const struct pci_node *node)
{
	for (; node->parent; node = node->parent)
		;
	return node->parent_fact == FACT_ABSENT;
}

enum fact iommu_unit_of(const struct iommu_firmware *firmware,
			const struct pci_topology *topology, const struct pci_node *node,
			uint64_t *ret_base)
{
	const struct ivrs_unit *unit;

	if (firmware->fact != FACT_KNOWN)
		return firmware->fact;
	node = requester(node);
	if (node->physical && firmware->kind == IOMMU_DMAR)
		node = node->physical;
	/* A domain that the table cannot name, or no known place: something is hidden. */
	if (node->device->address.domain > UINT16_MAX || !place_is_known(node))
		return FACT_UNREADABLE;
	if (firmware->kind == IOMMU_DMAR)
		return dmar_unit_of(&firmware->dmar, topology, node, ret_base);
	unit = ivrs_find_unit(&firmware->ivrs, (uint16_t)node->device->address.domain,
			      ivrs_node_id(node));
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

	if (firmware->fact != FACT_KNOWN || firmware->kind != IOMMU_IVRS ||
	    address.domain > UINT16_MAX)
		return NULL;
	unit = ivrs_find_unit(&firmware->ivrs, (uint16_t)address.domain,
			      ivrs_node_id(node));
	if (!unit || !ivrs_find_alias(unit, ivrs_node_id(node), &alias))
		return NULL;
	address.bus = (uint8_t)(alias >> 8);
	address.device = alias >> 3 & 0x1f;
	address.function = alias & 7;
	return pci_find_node(topology, &address);
}

enum fact iommu_unit_name(const struct host *host, const struct pci_device *device,
			  char *buffer, size_t size)
{
	_cleanup_(string_list_free) struct string_list units = { 0 };
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	enum fact fact;

	pci_attribute_path(&device->address, "iommu", path);
	fact = host_link_name(host, path, buffer, size);
	/* An AMD IOMMU is a function, and its own "iommu" a folder: the class's. */
	if (fact == FACT_UNREADABLE && host_list(host, path, &units) == 0)
		return FACT_ABSENT;
	return fact;
}
