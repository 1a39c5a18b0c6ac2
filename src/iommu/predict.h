/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_PREDICT_H
#define PCIFERRY_IOMMU_PREDICT_H

/*
 * The groups that the kernel would make, from topology and configuration space alone, and
 * so also while the IOMMU is off: pci_device_group() in drivers/iommu/iommu.c (Linux 3.16
 * to 6.18). docs/design/predicted-groups.md tells the clauses, and what can differ.
 */
#include <stdbool.h>
#include <stddef.h>

#include "iommu/isolation.h"
#include "iommu/units.h"
#include "pci/config.h"
#include "pci/topology.h"

struct error;

/* Why a function is not in a group of its own. */
enum iommu_share {
	IOMMU_SHARES_NOTHING,
	IOMMU_SHARES_REQUESTER, /* `with` carries its DMA under one requester ID */
	IOMMU_SHARES_PATH,	/* `with`, a bridge above, does not keep the DMA of what
				   is behind it apart */
	IOMMU_SHARES_SLOT,	/* functions of its slot reach one another inside */
	IOMMU_SHARES_ALIAS,	/* `with` is a function whose requester ID it uses */
};

struct iommu_predicted {
	int group;	 /* an index, equal for members of one group; -1: in none */
	bool uncertain;	 /* a quirk of the kernel's may decide otherwise */
	bool unreadable; /* so may configuration space that could not be read */
	enum iommu_share share;
	const struct pci_device *with;	    /* NULL unless share says what it is */
	enum iommu_isolation_reason reason; /* of `with`, or of the function itself */
};

struct iommu_prediction {
	struct iommu_predicted *of_device; /* by the device's index */
	size_t count;
	int n_groups;
};

/*
 * configs: by the device's index. firmware and override may be NULL. Returns 0 or
 * -ENOMEM.
 */
int iommu_predict(const struct pci_topology *topology, const struct pci_config *configs,
		  const struct iommu_firmware *firmware,
		  const struct iommu_acs_override *override,
		  struct iommu_prediction *ret_prediction, struct error *err);
void iommu_prediction_free(struct iommu_prediction *prediction); /* takes NULL */

/* Whether a member of the group is uncertain, or rests on what could not be read. */
bool iommu_predicted_uncertain(const struct iommu_prediction *prediction, int group);

/*
 * One line why the function shares its group, for a person; "" when it shares nothing.
 */
void iommu_predicted_reason(const struct iommu_predicted *predicted, char *buffer,
			    size_t size);

#endif
