/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_PROBE_H
#define PCIFERRY_VFIO_PROBE_H

/*
 * Whether a guest could have a device, by doing without a guest what one is started with:
 * open it in each way that the kernel has, look at all of it, map memory for it, take its
 * interrupts. docs/design/probe.md.
 */
#include "base/error.h"
#include "iommu/groups.h"
#include "vfio/compare.h"
#include "vfio/device.h"
#include "vfio/dma.h"
#include "vfio/dma_test.h"
#include "vfio/limit.h"
#include "vfio/pace.h"

enum { VFIO_WAYS = 2, VFIO_PACES = 3, VFIO_LOOPS = 5 };

/* An event that the kernel was asked to send as if the interrupt had come. */
enum vfio_loop {
	VFIO_LOOP_NONE, /* the device has no such interrupt, or it was not tried */
	VFIO_LOOP_CAME,
	VFIO_LOOP_LOST, /* within a second */
	VFIO_LOOP_REFUSED,
};

/* One way in. */
struct vfio_seen {
	enum vfio_way way;
	bool offered;	      /* the kernel has this way, for this device */
	enum vfio_step step;  /* how far it came */
	struct error failure; /* what stopped it, if anything did */

	unsigned int type; /* of the session, as its device_id */
	uint32_t device_id;
	struct vfio_iommu iommu;
	struct vfio_hot_reset hot_reset;
	struct vfio_pace paces[VFIO_PACES]; /* the smallest piece first */
	bool mapped;			    /* a page could be */
};

struct vfio_probe {
	struct vfio_seen ways[VFIO_WAYS];
	bool described; /* one of them came so far; what is below is as seen there */
	enum vfio_way described_by;
	struct vfio_device device;
	struct vfio_comparison configuration;
	enum vfio_loop loops[VFIO_LOOPS]; /* by the index of interrupts */
	bool was_reset;			  /* because it was asked for */
	struct vfio_dma_test dma;
	struct vfio_limit limit;
	unsigned int checked; /* bits, by step: each of the device's own is done once */
};

struct vfio_probe_request {
	const struct host *host;
	const struct vfio_transport *transport;
	const struct pci_device *device;
	const struct iommu_group *group; /* NULL: none */

	bool dma_test;	 /* have the device itself do DMA: vfio/dma_test.h */
	uint64_t memory; /* bytes of the guest that is to have it; 0: not asked */

	/*
	 * Asked for a reset: whether it may be, with what would be reset if the kernel
	 * chose the bus. 0, or -errno with err set, which ends the probe. NULL: no reset.
	 */
	int (*may_reset)(const struct vfio_hot_reset *set, void *argument,
			 struct error *err);
	void *argument;
};

/*
 * Probes. What stops a guest is in the result, not an error. Returns 0; -ENOMEM; or what
 * may_reset() returned.
 */
int vfio_probe(const struct vfio_probe_request *request, struct vfio_probe *ret_probe,
	       struct error *err);
void vfio_probe_free(struct vfio_probe *probe); /* takes NULL */

/*
 * What stops a guest from having it, and where that was noticed: what failed of the
 * device itself, by whichever way, else what stops the first way. NULL: nothing does,
 * by at least one way, and all that was asked for was done.
 */
const struct vfio_seen *vfio_probe_obstacle(const struct vfio_probe *probe);

#endif
