/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/pace.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/error.h"

enum {
	/* Small pieces: enough to be timed, far fewer than a container's 65535 mappings
	 * (dma_entry_limit of vfio_iommu_type1). */
	COUNT_MAX = 16384,
	HUGE_SHIFT = 26, /* MAP_HUGE_SHIFT: the logarithm of the size is in the flags */
};

/* Of larger pieces: as much as a small guest. */
#define TOTAL_MAX (256ULL << 20)

/* What is mapped for the device; `area` is what munmap() wants. */
struct memory {
	void *area, *start;
	size_t area_len;
	bool huge;
};

static size_t choose_count(const struct vfio_iommu *iommu, uint64_t piece,
			   uint64_t budget)
{
	uint64_t total = piece > TOTAL_MAX ? piece : TOTAL_MAX;
	uint64_t count = (budget < total ? budget : total) / piece;

	if (count > COUNT_MAX)
		count = COUNT_MAX;
	if (iommu->maps_left_fact == FACT_KNOWN && count > iommu->maps_left)
		count = iommu->maps_left;
	return (size_t)count;
}

/* From the pool of huge pages, where there are enough free ones of that size. */
static bool take_huge(uint64_t piece, size_t len, struct memory *memory)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE |
		    __builtin_ctzll(piece) << HUGE_SHIFT;
	void *area;

	if (piece < 1 << 20)
		return false;
	area = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (area == MAP_FAILED)
		return false;
	*memory = (struct memory){ area, area, len, true };
	return true;
}

/* It has its pages before the clock runs, which else would time the kernel's zeroing. */
static int take_memory(uint64_t piece, size_t count, struct memory *memory)
{
	size_t len = (size_t)piece * count, area_len = len + (size_t)piece;
	uintptr_t start;
	void *area;

	if (take_huge(piece, len, memory))
		return 0;
	area = mmap(NULL, area_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (area == MAP_FAILED)
		return -errno;
	start = ((uintptr_t)area + piece - 1) & ~((uintptr_t)piece - 1);
	*memory = (struct memory){ area, (void *)start, area_len, false };
	madvise(memory->start, len, MADV_HUGEPAGE);
	memset(memory->start, 0, len);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int run(const struct vfio_session *session, const struct memory *memory,
	       uint64_t iova, struct vfio_pace *pace, struct error *err)
{
	uint64_t begin = now_ns();
	size_t mapped = 0;
	int r = 0;

	while (r == 0 && mapped < pace->count) {
		r = vfio_dma_map(session, (char *)memory->start + mapped * pace->piece,
				 pace->piece, iova + mapped * pace->piece,
				 VFIO_DMA_READ | VFIO_DMA_WRITE, err);
		mapped += r == 0;
	}
	pace->map_ns = now_ns() - begin;
	begin = now_ns();
	/* After a failure, too: what failed is told, not what goes wrong then. */
	for (size_t i = 0; i < mapped; i++) {
		int failed = vfio_dma_unmap(session, iova + i * pace->piece, pace->piece,
					    r == 0 ? err : NULL);

		r = r == 0 ? failed : r;
	}
	pace->unmap_ns = now_ns() - begin;
	return r;
}

int vfio_pace_measure(const struct vfio_session *session, const struct vfio_iommu *iommu,
		      uint64_t piece, uint64_t budget, struct vfio_pace *ret_pace,
		      struct error *err)
{
	struct vfio_pace pace = { .piece = piece, .budget = budget };
	struct memory memory = { 0 };
	uint64_t iova;
	int r;

	pace.has_page = iommu->page_sizes_fact != FACT_KNOWN ? FACT_UNREADABLE
			: iommu->page_sizes & piece	     ? FACT_KNOWN
							     : FACT_ABSENT;
	pace.count = choose_count(iommu, piece, budget);
	if (!vfio_iommu_place(iommu, pace.count * piece, piece, UINT64_MAX, &iova))
		pace.count = 0;
	if (!pace.count) {
		*ret_pace = pace;
		return 0;
	}
	r = take_memory(piece, pace.count, &memory);
	if (r < 0) {
		error_set(err, -r, session->device_name, "%zu MiB of memory: %s",
			  pace.count * piece >> 20, strerror(-r));
		pace.count = 0;
		*ret_pace = pace;
		return r;
	}
	pace.huge = memory.huge;
	r = run(session, &memory, iova, &pace, err);
	munmap(memory.area, memory.area_len);
	if (r < 0)
		pace.count = 0;
	*ret_pace = pace;
	return r;
}
