/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the two ways in is taken, and what each counts for. See test_vfio_probe.c. */
#include "probed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* On a host that offers both ways; for vfio_probe_free(). */
static void works_by_either(const struct tree *tree, const struct kernel_row *rows,
			    struct vfio_probe *ret_probe)
{
	probed_make_host(tree, "vfio-pci");
	probed_offer_cdev(tree);
	probed_with(tree, rows, 0, ret_probe);
	assert_null(vfio_probe_obstacle(ret_probe));
}

static void a_kernel_without_containers_is_probed_by_cdev_alone(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_CDEV,	      TELLS_SPACE, TELLS_DEVICE,
		MAPS_TWO_PAGES_THERE, LOOPS,	   { 0 },
	};
	const struct tree *tree = *state;
	struct vfio_probe probe;

	probed_make_host(tree, "vfio-pci");
	unlinkat(tree->fd, "dev/vfio/vfio", 0);
	probed_offer_cdev(tree);
	probed_with(tree, rows, 0, &probe);
	assert_null(vfio_probe_obstacle(&probe));
	assert_false(probe.ways[VFIO_BY_GROUP].offered);
	assert_int_equal(probe.described_by, VFIO_BY_CDEV);
	assert_int_equal(probe.ways[VFIO_BY_CDEV].device_id, 7);
	assert_int_equal(probe.ways[VFIO_BY_CDEV].paces[0].has_page, FACT_UNREADABLE);
	vfio_probe_free(&probe);
}

static void one_way_that_works_is_enough_and_both_are_told(void **state)
{
	static const struct kernel_row rows[] = {
		WORKS_BY_GROUP,
		OPENS("dev/iommu", IOMMUFD),
		OPENS("dev/vfio/devices/vfio3", DEVICE),
		ASKS(DEVICE, VFIO_DEVICE_BIND_IOMMUFD, -EPERM),
		{ 0 },
	};
	const struct tree *tree = *state;
	struct vfio_probe probe;

	works_by_either(tree, rows, &probe);
	assert_int_equal(probe.ways[VFIO_BY_CDEV].step, VFIO_STEP_BIND);
	/* Which of the two it is, the kernel does not tell. */
	assert_non_null(strstr(probe.ways[VFIO_BY_CDEV].failure.message,
			       "either another has the group, such as a guest, or"));
	assert_null(strstr(probe.ways[VFIO_BY_CDEV].failure.hint, "allow_unsafe"));
	vfio_probe_free(&probe);
}

static void what_a_device_fails_at_is_not_mended_by_another_way_in(void **state)
{
	static const struct kernel_row rows[] = {
		BEGINS_BY_GROUP,
		MAPS_TWO_PAGES,
		ASKS(DEVICE, VFIO_DEVICE_SET_IRQS, -EBUSY),
		WORKS_BY_CDEV_TOO,
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_offer_cdev(tree);
	probed_expect_obstacle(tree, rows, VFIO_STEP_INTERRUPT,
			       "its interrupt line is shared", NULL, "/proc/interrupts");
}

static void what_one_way_did_not_come_to_is_tried_by_the_other(void **state)
{
	static const struct kernel_row rows[] = {
		BEGINS_BY_GROUP,
		ASKS(CONTAINER, VFIO_IOMMU_MAP_DMA, -ENOMEM),
		WORKS_BY_CDEV_TOO,
		LOOPS,
		{ 0 },
	};
	const struct tree *tree = *state;
	struct vfio_probe probe;

	works_by_either(tree, rows, &probe);
	assert_int_equal(probe.loops[VFIO_PCI_INTX_IRQ_INDEX], VFIO_LOOP_CAME);
	vfio_probe_free(&probe);
}

static void what_the_kernel_guards_by_its_group_is_not_opened_by_its_node(void **state)
{
	static const struct kernel_row rows[] = {
		OPENS_GROUP,
		ASKS(CONTAINER, VFIO_SET_IOMMU, 0),
		ASKS(GROUP, VFIO_GROUP_GET_DEVICE_FD, -EACCES),
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_offer_cdev(tree);
	tree_file(tree, FOLDER "sriov_numvfs", "2\n");
	probed_expect_obstacle(tree, rows, VFIO_STEP_DEVICE,
			       "somebody has one of its virtual", NULL, "end the guests");
}

/* A guest that has the group is no IOMMU that lacks something. */
static void a_group_that_another_has_is_not_taken_for_an_unsafe_iommu(void **state)
{
	static const struct kernel_row joins[] = {
		OPENS_CONTAINER,
		OPENS("dev/vfio/5", GROUP),
		ANSWERS(GROUP, VFIO_GROUP_GET_STATUS, kernel_is_viable),
		ASKS(GROUP, VFIO_GROUP_SET_CONTAINER, -EPERM),
		{ 0 },
	};
	static const struct kernel_row binds[] = {
		OPENS("dev/iommu", IOMMUFD),
		OPENS("dev/vfio/devices/vfio3", DEVICE),
		ASKS(DEVICE, VFIO_DEVICE_BIND_IOMMUFD, -EINVAL),
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_expect_obstacle(tree, joins, VFIO_STEP_JOIN, "another has the group", NULL,
			       "when the guest has ended");
	unlinkat(tree->fd, "dev/vfio/vfio", 0);
	probed_offer_cdev(tree);
	probed_expect_obstacle(tree, binds, VFIO_STEP_BIND, "another may have it open",
			       NULL, "when the guest has ended");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_kernel_without_containers_is_probed_by_cdev_alone),
		TEST(one_way_that_works_is_enough_and_both_are_told),
		TEST(what_a_device_fails_at_is_not_mended_by_another_way_in),
		TEST(what_one_way_did_not_come_to_is_tried_by_the_other),
		TEST(what_the_kernel_guards_by_its_group_is_not_opened_by_its_node),
		TEST(a_group_that_another_has_is_not_taken_for_an_unsafe_iommu),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
