/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/dma.h"

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vfio/internal.h"

/* A few holes in an address space are usual. */
enum { RANGES_MAX = 4096 };

static int check_ranges(const struct vfio_iommu *iommu)
{
	for (size_t i = 0; i < iommu->n_ranges; i++)
		if (iommu->ranges[i].end < iommu->ranges[i].start)
			return -EPROTO;
	return 0;
}

static int add_ranges(struct vfio_iommu *iommu, const struct vfio_info_cap_header *header,
		      size_t len)
{
	struct vfio_iommu_type1_info_cap_iova_range told;
	struct vfio_iova_range from;

	if (len < sizeof(told) || iommu->ranges)
		return -EPROTO;
	memcpy(&told, header, sizeof(told));
	if (told.nr_iovas > RANGES_MAX ||
	    !vfio_answer_holds(len, sizeof(told), told.nr_iovas, sizeof(from)))
		return -EPROTO;
	iommu->ranges = calloc(told.nr_iovas + 1, sizeof(*iommu->ranges));
	if (!iommu->ranges)
		return -ENOMEM;
	iommu->ranges_fact = FACT_KNOWN;
	iommu->n_ranges = told.nr_iovas;
	for (size_t i = 0; i < iommu->n_ranges; i++) {
		memcpy(&from, vfio_answer_item(header, sizeof(told), i, sizeof(from)),
		       sizeof(from));
		iommu->ranges[i].start = from.start;
		iommu->ranges[i].end = from.end;
	}
	return check_ranges(iommu);
}

static int add_capability(struct vfio_iommu *iommu,
			  const struct vfio_info_cap_header *header, size_t len)
{
	const struct vfio_iommu_type1_info_dma_avail *left = (const void *)header;

	switch (header->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		return add_ranges(iommu, header, len);
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		if (len < sizeof(*left))
			return -EPROTO;
		iommu->maps_left_fact = FACT_KNOWN;
		iommu->maps_left = left->avail;
		return 0;
	}
	return 0;
}

static int describe_type1(const struct vfio_session *session, struct vfio_iommu *iommu)
{
	_cleanup_(vfio_answer_free) struct vfio_answer answer = { 0 };
	const struct vfio_iommu_type1_info question = { 0 }, *info;
	const struct vfio_info_cap_header *header;
	uint32_t at = 0;
	size_t len;
	int r;

	r = vfio_ask(session->transport, session->iommu, VFIO_IOMMU_GET_INFO, &question,
		     sizeof(question), &answer);
	if (r < 0)
		return r;
	info = (const void *)answer.bytes;
	if (info->flags & VFIO_IOMMU_INFO_PGSIZES && info->iova_pgsizes) {
		iommu->page_sizes_fact = FACT_KNOWN;
		iommu->page_sizes = info->iova_pgsizes;
		iommu->alignment = info->iova_pgsizes & -info->iova_pgsizes;
	}
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		at = info->cap_offset;
	while ((r = vfio_answer_next(&answer, &at, &header, &len)) == 1) {
		r = add_capability(iommu, header, len);
		if (r < 0)
			break;
	}
	return r;
}

/* By asking how many there are, and then for as many. */
static int describe_space(const struct vfio_session *session, struct vfio_iommu *iommu)
{
	_cleanup_free_ struct iommu_iova_range *ranges = NULL;
	struct iommu_ioas_iova_ranges question = {
		.size = sizeof(question),
		.ioas_id = session->space,
	};
	uint32_t room;
	int r = vfio_ioctl(session, session->iommu, IOMMU_IOAS_IOVA_RANGES, &question);

	if (r < 0 && r != -EMSGSIZE)
		return r;
	room = question.num_iovas;
	if (room > RANGES_MAX)
		return -EPROTO;
	ranges = calloc(room + 1, sizeof(*ranges));
	iommu->ranges = calloc(room + 1, sizeof(*iommu->ranges));
	if (!ranges || !iommu->ranges)
		return -ENOMEM;
	question.allowed_iovas = (uintptr_t)ranges;
	r = vfio_ioctl(session, session->iommu, IOMMU_IOAS_IOVA_RANGES, &question);
	if (r < 0)
		return r;
	if (question.num_iovas > room)
		return -EPROTO;
	iommu->alignment = question.out_iova_alignment;
	iommu->ranges_fact = FACT_KNOWN;
	iommu->n_ranges = question.num_iovas;
	for (size_t i = 0; i < iommu->n_ranges; i++) {
		iommu->ranges[i].start = ranges[i].start;
		iommu->ranges[i].end = ranges[i].last;
	}
	return check_ranges(iommu);
}

