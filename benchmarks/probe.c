/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that mapping memory for a device takes: the two ioctls in a loop.
 *
 *     bench-probe GROUP ADDRESS PIECE COUNT
 *
 * with the group on VFIO and held by nobody. The device is open meanwhile. Prints the
 * nanoseconds of all mappings, and of all that take them back. The memory is as probe's:
 * at a multiple of the piece, its pages there already, with huge ones where the kernel
 * has them.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int open_device(const char *number, const char *address)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), group;
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	group = open(path, O_RDWR | O_CLOEXEC);
	if (container < 0 || group < 0 ||
	    ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) < 0 ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0 ||
	    ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address) < 0)
		return -1;
	return container;
}

static int map_all(int container, char *memory, uint64_t piece, uint64_t count,
		   uint64_t iova)
{
	for (uint64_t i = 0; i < count; i++) {
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map),
			.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
			.vaddr = (uintptr_t)(memory + i * piece),
			.iova = iova + i * piece,
			.size = piece,
		};

		if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0)
			return -1;
	}
	return 0;
}

static int unmap_all(int container, uint64_t piece, uint64_t count, uint64_t iova)
{
	for (uint64_t i = 0; i < count; i++) {
		struct vfio_iommu_type1_dma_unmap unmap = {
			.argsz = sizeof(unmap),
			.iova = iova + i * piece,
			.size = piece,
		};

		if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t piece = argc == 5 ? strtoull(argv[3], NULL, 10) : 0;
	uint64_t count = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
	uint64_t begin, mapped, unmapped;
	int container = -1;
	char *area, *memory;

	if (!piece || !count || (container = open_device(argv[1], argv[2])) < 0) {
		fprintf(stderr, "usage: bench-probe GROUP ADDRESS PIECE COUNT\n");
		return 2;
	}
	area = mmap(NULL, piece * (count + 1), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return 1;
	memory = (char *)(((uintptr_t)area + piece - 1) & ~(piece - 1));
	madvise(memory, piece * count, MADV_HUGEPAGE);
	memset(memory, 0, piece * count);
	begin = now_ns();
	if (map_all(container, memory, piece, count, piece) < 0)
		return 1;
	mapped = now_ns();
	if (unmap_all(container, piece, count, piece) < 0)
		return 1;
	unmapped = now_ns();
	printf("%llu %llu\n", (unsigned long long)(mapped - begin),
	       (unsigned long long)(unmapped - mapped));
	return 0;
}
