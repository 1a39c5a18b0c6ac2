/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_PACE_H
#define PCIFERRY_VFIO_PACE_H

/* How fast memory is mapped for an open device, and unmapped. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/dma.h"

struct error;

struct vfio_pace {
	uint64_t piece;	    /* bytes of one mapping */
	enum fact has_page; /* whether the IOMMU has pages as large; by cdev not known */
	size_t count;	    /* of the mappings; 0: not tried, since */
	uint64_t budget;    /* no more bytes than these could be locked */
	bool huge;	    /* each was one huge page of memory; else of ordinary ones */
	uint64_t map_ns, unmap_ns; /* of all of them together */
};

/*
 * Maps memory in as many pieces as `budget` bytes, the mappings left and a second of
 * work allow, one after the other, then unmaps it so. The piece is a power of two. A
 * piece that has no room is not tried, which is no failure. Returns 0 or -errno.
 */
int vfio_pace_measure(const struct vfio_session *session, const struct vfio_iommu *iommu,
		      uint64_t piece, uint64_t budget, struct vfio_pace *ret_pace,
		      struct error *err);

#endif
