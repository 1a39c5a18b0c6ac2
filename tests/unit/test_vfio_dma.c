/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a device can reach memory, and what is asked of the kernel for it. */
#include "kernel.h"

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/error.h"
#include "vfio/dma.h"

/* One capability right behind the other, as older kernels have them. */
struct type1_answer {
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info_dma_avail left;
	/* vfio_iommu_type1_info_cap_iova_range, of two. */
	struct {
		struct vfio_info_cap_header header;
		uint32_t nr_iovas, reserved;
		struct vfio_iova_range items[2];
	} __attribute__((packed)) ranges;
} __attribute__((packed));

static void make_type1(struct type1_answer *answer)
{
	uint32_t argsz = answer->info.argsz;

	answer->info.argsz = sizeof(*answer);
	answer->info.flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	answer->info.iova_pgsizes = 1 << 12 | 1 << 21;
	answer->info.cap_offset = 0;
	if (argsz < sizeof(*answer))
		return;
	answer->info.cap_offset = offsetof(struct type1_answer, left);
	answer->left = (struct vfio_iommu_type1_info_dma_avail){
		.header = { VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1,
			    offsetof(struct type1_answer, ranges) },
		.avail = 65535,
	};
	answer->ranges.header =
		(struct vfio_info_cap_header){ VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1,
					       0 };
	answer->ranges.nr_iovas = 2;
	answer->ranges.items[0] = (struct vfio_iova_range){ 0, 0xfedfffff };
	answer->ranges.items[1] =
		(struct vfio_iova_range){ 0xfef00000, (1ULL << 39) - 1 };
}

static void tells_type1(void *argument)
{
	make_type1(argument);
}

static void tells_an_inverted_range(void *argument)
{
	struct type1_answer *answer = argument;
	bool has_room = answer->info.argsz >= sizeof(*answer);

	make_type1(answer);
	if (has_room)
		answer->ranges.items[1].end = 0;
}

static void tells_too_many_ranges(void *argument)
{
	struct type1_answer *answer = argument;
	bool has_room = answer->info.argsz >= sizeof(*answer);

	make_type1(answer);
	if (has_room)
		answer->ranges.nr_iovas = 3;
}

/* A kernel before 5.4, which fills in no more than it knows of. */
static void tells_page_sizes_alone(void *argument)
{
	struct vfio_iommu_type1_info *info = argument;

	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = 1 << 12;
}

#define TELLS_IOMMU(answer_, times_)                                                   \
	{                                                                              \
		.call = KERNEL_IOCTL, .fd = CONTAINER, .request = VFIO_IOMMU_GET_INFO, \
		.answer = (answer_), .times = (times_)                                 \
	}

static int describe(const struct kernel_row *rows, bool by_cdev, struct vfio_iommu *iommu,
		    struct error *err)
{
	struct vfio_session session;
	struct kernel kernel;
	int r;

	kernel_begin(&kernel, rows);
	if (by_cdev)
		kernel_enter_by_cdev(&kernel, &session);
	else
		kernel_enter_by_group(&kernel, &session);
	r = vfio_iommu_describe(&session, iommu, err);
	vfio_close(&session);
	kernel_expect_end(&kernel);
	return r;
}

static void a_container_tells_its_pages_ranges_and_room(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		TELLS_IOMMU(tells_type1, 2),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_iommu iommu;

	(void)state;
	assert_int_equal(describe(rows, false, &iommu, &err), 0);
	assert_int_equal(iommu.page_sizes, 1 << 12 | 1 << 21);
	assert_int_equal(iommu.alignment, 1 << 12);
	assert_int_equal(iommu.maps_left, 65535);
	assert_int_equal(iommu.n_ranges, 2);
	assert_int_equal(iommu.ranges[1].start, 0xfef00000);
	vfio_iommu_free(&iommu);
}

static void an_old_container_leaves_unknown_what_it_does_not_tell(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		TELLS_IOMMU(tells_page_sizes_alone, 1),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_iommu iommu;
	uint64_t iova;

	(void)state;
	assert_int_equal(describe(rows, false, &iommu, &err), 0);
	assert_int_equal(iommu.page_sizes_fact, FACT_KNOWN);
	assert_int_equal(iommu.ranges_fact, FACT_ABSENT);
	assert_int_equal(iommu.maps_left_fact, FACT_ABSENT);
	/* There is a place all the same; also for a device of 28 bits. */
	assert_true(vfio_iommu_place(&iommu, 1 << 30, 1 << 30, UINT64_MAX, &iova));
	assert_true(vfio_iommu_place(&iommu, 4096, 4096, (1 << 28) - 1, &iova));
	assert_true(iova < 1 << 28);
	vfio_iommu_free(&iommu);
}