int vfio_iommu_describe(const struct vfio_session *session, struct vfio_iommu *ret_iommu,
			struct error *err)
{
	bool by_group = session->way == VFIO_BY_GROUP;
	const char *what = by_group ? "VFIO_IOMMU_GET_INFO" : "IOMMU_IOAS_IOVA_RANGES";
	struct vfio_iommu iommu = { 0 };
	int r = by_group ? describe_type1(session, &iommu)
			 : describe_space(session, &iommu);

	if (r == 0) {
		*ret_iommu = iommu;
		return 0;
	}
	vfio_iommu_free(&iommu);
	return vfio_failed(session->device_name, what, r, err);
}

void vfio_iommu_free(struct vfio_iommu *iommu)
{
	if (!iommu)
		return;
	free(iommu->ranges);
	*iommu = (struct vfio_iommu){ 0 };
}

static bool place_within(const struct vfio_range *range, uint64_t len, uint64_t alignment,
			 uint64_t last, uint64_t *ret_iova)
{
	uint64_t lowest = range->start ? range->start : 1;
	uint64_t start = (lowest + alignment - 1) & ~(alignment - 1);
	uint64_t end = range->end < last ? range->end : last;

	if (start < lowest || start > end || len - 1 > end - start)
		return false;
	*ret_iova = start;
	return true;
}

bool vfio_iommu_place(const struct vfio_iommu *iommu, uint64_t len, uint64_t alignment,
		      uint64_t last, uint64_t *ret_iova)
{
	/* Where the kernel does not tell: what each IOMMU of x86 and Arm leaves free. */
	static const struct vfio_range usual = { 1ULL << 32, (1ULL << 39) - 1 };
	static const struct vfio_range low = { 1ULL << 20, (1ULL << 27) - 1 };

	if (!len || !alignment)
		return false;
	if (iommu->ranges_fact != FACT_KNOWN)
		return place_within(&usual, len, alignment, last, ret_iova) ||
		       place_within(&low, len, alignment, last, ret_iova);
	for (size_t i = 0; i < iommu->n_ranges; i++)
		if (place_within(&iommu->ranges[i], len, alignment, last, ret_iova))
			return true;
	return false;
}

static int map_type1(const struct vfio_session *session, void *memory, uint64_t len,
		     uint64_t iova, unsigned int access)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = (access & VFIO_DMA_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (access & VFIO_DMA_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = len,
	};

	return vfio_ioctl(session, session->iommu, VFIO_IOMMU_MAP_DMA, &map);
}

static int map_space(const struct vfio_session *session, void *memory, uint64_t len,
		     uint64_t iova, unsigned int access)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA |
			 (access & VFIO_DMA_READ ? IOMMU_IOAS_MAP_READABLE : 0) |
			 (access & VFIO_DMA_WRITE ? IOMMU_IOAS_MAP_WRITEABLE : 0),
		.ioas_id = session->space,
		.user_va = (uintptr_t)memory,
		.length = len,
		.iova = iova,
	};

	return vfio_ioctl(session, session->iommu, IOMMU_IOAS_MAP, &map);
}

int vfio_dma_map(const struct vfio_session *session, void *memory, uint64_t len,
		 uint64_t iova, unsigned int access, struct error *err)
{
	bool by_group = session->way == VFIO_BY_GROUP;
	int r = by_group ? map_type1(session, memory, len, iova, access)
			 : map_space(session, memory, len, iova, access);

	if (r >= 0)
		return 0;
	vfio_failed(session->device_name,
		    by_group ? "VFIO_IOMMU_MAP_DMA" : "IOMMU_IOAS_MAP", r, err);
	if (r == -ENOMEM)
		error_hint(err, "ulimit -l is how much memory may be locked; root may"
				" lock all");
	return r;
}

int vfio_dma_unmap(const struct vfio_session *session, uint64_t iova, uint64_t len,
		   struct error *err)
{
	struct vfio_iommu_type1_dma_unmap type1 = { .argsz = sizeof(type1),
						    .iova = iova,
						    .size = len };
	struct iommu_ioas_unmap space = {
		.size = sizeof(space),
		.ioas_id = session->space,
		.iova = iova,
		.length = len,
	};
	bool by_group = session->way == VFIO_BY_GROUP;
	const char *what = by_group ? "VFIO_IOMMU_UNMAP_DMA" : "IOMMU_IOAS_UNMAP";
	int r = by_group ? vfio_ioctl(session, session->iommu, VFIO_IOMMU_UNMAP_DMA,
				      &type1)
			 : vfio_ioctl(session, session->iommu, IOMMU_IOAS_UNMAP, &space);

	if (r < 0)
		return vfio_failed(session->device_name, what, r, err);
	/* Both say how much it was. */
	if ((by_group ? type1.size : space.length) != len)
		return error_set(err, ENOENT, session->device_name,
				 "%s: not all of it was mapped", what);
	return 0;
}
