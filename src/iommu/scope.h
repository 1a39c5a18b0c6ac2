/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_SCOPE_H
#define PCIFERRY_IOMMU_SCOPE_H

/*
 * Which functions the tables mean. The path of a DMAR's device scope (Intel VT-d 4.1,
 * 8.3.1) begins at a bus number and goes down by device and function, so that it holds
 * whatever numbers the buses below have got; an IVRS has bus numbers.
 */
#include <stdbool.h>
#include <stdint.h>

#include "iommu/dmar.h"
#include "pci/topology.h"

/*
 * The function at the end of a scope's path. NULL: it is not on this host, or the scope
 * is for no PCI function (an I/O APIC, an HPET, a device of the ACPI namespace).
 */
const struct pci_node *dmar_scope_node(const struct pci_topology *topology,
				       uint16_t segment, const struct dmar_scope *scope);

/* Whether one of a structure's scopes names the function, or a bridge above it. */
bool dmar_names_node(const struct dmar_structure *structure,
		     const struct pci_topology *topology, const struct pci_node *node);

/* The ID by which an IVRS names the function, without its segment. */
uint16_t ivrs_node_id(const struct pci_node *node);

/* Whether it is the segment that the function is in. */
bool iommu_is_segment(uint16_t segment, const struct pci_node *node);

#endif
