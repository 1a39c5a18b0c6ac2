/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_GROUPS_H
#define PCIFERRY_IOMMU_GROUPS_H

/*
 * IOMMU groups: the smallest sets of functions that the IOMMU can tell apart, and so the
 * smallest thing that a guest can get (Documentation/driver-api/vfio.rst).
 */
#include <stdbool.h>
#include <stddef.h>

#include "host/host.h"
#include "pci/device.h"

struct error;

struct iommu_group {
	unsigned int number;	     /* not stable from one boot to the next */
	struct pci_device **members; /* sorted by address */
	size_t count;
};

struct iommu_groups {
	struct iommu_group *items; /* sorted by number */
	size_t count;
	struct iommu_group **of_device; /* by the device's index; NULL: in no group */
	struct pci_device **member_room;
	const struct pci_devices *devices;
};

/*
 * Sorts the devices into their groups. The devices must outlive the groups. Returns 0 or
 * -ENOMEM.
 */
int iommu_scan(const struct pci_devices *devices, struct iommu_groups *ret_groups,
	       struct error *err);
void iommu_groups_free(struct iommu_groups *groups); /* takes NULL */

/* NULL: in none, or not known; *ret_fact (may be NULL) tells which. */
const struct iommu_group *iommu_group_of(const struct iommu_groups *groups,
					 const struct pci_device *device,
					 enum fact *ret_fact);
const struct iommu_group *iommu_find_group(const struct iommu_groups *groups,
					   unsigned int number);

/*
 * Whether a member stays with the host when its group goes to a guest: bridges, which
 * VFIO does not take (vfio_pci_core_register_device refuses header type 1), and host
 * bridges.
 */
bool iommu_member_stays(const struct pci_device *member);

/* By its name: vfio-pci, and variants such as mlx5_vfio_pci. */
bool iommu_is_vfio_driver(const char *driver);

/*
 * Whether a member on its present driver lets VFIO have the group: no driver, a VFIO
 * driver, or one that does no DMA of its own, pcieport and pci-stub (driver_managed_dma
 * in struct device_driver, since Linux 5.19; before, any bridge). *ret_driver: the one in
 * the way.
 */
bool iommu_member_allows_vfio(const struct pci_device *member, const char **ret_driver);

/* The group's type, "DMA", "DMA-FQ", "identity", ... (since Linux 5.11). */
enum fact iommu_group_type(const struct host *host, const struct iommu_group *group,
			   char *buffer, size_t size);

#endif
