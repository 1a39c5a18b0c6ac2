/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_DEVICE_H
#define PCIFERRY_VFIO_DEVICE_H

/*
 * What VFIO tells of an open device (include/uapi/linux/vfio.h): regions, interrupts,
 * and what a reset of its bus takes along; and access to its regions.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci/address.h"
#include "vfio/session.h"

/* A part of a region that can be mapped, in bytes from the region's begin. */
struct vfio_area {
	uint64_t offset, size;
};

struct vfio_region {
	bool is_there; /* false: the kernel knows of none by this index */
	bool readable, writable, mappable;
	uint64_t size;	 /* bytes; 0: nothing is behind it */
	uint64_t offset; /* of its first byte, in the device's descriptor */

	/* With areas, only these can be mapped; without, where mappable, all of it. */
	bool is_sparse;
	struct vfio_area *areas;
	size_t n_areas;

	bool msix_mappable; /* the page of the MSI-X table can be mapped, too */

	/* Of those beyond what each PCI device has: what it is (VFIO_REGION_TYPE_...). */
	bool has_type;
	uint32_t type, subtype;
};

struct vfio_irq {
	bool is_there;
	unsigned int count; /* 0: the device has none of this type */
	bool eventfd, maskable, automasked;
	bool noresize; /* all that are wanted have to be set up at once */
};

/* By index: VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_MSIX_IRQ_INDEX and so on. */
struct vfio_device {
	bool is_pci;
	bool can_reset; /* by VFIO_DEVICE_RESET, alone */
	struct vfio_region *regions;
	size_t n_regions;
	struct vfio_irq *irqs;
	size_t n_irqs;
};

/* Returns 0 or -errno; -EPROTO where what the kernel says cannot be. */
int vfio_device_describe(const struct vfio_session *session,
			 struct vfio_device *ret_device, struct error *err);
void vfio_device_free(struct vfio_device *device); /* takes NULL */

/* "BAR 0", "option ROM", "configuration space", "VGA"; "INTx", "MSI-X", "error" (of
 * PCIe), "request" (the host wants the device back). NULL: no name. */
const char *vfio_region_name(size_t index);
const char *vfio_irq_name(size_t index);

/* The region by this index. NULL: it has no bytes, or is not there. */
const struct vfio_region *vfio_region(const struct vfio_device *device, size_t index);

/*
 * Reads or writes len bytes of a region at an offset from its begin. Returns 0 or -errno;
 * -EIO also where less was read or written, -ERANGE beyond its end.
 */
int vfio_region_read(const struct vfio_session *session, const struct vfio_region *region,
		     uint64_t offset, void *buffer, size_t len, struct error *err);
int vfio_region_write(const struct vfio_session *session,
		      const struct vfio_region *region, uint64_t offset,
		      const void *buffer, size_t len, struct error *err);

/* The memory of a device, in this process. */
struct vfio_mapping {
	void *memory;
	size_t len;
	const struct vfio_session *session;
};

/*
 * Maps len bytes of a region, a whole number of pages, at an offset from its begin, which
 * is one as well. Returns 0 or -errno; -EINVAL where the region does not allow it there.
 */
int vfio_region_map(const struct vfio_session *session, const struct vfio_region *region,
		    uint64_t offset, size_t len, struct vfio_mapping *ret_mapping,
		    struct error *err);
void vfio_region_unmap(struct vfio_mapping *mapping); /* takes NULL */

/* A function that is reset together with the device, itself among them. */
struct vfio_dependent {
	struct pci_address address;

	/* By group: its group. By cdev: whether the iommufd has it; and then its number
	 * there, or 0: it shares a group with one that is there. */
	unsigned int group;
	bool is_owned;
	uint32_t device_id;
};

struct vfio_hot_reset {
	bool possible;	 /* false: its user can reset neither its slot nor its bus */
	bool groupless;	 /* not possible, as one that would go along is in no group */
	bool by_devices; /* the entries tell numbers of devices, not groups */
	bool all_owned;	 /* by cdev: all of them are in the hands of this iommufd */
	struct vfio_dependent *items;
	size_t count;
};

/* The set that a hot reset takes. Resets nothing. Returns 0 or -errno. */
int vfio_hot_reset_set(const struct vfio_session *session, struct vfio_hot_reset *ret_set,
		       struct error *err);
void vfio_hot_reset_free(struct vfio_hot_reset *set); /* takes NULL */

#endif
