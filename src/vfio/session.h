/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_SESSION_H
#define PCIFERRY_VFIO_SESSION_H

/*
 * A device that is open through VFIO, in an address space of its own for DMA. There are
 * two ways: group and container, which every kernel with VFIO had until now, and the
 * device's own node with an iommufd (Linux 6.6, CONFIG_VFIO_DEVICE_CDEV). Either is asked
 * for at run time.
 *
 * The kernel itself resets a function as it is opened, and tries to as it is closed
 * (vfio_pci_core_enable(), _disable() in drivers/vfio/pci/vfio_pci_core.c). Nothing in
 * here asks for a reset but vfio_reset().
 */
#include <stdint.h>

#include "pci/address.h"
#include "vfio/transport.h"

struct error;

enum vfio_way { VFIO_BY_GROUP, VFIO_BY_CDEV };

/* What was last tried on the way in, and with what is open (vfio_probe()). */
enum vfio_step {
	VFIO_STEP_LOOK,	     /* its driver and its group, in sysfs */
	VFIO_STEP_CONTAINER, /* open /dev/vfio/vfio */
	VFIO_STEP_GROUP,     /* open /dev/vfio/N */
	VFIO_STEP_VIABLE,    /* VFIO_GROUP_GET_STATUS */
	VFIO_STEP_JOIN,	     /* VFIO_GROUP_SET_CONTAINER */
	VFIO_STEP_IOMMU,     /* VFIO_SET_IOMMU: the group comes to the IOMMU's driver */
	VFIO_STEP_DEVICE,    /* VFIO_GROUP_GET_DEVICE_FD */
	VFIO_STEP_IOMMUFD,   /* open /dev/iommu */
	VFIO_STEP_CDEV,	     /* open /dev/vfio/devices/vfioN */
	VFIO_STEP_BIND,	     /* VFIO_DEVICE_BIND_IOMMUFD */
	VFIO_STEP_SPACE,     /* IOMMU_IOAS_ALLOC */
	VFIO_STEP_ATTACH,    /* VFIO_DEVICE_ATTACH_IOMMUFD_PT */
	VFIO_STEP_OPEN,	     /* it is open */
	VFIO_STEP_DESCRIBE,  /* ask for regions, interrupts, the address space */
	VFIO_STEP_RESET,     /* VFIO_DEVICE_RESET */
	VFIO_STEP_CONFIG,    /* read configuration space */
	VFIO_STEP_MAP,	     /* map memory for DMA */
	VFIO_STEP_INTERRUPT, /* VFIO_DEVICE_SET_IRQS */
	VFIO_STEP_DMA,	     /* have the device itself do DMA */
	VFIO_STEP_LOCK,	     /* the limit of locked memory */
	VFIO_STEP_DONE,
};

/* "open_container", "set_iommu", ...: stable, for JSON. */
const char *vfio_step_name(enum vfio_step step);

struct vfio_session {
	const struct vfio_transport *transport;
	enum vfio_way way;
	enum vfio_step step;
	char device_name[PCI_ADDRESS_SIZE];
	int iommu;  /* the container, or the iommufd */
	int group;  /* -1: by cdev */
	int device; /* -1: not open */

	unsigned int type;  /* by group: VFIO_TYPE1v2_IOMMU or VFIO_TYPE1_IOMMU */
	uint32_t device_id; /* by cdev: the device's number in the iommufd */
	uint32_t space;	    /* by cdev: that of its address space (IOAS) */
};

/*
 * Opens a function by its group. The transport must outlive the session. On failure
 * *ret_session is closed, and its step tells how far it came; the error names the node
 * and what the kernel said. Returns 0 or -errno.
 */
int vfio_open_by_group(const struct vfio_transport *transport,
		       const struct pci_address *address, unsigned int group,
		       struct vfio_session *ret_session, struct error *err);

/* The same by its own node, /dev/vfio/devices/<name>. */
int vfio_open_by_cdev(const struct vfio_transport *transport,
		      const struct pci_address *address, const char *name,
		      struct vfio_session *ret_session, struct error *err);

/* Takes NULL, and one that is closed. What was mapped for DMA goes with it. */
void vfio_close(struct vfio_session *session);

/* "type1v2" or "type1", of a session by group; NULL: by cdev, or it did not come so far.
 */
const char *vfio_type_name(unsigned int type);

/* VFIO_DEVICE_RESET: the function, by whichever way the kernel prefers. 0 or -errno. */
int vfio_reset(const struct vfio_session *session, struct error *err);

#endif
