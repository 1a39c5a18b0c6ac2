/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of a DMA test: pages that are pinned, and where they are in the machine's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vfio/dma_kind.h"
#include "vfio/internal.h"

/*
 * A few are enough where any will do; else many are looked through, up to 4 GiB: the
 * kernel gives away what is above 4 GiB first, and of the rest mostly the lowest.
 */
enum { AREA_SMALL = 1 << 16, AREA_LARGE = 128 << 20 };

/* What each IOMMU of x86 and Arm has; addresses of memory begin below. */
static const struct vfio_range usual = { 1ULL << 32, (1ULL << 39) - 1 };

/* At the end of the address space, since memory is rather at its begin. */
static bool place_pins(const struct vfio_iommu *iommu, uint64_t len, uint64_t *ret_place)
{
	bool is_known = iommu->ranges_fact == FACT_KNOWN;
	const struct vfio_range *ranges = is_known ? iommu->ranges : &usual;
	bool found = false;

	for (size_t i = 0; i < (is_known ? iommu->n_ranges : 1); i++) {
		uint64_t end = ranges[i].end < usual.end ? ranges[i].end : usual.end,
			 start;

		if (end < len || ranges[i].start > end)
			continue;
		start = (end - len + 1) & ~(len - 1);
		if (start < ranges[i].start || !start)
			continue;
		*ret_place = start;
		found = true;
	}
	return found;
}

/* Whether the device can be given a page at the address where it is. */
static bool is_usable(const struct vfio_dma_request *request, uint64_t last,
		      const struct vfio_dma_pages *pages, uint64_t address)
{
	const struct vfio_iommu *iommu = request->iommu;
	uint64_t end = address + pages->page_size - 1;
	uint64_t pins_end = pages->pins + (VFIO_DMA_PAGES + 1) * pages->page_size - 1;

	if (!address || end > last || (address <= pins_end && end >= pages->pins))
		return false;
	for (size_t i = 0; i < iommu->n_ranges; i++)
		if (address >= iommu->ranges[i].start && end <= iommu->ranges[i].end)
			return true;
	return iommu->ranges_fact != FACT_KNOWN;
}

static int locate(const struct vfio_dma_pages *pages, const void *memory, size_t count,
		  uint64_t *ret_addresses)
{
	const struct vfio_transport *transport = pages->session->transport;

	return transport->locate(transport, memory, count, ret_addresses);
}

/* Pinning may move a page: only then it is known where it stays. */
static int take_page(const struct vfio_dma_request *request, uint64_t last,
		     struct vfio_dma_pages *pages, uint8_t *memory, struct error *err)
{
	uint64_t pin = pages->pins + pages->count * pages->page_size, address = 0;
	int r = vfio_dma_map(pages->session, memory, pages->page_size, pin,
			     VFIO_DMA_READ | VFIO_DMA_WRITE, err);

	if (r < 0)
		return r;
	r = locate(pages, memory, 1, &address);
	if (r == 0 && is_usable(request, last, pages, address)) {
		pages->items[pages->count++] = (struct vfio_dma_page){ memory, address };
		return 0;
	}
	return vfio_dma_unmap(pages->session, pin, pages->page_size, err);
}

/* Pages of one area that are where they can be used. Returns 0 or -errno. */
static int look_through(const struct vfio_dma_request *request, uint64_t last,
			size_t wanted, struct vfio_dma_pages *pages, uint8_t *area,
			struct error *err)
{
	size_t count = pages->area_len / pages->page_size;
	_cleanup_free_ uint64_t *addresses = calloc(count, sizeof(*addresses));
	int r;

	if (!addresses)
		return error_oom(err);
	r = locate(pages, area, count, addresses);
	pages->hidden = r == -EPERM;
	if (r < 0)
		return vfio_failed("/proc/self/pagemap", "read", r, err);
	for (size_t i = 0; r == 0 && pages->count < wanted && i < count; i++)
		if (is_usable(request, last, pages, addresses[i]))
			r = take_page(request, last, pages, area + i * pages->page_size,
				      err);
	return r;
}

/* One more area, with its memory. NULL: too little would be left for all others. */
static uint8_t *add_area(struct vfio_dma_pages *pages)
{
	long free_pages = sysconf(_SC_AVPHYS_PAGES);
	void *area;

	if (pages->n_areas == VFIO_DMA_AREAS || free_pages < 0 ||
	    (size_t)free_pages < pages->spared + pages->area_len / pages->page_size)
		return NULL;
	area = mmap(NULL, pages->area_len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (area == MAP_FAILED)
		return NULL;
	/* A child's copy would have the process write to another page. */
	madvise(area, pages->area_len, MADV_DONTFORK);
	pages->areas[pages->n_areas++] = area;
	return area;
}

int vfio_dma_pages_take(const struct vfio_dma_request *request, uint64_t last,
			size_t count, struct vfio_dma_pages *ret_pages, char *ret_reason,
			size_t reason_size, struct error *err)
{
	struct vfio_dma_pages pages = {
		.session = request->session,
		.page_size = (size_t)sysconf(_SC_PAGESIZE),
		.area_len = last == UINT64_MAX ? AREA_SMALL : AREA_LARGE,
	};
	long free_pages = sysconf(_SC_AVPHYS_PAGES);
	uint8_t *area;
	int r = 0;

	pages.spared = free_pages > 0 ? (size_t)free_pages / 4 : 0;
	if (!place_pins(request->iommu, (VFIO_DMA_PAGES + 1) * pages.page_size,
			&pages.pins)) {
		snprintf(ret_reason, reason_size, "no room in its address space");
		return 0;
	}
	while (r == 0 && pages.count < count && (area = add_area(&pages)))
		r = look_through(request, last, count, &pages, area, err);
	if (r == 0 && pages.count == count) {
		*ret_pages = pages;
		return 1;
	}
	vfio_dma_pages_free(&pages);
	if (pages.hidden) {
		snprintf(ret_reason, reason_size,
			 "only root is told where memory is, and without that no address"
			 " is safe to aim at");
		error_clear(err);
		return 0;
	}
	if (r == 0 && last == UINT64_MAX)
		snprintf(ret_reason, reason_size,
			 "no page of memory was found where the IOMMU offers addresses");
	else if (r == 0)
		snprintf(ret_reason, reason_size,
			 "no page of memory was found up to 0x%llx, beyond which the"
			 " device does not reach, where the IOMMU offers addresses",
			 (unsigned long long)last);
	return r;
}

void vfio_dma_pages_free(struct vfio_dma_pages *pages)
{
	if (!pages)
		return;
	/* With the session they are gone. */
	for (size_t i = 0; i < pages->count && pages->session->iommu >= 0; i++)
		vfio_dma_unmap(pages->session, pages->pins + i * pages->page_size,
			       pages->page_size, NULL);
	for (size_t i = 0; i < pages->n_areas; i++)
		munmap(pages->areas[i], pages->area_len);
	pages->count = pages->n_areas = 0;
}
