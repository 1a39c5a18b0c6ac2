/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_ISOLATION_H
#define PCIFERRY_IOMMU_ISOLATION_H

/*
 * Whether a function keeps its DMA from other functions until the IOMMU has seen it: what
 * Access Control Services (PCIe 6.0, 6.12) are for, and what the kernel asks of them
 * before it gives functions groups of their own (pci_acs_enabled() in drivers/pci/pci.c
 * with PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF).
 *
 * Judged by the capability, not by its control register: a kernel with the IOMMU on turns
 * on what the capability offers (pci_std_enable_acs()), and what it does not offer counts
 * as hard-wired on (pci_acs_flags_enabled()). So the answer holds while the IOMMU is off.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci/config.h"
#include "pci/topology.h"

struct error;

/* What the out-of-tree kernel parameter pcie_acs_override would grant. */
enum { IOMMU_OVERRIDE_IDS = 16 };

struct iommu_acs_override {
	bool downstream;    /* root ports and downstream ports */
	bool multifunction; /* functions of multi-function devices */
	struct {
		uint16_t vendor_id, device_id;
	} ids[IOMMU_OVERRIDE_IDS];
	size_t n_ids;
};

/* "downstream,multifunction,id:8086:2030". Returns 0 or -EINVAL. */
int iommu_acs_override_parse(const char *text, struct iommu_acs_override *ret_override,
			     struct error *err);

/* Answers, with what they rest on. */
enum iommu_isolation_reason {
	ISOLATED_BY_ACS,
	ISOLATED_ALONE,	      /* a single function has no one to reach inside */
	ISOLATED_BY_QUIRK,    /* the kernel knows this part as isolating */
	ISOLATED_BY_OVERRIDE, /* pcie_acs_override says so; the hardware does not */
	OPEN_NO_ACS,
	OPEN_CONVENTIONAL, /* a PCI or PCI-X function, or a bridge to such a bus */
	OPEN_UNREADABLE,   /* what decides it could not be read: taken for open */
};

struct iommu_isolation {
	bool isolated;
	bool uncertain; /* a kernel quirk, or what could not be read, may decide otherwise
			 */
	enum iommu_isolation_reason reason;
};

/* Whether the function counts as one of several in its slot (pci_scan_slot()). */
bool iommu_is_multifunction(const struct pci_node *node, const struct pci_config *config);

struct iommu_isolation iommu_isolation(const struct pci_node *node,
				       const struct pci_config *config,
				       const struct iommu_acs_override *override);

/* "it offers no ACS": for a sentence about the function. */
const char *iommu_isolation_words(enum iommu_isolation_reason reason);

#endif