static void ranges_that_cannot_be_are_told(void **state)
{
	static const struct kernel_row inverted[] = {
		ENTERS_BY_GROUP,
		TELLS_IOMMU(tells_an_inverted_range, 2),
		{ 0 },
	};
	static const struct kernel_row many[] = {
		ENTERS_BY_GROUP,
		TELLS_IOMMU(tells_too_many_ranges, 2),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_iommu iommu;

	(void)state;
	assert_int_equal(describe(inverted, false, &iommu, &err), -EPROTO);
	assert_non_null(strstr(err.message, "VFIO_IOMMU_GET_INFO"));
	assert_int_equal(describe(many, false, &iommu, &err), -EPROTO);
}

static void wants_room_for_two(void *argument)
{
	struct iommu_ioas_iova_ranges *ranges = argument;

	assert_int_equal(ranges->size, sizeof(*ranges));
	assert_int_equal(ranges->ioas_id, 9);
	assert_int_equal(ranges->num_iovas, 0);
	ranges->num_iovas = 2;
}

static void tells_two(void *argument)
{
	struct iommu_ioas_iova_ranges *ranges = argument;
	struct iommu_iova_range *items = (void *)(uintptr_t)ranges->allowed_iovas;

	assert_int_equal(ranges->num_iovas, 2);
	ranges->out_iova_alignment = 4096;
	items[0] = (struct iommu_iova_range){ 0, 0xfedfffff };
	items[1] = (struct iommu_iova_range){ 0xfef00000, UINT64_MAX };
}

static void tells_a_third(void *argument)
{
	tells_two(argument);
	((struct iommu_ioas_iova_ranges *)argument)->num_iovas = 3;
}

static void wants_millions(void *argument)
{
	((struct iommu_ioas_iova_ranges *)argument)->num_iovas = UINT32_MAX;
}

#define TELLS_SPACE(answer_, result_)                                                   \
	{                                                                               \
		.call = KERNEL_IOCTL, .fd = IOMMUFD, .request = IOMMU_IOAS_IOVA_RANGES, \
		.answer = (answer_), .result = (result_)                                \
	}

static void an_iommufd_tells_its_ranges_and_no_page_sizes(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_CDEV,
		TELLS_SPACE(wants_room_for_two, -EMSGSIZE),
		TELLS_SPACE(tells_two, 0),
		{ 0 },
	};
	static const struct kernel_row beyond[] = {
		ENTERS_BY_CDEV,
		TELLS_SPACE(wants_room_for_two, -EMSGSIZE),
		TELLS_SPACE(tells_a_third, 0),
		{ 0 },
	};
	static const struct kernel_row millions[] = {
		ENTERS_BY_CDEV,
		TELLS_SPACE(wants_millions, -EMSGSIZE),
		{ 0 },
	};
	struct error err = ERROR_INIT;
	struct vfio_iommu iommu;

	(void)state;
	assert_int_equal(describe(rows, true, &iommu, &err), 0);
	assert_int_equal(iommu.page_sizes_fact, FACT_ABSENT);
	assert_int_equal(iommu.alignment, 4096);
	assert_int_equal(iommu.n_ranges, 2);
	assert_true(iommu.ranges[1].end == UINT64_MAX);
	vfio_iommu_free(&iommu);
	assert_int_equal(describe(beyond, true, &iommu, &err), -EPROTO);
	assert_int_equal(describe(millions, true, &iommu, &err), -EPROTO);
	assert_non_null(strstr(err.message, "IOMMU_IOAS_IOVA_RANGES"));
}

static void a_place_is_in_a_range_aligned_and_within_reach(void **state)
{
	struct vfio_range ranges[] = {
		{ 0, 0xfedfffff },
		{ 0xfef00000, (1ULL << 39) - 1 },
		{ UINT64_MAX - 0xfff, UINT64_MAX },
	};
	struct vfio_iommu iommu = {
		.ranges_fact = FACT_KNOWN,
		.ranges = ranges,
		.n_ranges = 3,
	};
	uint64_t iova = 0;

	(void)state;
	assert_true(vfio_iommu_place(&iommu, 1 << 20, 1 << 12, UINT64_MAX, &iova));
	assert_int_equal(iova, 0x1000);
	assert_true(vfio_iommu_place(&iommu, 1ULL << 30, 1ULL << 30, UINT64_MAX, &iova));
	assert_int_equal(iova, 1ULL << 30);
	/* Longer than what is below the hole. */
	assert_true(vfio_iommu_place(&iommu, 1ULL << 32, 1ULL << 30, UINT64_MAX, &iova));
	assert_int_equal(iova, 1ULL << 32);
	assert_false(vfio_iommu_place(&iommu, 1ULL << 32, 1ULL << 30, UINT32_MAX, &iova));
	assert_false(vfio_iommu_place(&iommu, 1ULL << 39, 1 << 12, UINT64_MAX, &iova));
	assert_true(vfio_iommu_place(&iommu, 4096, 4096, (1 << 28) - 1, &iova));
	assert_false(vfio_iommu_place(&iommu, 0, 4096, UINT64_MAX, &iova));
	/* At the very end nothing wraps round. */
	iommu.ranges = &ranges[2];
	iommu.n_ranges = 1;
	assert_true(vfio_iommu_place(&iommu, 4096, 4096, UINT64_MAX, &iova));
	assert_true(iova == UINT64_MAX - 0xfff);
	assert_false(vfio_iommu_place(&iommu, 4096, 1 << 21, UINT64_MAX, &iova));
	assert_false(vfio_iommu_place(&iommu, 8192, 4096, UINT64_MAX, &iova));
}

