/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/scope.h"

const struct pci_node *dmar_scope_node(const struct pci_topology *topology,
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

bool dmar_names_node(const struct dmar_structure *structure,
		     const struct pci_topology *topology, const struct pci_node *node)
{
	for (size_t i = 0; i < structure->n_scopes; i++) {
		const struct dmar_scope *scope = &structure->scopes[i];
		const struct pci_node *named =
			dmar_scope_node(topology, structure->segment, scope);

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

uint16_t ivrs_node_id(const struct pci_node *node)
{
	const struct pci_address *address = &node->device->address;

	return (uint16_t)(address->bus << 8 | address->device << 3 | address->function);
}

bool iommu_is_segment(uint16_t segment, const struct pci_node *node)
{
	return segment == node->device->address.domain;
}
