/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_UNITS_H
#define PCIFERRY_IOMMU_UNITS_H

/*
 * The IOMMUs of a host, as the firmware's table describes them, and what of their work
 * the running kernel tells in /sys.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "iommu/dmar.h"
#include "iommu/ivrs.h"
#include "iommu/reserved.h"
#include "pci/topology.h"

struct error;

enum iommu_kind { IOMMU_NONE, IOMMU_DMAR, IOMMU_IVRS };

struct iommu_firmware {
	/*
	 * ABSENT: there is neither table. UNREADABLE: only root can read it, the copy of
	 * a host has none of the folders that would hold it, or it is damaged: then what
	 * came before the damage is in here, and not the whole truth.
	 */
	enum fact fact;
	enum iommu_kind kind;
	struct dmar dmar;
	struct ivrs ivrs;
	char damage[160]; /* what is wrong with the table and where; "": nothing */
};

/* Reads /sys/firmware/acpi/tables. Returns 0 or -ENOMEM. */
int iommu_firmware_read(const struct host *host, struct iommu_firmware *ret_firmware,
			struct error *err);
void iommu_firmware_free(struct iommu_firmware *firmware); /* takes NULL */

/*
 * Which unit the table gives a function to. FACT_KNOWN: *ret_base is the address of that
 * unit's registers. ABSENT: none, so that the function will be in no group. UNREADABLE:
 * the table says nothing that can be relied on.
 */
enum fact iommu_unit_of(const struct iommu_firmware *firmware,
			const struct pci_topology *topology, const struct pci_node *node,
			uint64_t *ret_base);

/* The function whose requester ID an IVRS says that this one uses; NULL: none. */
const struct pci_node *iommu_alias_of(const struct iommu_firmware *firmware,
				      const struct pci_topology *topology,
				      const struct pci_node *node);

/*
 * The name of the unit that the kernel uses for a function: "dmar0", "ivhd1". ABSENT: it
 * uses none, or the IOMMU is off.
 */
enum fact iommu_unit_name(const struct host *host, const struct pci_device *device,
			  char *buffer, size_t size);

#endif