static void maps_type1(void *argument)
{
	struct vfio_iommu_type1_dma_map *map = argument;

	assert_int_equal(map->argsz, sizeof(*map));
	assert_int_equal(map->flags, VFIO_DMA_MAP_FLAG_READ);
	assert_int_equal(map->vaddr, 0x7000);
	assert_int_equal(map->iova, 0x100000);
	assert_int_equal(map->size, 0x2000);
}

static void unmaps_half(void *argument)
{
	struct vfio_iommu_type1_dma_unmap *unmap = argument;

	assert_int_equal(unmap->iova, 0x100000);
	unmap->size /= 2;
}

static void maps_space(void *argument)
{
	struct iommu_ioas_map *map = argument;

	assert_int_equal(map->size, sizeof(*map));
	assert_int_equal(map->flags, IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
					     IOMMU_IOAS_MAP_WRITEABLE);
	assert_int_equal(map->ioas_id, 9);
	assert_int_equal(map->user_va, 0x7000);
	assert_int_equal(map->iova, 0x100000);
	assert_int_equal(map->length, 0x2000);
}

static void unmaps_space(void *argument)
{
	struct iommu_ioas_unmap *unmap = argument;

	assert_int_equal(unmap->ioas_id, 9);
	assert_int_equal(unmap->length, 0x2000);
}

static void memory_is_mapped_and_a_part_that_stays_is_told(void **state)
{
	static const struct kernel_row by_group[] = {
		ENTERS_BY_GROUP,
		ANSWERS(CONTAINER, VFIO_IOMMU_MAP_DMA, maps_type1),
		ANSWERS(CONTAINER, VFIO_IOMMU_UNMAP_DMA, unmaps_half),
		ASKS(CONTAINER, VFIO_IOMMU_MAP_DMA, -ENOMEM),
		{ 0 },
	};
	static const struct kernel_row by_cdev[] = {
		ENTERS_BY_CDEV,
		ANSWERS(IOMMUFD, IOMMU_IOAS_MAP, maps_space),
		ANSWERS(IOMMUFD, IOMMU_IOAS_UNMAP, unmaps_space),
		ASKS(IOMMUFD, IOMMU_IOAS_MAP, -EINVAL),
		{ 0 },
	};
	void *memory = (void *)0x7000;
	struct error err = ERROR_INIT;
	struct vfio_session session;
	struct kernel kernel;

	(void)state;
	kernel_begin(&kernel, by_group);
	kernel_enter_by_group(&kernel, &session);
	assert_int_equal(
		vfio_dma_map(&session, memory, 0x2000, 0x100000, VFIO_DMA_READ, &err), 0);
	assert_int_equal(vfio_dma_unmap(&session, 0x100000, 0x2000, &err), -ENOENT);
	assert_int_equal(vfio_dma_map(&session, memory, 0x2000, 0x100000, VFIO_DMA_READ,
				      &err),
			 -ENOMEM);
	assert_non_null(strstr(err.hint, "ulimit -l"));
	vfio_close(&session);
	kernel_expect_end(&kernel);

	kernel_begin(&kernel, by_cdev);
	kernel_enter_by_cdev(&kernel, &session);
	assert_int_equal(vfio_dma_map(&session, memory, 0x2000, 0x100000,
				      VFIO_DMA_READ | VFIO_DMA_WRITE, &err),
			 0);
	assert_int_equal(vfio_dma_unmap(&session, 0x100000, 0x2000, &err), 0);
	assert_int_equal(vfio_dma_map(&session, memory, 0x2000, 0x100000, VFIO_DMA_READ,
				      &err),
			 -EINVAL);
	assert_non_null(strstr(err.message, "IOMMU_IOAS_MAP"));
	vfio_close(&session);
	kernel_expect_end(&kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_tells_its_pages_ranges_and_room),
		cmocka_unit_test(an_old_container_leaves_unknown_what_it_does_not_tell),
		cmocka_unit_test(ranges_that_cannot_be_are_told),
		cmocka_unit_test(an_iommufd_tells_its_ranges_and_no_page_sizes),
		cmocka_unit_test(a_place_is_in_a_range_aligned_and_within_reach),
		cmocka_unit_test(memory_is_mapped_and_a_part_that_stays_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
