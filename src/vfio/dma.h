/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_DMA_H
#define PCIFERRY_VFIO_DMA_H

/* The address space in which an open device reaches memory. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "vfio/session.h"

struct error;

/* I/O virtual addresses; `end` is the last one. */
struct vfio_range {
	uint64_t start, end;
};

struct vfio_iommu {
	/* Bit n: pages of 2^n bytes. An iommufd does not tell, only what mappings have to
	 * be aligned to. */
	enum fact page_sizes_fact;
	uint64_t page_sizes;
	uint64_t alignment;

	enum fact ranges_fact; /* ABSENT: a kernel before 5.4 does not tell */
	struct vfio_range *ranges;
	size_t n_ranges;

	enum fact maps_left_fact; /* by group, since Linux 5.10 */
	uint32_t maps_left;	  /* how many mappings can be made now */
};

int vfio_iommu_describe(const struct vfio_session *session, struct vfio_iommu *ret_iommu,
			struct error *err);
void vfio_iommu_free(struct vfio_iommu *iommu); /* takes NULL */

/*
 * A place for len bytes at a multiple of alignment (a power of two), not above `last`,
 * which is the highest address that the device can reach; UINT64_MAX: all of them. The
 * first page is left out: an address of 0 is an accident too often. Returns whether there
 * is one.
 */
bool vfio_iommu_place(const struct vfio_iommu *iommu, uint64_t len, uint64_t alignment,
		      uint64_t last, uint64_t *ret_iova);

/* What the device may do with the memory. */
enum { VFIO_DMA_READ = 1 << 0, VFIO_DMA_WRITE = 1 << 1 };

/*
 * Lets the device reach len bytes of this process's memory at an address of its own, as
 * the session lasts or until it is unmapped; the pages stay in memory as long, and count
 * as locked. All three are multiples of a page. Returns 0 or -errno: -ENOMEM is the limit
 * of locked memory, -ENOSPC that of mappings, -EINVAL also a place out of range.
 */
int vfio_dma_map(const struct vfio_session *session, void *memory, uint64_t len,
		 uint64_t iova, unsigned int access, struct error *err);

/* What was mapped, as a whole. Returns 0 or -errno. */
int vfio_dma_unmap(const struct vfio_session *session, uint64_t iova, uint64_t len,
		   struct error *err);

#endif
