/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_DMA_LOG_H
#define PCIFERRY_VFIO_DMA_LOG_H

/* What the kernel's log says while a device is made to do DMA. Only for vfio/ itself. */
#include <stdint.h>

#include "base/text.h"
#include "iommu/requester.h"
#include "vfio/dma_test.h"

struct vfio_dma_log {
	const struct vfio_session *session;
	int fd; /* -1: it could not be read */
	int error;
	struct iommu_requesters requesters;
	uint64_t target;	   /* the address that is aimed at */
	struct string_list others; /* faults of these requesters, elsewhere */
	char stranger[256];	   /* a fault there, by another requester */
	bool lost;		   /* messages were written over before they were read */
};

/* From now on; what was said before does not count. */
void vfio_dma_log_begin(const struct vfio_dma_request *request,
			struct vfio_dma_log *ret_log, struct vfio_dma_test *test);

/* Whatever was said up to now is no proof of what is to come. */
void vfio_dma_log_forget(struct vfio_dma_log *log, uint64_t page_size);

/*
 * Waits for the line that says that a write to the target was held back, and sets what
 * the test says of the log; where there is none, the reason, too.
 */
void vfio_dma_log_await(struct vfio_dma_log *log, uint64_t page_size,
			unsigned int deadline_ms, struct vfio_dma_test *test);

/* Faults that tell why what should have worked did not. */
void vfio_dma_log_add_evidence(struct vfio_dma_log *log, uint64_t page_size,
			       struct error *err);
void vfio_dma_log_free(struct vfio_dma_log *log); /* takes NULL */

#endif
