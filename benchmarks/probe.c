/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What probe's mapping of memory takes, beside the least that it can take: the two ioctls
 * in a loop.
 *
 *     bench-probe GROUP ADDRESS
 *
 * with the group on VFIO and held by nobody. Both take turns in one process, in small
 * parts, since a machine is seldom as busy in one second as in the next. Prints for each
 * part who it was, the bytes of a piece, how many, and the nanoseconds of all mappings
 * and of all that take them back.
 */
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "host/host.h"
#include "vfio/pace.h"

static const struct {
	uint64_t piece, count;
	unsigned int rounds;
} sizes[] = {
	{ 1 << 12, 512, 60 },
	{ 1 << 21, 16, 60 },
	{ 1 << 30, 1, 9 },
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int map_all(int container, char *memory, uint64_t piece, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
			.vaddr = (uintptr_t)(memory + i * piece),
			.iova = piece + i * piece,
			.size = piece,
		};

		if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0)
			return -1;
	}
	return 0;
}

static int unmap_all(int container, uint64_t piece, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = piece + i * piece,
			.size = piece,
		};

		if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
			return -1;
	}
	return 0;
}

static void print(const char *who, uint64_t piece, uint64_t count, uint64_t map_ns,
		  uint64_t unmap_ns)
{
	printf("%s %llu %llu %llu %llu\n", who, (unsigned long long)piece,
	       (unsigned long long)count, (unsigned long long)map_ns,
	       (unsigned long long)unmap_ns);
}

/* Memory as probe's: at a multiple of the piece, its pages there already, huge if they
 * can be. */
static int run_floor(int container, uint64_t piece, uint64_t count)
{
	size_t len = piece * (count + 1);
	char *area = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	char *memory = (char *)(((uintptr_t)area + piece - 1) & ~(piece - 1));
	uint64_t begin, mapped;
	int r;

	if (area == MAP_FAILED)
		return -1;
	madvise(memory, piece * count, MADV_HUGEPAGE);
	memset(memory, 0, piece * count);
	begin = now_ns();
	r = map_all(container, memory, piece, count);
	mapped = now_ns();
	if (r == 0)
		r = unmap_all(container, piece, count);
	print("floor", piece, count, mapped - begin, now_ns() - mapped);
	munmap(area, len);
	return r;
}

static int run_probe(const struct vfio_session *session, const struct vfio_iommu *iommu,
		     uint64_t piece, uint64_t count)
{
	struct vfio_pace pace;

	if (vfio_pace_measure(session, iommu, piece, piece * count, &pace, NULL) < 0 ||
	    pace.count != count)
		return -1;
	print("probe", piece, count, pace.map_ns, pace.unmap_ns);
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(host_cleanup) struct host *host = NULL;
	_cleanup_(vfio_close) struct vfio_session session = { 0 };
	_cleanup_(vfio_iommu_free) struct vfio_iommu iommu = { 0 };
	struct vfio_transport transport;
	struct pci_address address;
	int r = 0;

	if (argc != 3 || pci_address_parse(argv[2], &address) < 0) {
		fprintf(stderr, "usage: bench-probe GROUP ADDRESS\n");
		return 2;
	}
	if (host_open_live(&host, NULL) < 0)
		return 1;
	vfio_transport_to(host, &transport);
	if (vfio_open_by_group(&transport, &address, (unsigned int)atoi(argv[1]),
			       &session, NULL) < 0 ||
	    vfio_iommu_describe(&session, &iommu, NULL) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (unsigned int round = 0; r == 0 && round < sizes[i].rounds; round++) {
			r = run_floor(session.iommu, sizes[i].piece, sizes[i].count);
			if (r == 0)
				r = run_probe(&session, &iommu, sizes[i].piece,
					      sizes[i].count);
		}
	return r < 0;
}
