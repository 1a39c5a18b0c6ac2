/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_DMA_TEST_H
#define PCIFERRY_VFIO_DMA_TEST_H

/*
 * Whether an open device is kept to the memory that it was given: the device itself is
 * made to write there, and where it was given none. docs/design/probe.md tells what could
 * be hit if nothing held it back: memory of this process alone where no address is
 * translated, another's where it is translated for that one.
 */
#include <stdbool.h>
#include <stdint.h>

#include "host/host.h"
#include "pci/device.h"
#include "vfio/device.h"
#include "vfio/dma.h"

struct error;

enum vfio_dma_verdict {
	VFIO_DMA_NOT_ASKED,
	VFIO_DMA_ISOLATED,     /* held back, by both proofs */
	VFIO_DMA_NOT_PROVEN,   /* neither: `reason` */
	VFIO_DMA_NOT_ISOLATED, /* it wrote where it was given nothing */
	VFIO_DMA_FAILED,       /* the device did not do what it was told to */
};

/* "isolated", "not_proven", ...: stable, for JSON. */
const char *vfio_dma_verdict_name(enum vfio_dma_verdict verdict);

struct vfio_dma_test {
	enum vfio_dma_verdict verdict;
	const char *kind; /* what it is tested as: "nvme", "edu", "82574" */
	bool reached;	  /* it wrote into memory that it was given */

	bool has_interrupt; /* false: it has none, or it did not come so far */
	unsigned int irq;   /* the index of its type, for vfio_irq_name() */
	bool interrupted;   /* the device's own came */

	bool aimed;	    /* it was told to write where it was given nothing: */
	uint64_t outside;   /* there, which is also where the memory is */
	bool unchanged;	    /* the memory is as it was */
	enum fact log_fact; /* of the kernel's log */
	char fault[256];    /* the line that tells of it; "": none does */
	struct pci_address requester; /* that it names */
	bool by_alias; /* which stands for the device, and is not its own */

	char reason[256]; /* of what is not proven; "": proven */
};

struct vfio_dma_request {
	const struct host *host;
	const struct pci_device *device;
	struct vfio_session *session; /* closed at the end, if it was made to do DMA */
	const struct vfio_device *described;
	const struct vfio_iommu *iommu;
};

/* Whether there is a test for such a device. Returns 0 or -EOPNOTSUPP. */
int vfio_dma_can_test(const struct pci_device *device, struct error *err);

/*
 * Whether this host outlives a fault that its firmware answers with an NMI. Returns 0, or
 * -EBUSY and a refusal.
 */
int vfio_dma_check_panic(const struct host *host, struct error *err);

/*
 * Takes seconds. At the end the device is stopped, bus mastering is off, and the session
 * closed before its memory is given back. *ret_test is filled in any case. Returns 0
 * where it is isolated or not proven, else -errno.
 */
int vfio_dma_test(const struct vfio_dma_request *request, struct vfio_dma_test *ret_test,
		  struct error *err);

#endif
