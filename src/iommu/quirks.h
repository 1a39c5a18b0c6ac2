/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_QUIRKS_H
#define PCIFERRY_IOMMU_QUIRKS_H

/*
 * Parts of which the kernel knows more than their configuration space says
 * (drivers/pci/quirks.c of Linux 6.18: pci_dev_acs_enabled[], quirk_dma_func0_alias and
 * its like). The common ones are here; for the rest it is known that the kernel has
 * something to say, and so that a prediction is uncertain.
 */
#include <stdint.h>

enum iommu_quirk {
	QUIRK_NONE,
	QUIRK_ROOT_PORT_ISOLATES, /* a root port that isolates without an ACS capability
				   */
	QUIRK_FUNCTIONS_ISOLATE,  /* functions that do not reach one another inside */
	QUIRK_SOUTHBRIDGE,	  /* the same, of AMD's on a root bus, with an IVRS */
	QUIRK_UNCERTAIN,	  /* the kernel has a rule that is not carried here */
};

enum iommu_quirk iommu_find_quirk(uint16_t vendor_id, uint16_t device_id);

/*
 * The function of its own slot whose requester ID the part uses as well; -1: none.
 */
int iommu_find_alias_function(uint16_t vendor_id, uint16_t device_id);

#endif
