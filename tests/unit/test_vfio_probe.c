/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stops a guest from having a device, in the words of the field. The host is made,
 * and so are the kernel's answers: what the kernels at hand do not have, and failures.
 */
#include "probed.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

static const struct kernel_row untouched[] = { { 0 } };

static void a_device_of_the_hosts_is_not_opened(void **state)
{
	const struct tree *tree = *state;

	probed_make_host(tree, "nvme");
	probed_expect_obstacle(tree, untouched, VFIO_STEP_LOOK, "nvme has it, not VFIO",
			       NULL, "--bind");
}

static void a_device_without_a_driver_is_not_opened(void **state)
{
	const struct tree *tree = *state;

	probed_make_host(tree, NULL);
	probed_expect_obstacle(tree, untouched, VFIO_STEP_LOOK, "no driver has it", NULL,
			       "--bind");
}

static void a_device_in_no_group_is_told_what_checks_it(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, "0000:04:00.0",
		      "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", "vfio-pci",
		      NULL);
	probed_expect_obstacle(tree, untouched, VFIO_STEP_LOOK, "it is in no IOMMU group",
			       NULL, "pciferry check");
}

static void no_iommu_is_no_way_for_a_guest(void **state)
{
	static const struct kernel_row rows[] = {
		OPENS_CONTAINER,
		OPEN_FAILS("dev/vfio/5", ENOENT),
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_expect_obstacle(tree, rows, VFIO_STEP_GROUP, "the group has no node", NULL,
			       "udevadm settle");
	tree_file(tree, "dev/vfio/noiommu-5", "");
	probed_expect_obstacle(tree, rows, VFIO_STEP_GROUP, "holds back none of its DMA",
			       NULL, "pciferry check");
}

static void not_viable(void *argument)
{
	((struct vfio_group_status *)argument)->flags = 0;
}

static void the_members_that_keep_a_group_are_named(void **state)
{
	static const struct kernel_row rows[] = {
		OPENS_CONTAINER,
		OPENS("dev/vfio/5", GROUP),
		ANSWERS(GROUP, VFIO_GROUP_GET_STATUS, not_viable),
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_expect_obstacle(tree, rows, VFIO_STEP_VIABLE, "not viable",
			       "0000:04:00.1 is on snd", "--bind");
}

static const struct kernel_row refused[] = {
	OPENS_GROUP,
	ASKS(CONTAINER, VFIO_SET_IOMMU, -EPERM),
	{ 0 },
};

static void an_iommu_that_does_not_remap_interrupts_is_told(void **state)
{
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	tree_file(tree, "sys/kernel/iommu_groups/5/reserved_regions",
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	probed_expect_obstacle(
		tree, refused, VFIO_STEP_IOMMU,
		"does not remap interrupts, so that a guest could send any to"
		" the host (VFIO_SET_IOMMU: Operation not permitted)",
		NULL, "allow_unsafe_interrupts=1 of vfio_iommu_type1");
}

static void memory_of_the_firmwares_is_not_taken_for_that(void **state)
{
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	tree_file(tree, "sys/kernel/iommu_groups/5/reserved_regions",
		  "0x00000000000e0000 0x00000000000effff direct\n"
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	probed_expect_obstacle(tree, refused, VFIO_STEP_IOMMU,
			       "the firmware uses memory with the device",
			       "reserved: 0xe0000 to 0xeffff", "RMRR");
}

static void each_refusal_of_the_device_has_its_own_words(void **state)
{
	static const struct {
		int code;
		const char *message, *evidence, *hint;
	} cases[] = {
		{ EACCES, "opened with that one's token alone", NULL,
		  "leave the physical function" },
		{ EAGAIN, "the kernel is busy with it", NULL, "try again" },
		{ EIO, "it does not wake up", "power state: D3cold", "d3cold_allowed=0" },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	tree_folder(tree, FOLDER "physfn");
	tree_file(tree, FOLDER "power_state", "D3cold\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct kernel_row rows[] = {
			OPENS_GROUP,
			ASKS(CONTAINER, VFIO_SET_IOMMU, 0),
			ASKS(GROUP, VFIO_GROUP_GET_DEVICE_FD, -cases[i].code),
			{ 0 },
		};

		probed_expect_obstacle(tree, rows, VFIO_STEP_DEVICE, cases[i].message,
				       cases[i].evidence, cases[i].hint);
	}
}

static void tells_a_stub_of_a_region(void *argument)
{
	struct vfio_region_info *info = argument;

	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX)
		info->size = 2;
}

static void a_device_that_nothing_stops_is_assignable(void **state)
{
	static const struct kernel_row rows[] = { WORKS_BY_GROUP, { 0 } };
	const struct tree *tree = *state;
	struct vfio_probe probe;

	probed_make_host(tree, "vfio-pci");
	probed_with(tree, rows, 0, &probe);
	assert_null(vfio_probe_obstacle(&probe));
	assert_int_equal(probe.ways[VFIO_BY_GROUP].step, VFIO_STEP_DONE);
	assert_false(probe.ways[VFIO_BY_CDEV].offered);
	assert_int_equal(probe.loops[VFIO_PCI_INTX_IRQ_INDEX], VFIO_LOOP_CAME);
	assert_int_equal(probe.ways[VFIO_BY_GROUP].paces[0].count, 2);
	/* For more there is no memory. */
	assert_int_equal(probe.ways[VFIO_BY_GROUP].paces[1].count, 0);
	assert_false(probe.was_reset);
	vfio_probe_free(&probe);
}

/* Nothing is read of it, not even the IDs. */
static void configuration_space_that_cannot_be_is_not_looked_into(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, probed_tells_iommu),
		ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV),
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, probed_tells_device),
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_GET_REGION_INFO,
		  .answer = tells_a_stub_of_a_region,
		  .times = VFIO_PCI_CONFIG_REGION_INDEX + 1 },
		ANSWERS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, probed_tells_interrupt),
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_expect_obstacle(tree, rows, VFIO_STEP_CONFIG, "contradicts itself", NULL,
			       "");
}

static void a_line_that_is_shared_and_a_lost_event_stop_a_guest(void **state)
{
	static const struct kernel_row shared[] = {
		BEGINS_BY_GROUP,
		MAPS_TWO_PAGES,
		ASKS(DEVICE, VFIO_DEVICE_SET_IRQS, -EBUSY),
		{ 0 },
	};
	static const struct kernel_row lost[] = {
		BEGINS_BY_GROUP,
		MAPS_TWO_PAGES,
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_SET_IRQS,
		  .times = 3 },
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_expect_obstacle(tree, shared, VFIO_STEP_INTERRUPT,
			       "its interrupt line is shared", NULL, "/proc/interrupts");
	probed_expect_obstacle(tree, lost, VFIO_STEP_INTERRUPT, "did not come", NULL, "");
}

static void memory_that_may_not_be_locked_stops_a_guest(void **state)
{
	static const struct kernel_row rows[] = {
		BEGINS_BY_GROUP,
		ASKS(CONTAINER, VFIO_IOMMU_MAP_DMA, -ENOMEM),
		{ 0 },
	};
	const struct tree *tree = *state;

	probed_make_host(tree, "vfio-pci");
	probed_expect_obstacle(tree, rows, VFIO_STEP_MAP, "VFIO_IOMMU_MAP_DMA", NULL,
			       "ulimit -l");
}

/* All the memory in the world: no limit but "none" would allow it. */
static void a_guest_that_is_too_large_is_told_unless_no_limit_holds(void **state)
{
	static const struct kernel_row rows[] = { WORKS_BY_GROUP, { 0 } };
	const uint64_t memory = 1ULL << 60;
	const struct tree *tree = *state;
	const struct vfio_seen *obstacle;
	struct vfio_probe probe;

	probed_make_host(tree, "vfio-pci");
	probed_with(tree, rows, memory, &probe);
	assert_true(probe.limit.exempt);
	assert_null(vfio_probe_obstacle(&probe));
	vfio_probe_free(&probe);

	tree_file(tree, "proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	probed_with(tree, rows, memory, &probe);
	obstacle = vfio_probe_obstacle(&probe);
	assert_false(probe.limit.exempt);
	if (probe.limit.bytes == UINT64_MAX) {
		assert_null(obstacle);
	} else {
		assert_int_equal(obstacle->step, VFIO_STEP_LOCK);
		assert_non_null(strstr(obstacle->failure.message, "may be locked"));
	}
	vfio_probe_free(&probe);
}

static void how_fast_memory_is_mapped_decides_nothing(void **state)
{
	static const struct kernel_row rows[] = {
		BEGINS_BY_GROUP,
		ASKS(CONTAINER, VFIO_IOMMU_MAP_DMA, 0),
		ASKS(CONTAINER, VFIO_IOMMU_UNMAP_DMA, 0),
		ASKS(CONTAINER, VFIO_IOMMU_MAP_DMA, -ENOMEM),
		LOOPS,
		{ 0 },
	};
	const struct tree *tree = *state;
	struct vfio_probe probe;

	probed_make_host(tree, "vfio-pci");
	probed_with(tree, rows, 0, &probe);
	assert_null(vfio_probe_obstacle(&probe));
	assert_int_equal(probe.ways[VFIO_BY_GROUP].paces[0].count, 0);
	vfio_probe_free(&probe);
}

static int refuse(const struct vfio_hot_reset *set, void *argument, struct error *err)
{
	assert_false(set->possible);
	assert_ptr_equal(argument, err);
	return error_refuse(err, "x", "in use");
}

static void a_reset_that_is_refused_ends_the_probe_before_it(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP,
		ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, probed_tells_iommu),
		ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV),
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, probed_tells_device),
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_GET_REGION_INFO,
		  .answer = probed_tells_region,
		  .times = VFIO_PCI_CONFIG_REGION_INDEX + 1 },
		ANSWERS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, probed_tells_interrupt),
		{ 0 },
	};
	const struct tree *tree = *state;
	struct error err = ERROR_INIT;
	struct vfio_probe probe;
	struct probed setting;
	struct kernel kernel;
	struct vfio_probe_request request = {
		.transport = &kernel.transport,
		.may_reset = refuse,
		.argument = &err,
	};

	probed_make_host(tree, "vfio-pci");
	probed_begin(tree, &setting);
	kernel_begin(&kernel, rows);
	request.host = setting.host;
	request.device = pci_find(&setting.devices, &kernel_address);
	request.group = iommu_group_of(&setting.groups, request.device, NULL);
	assert_int_equal(vfio_probe(&request, &probe, &err), -EBUSY);
	assert_int_equal(err.kind, ERROR_REFUSED);
	kernel_expect_end(&kernel);
	probed_end(&setting);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_device_of_the_hosts_is_not_opened),
		TEST(a_device_without_a_driver_is_not_opened),
		TEST(a_device_in_no_group_is_told_what_checks_it),
		TEST(no_iommu_is_no_way_for_a_guest),
		TEST(the_members_that_keep_a_group_are_named),
		TEST(an_iommu_that_does_not_remap_interrupts_is_told),
		TEST(memory_of_the_firmwares_is_not_taken_for_that),
		TEST(each_refusal_of_the_device_has_its_own_words),
		TEST(a_device_that_nothing_stops_is_assignable),
		TEST(configuration_space_that_cannot_be_is_not_looked_into),
		TEST(a_line_that_is_shared_and_a_lost_event_stop_a_guest),
		TEST(memory_that_may_not_be_locked_stops_a_guest),
		TEST(a_guest_that_is_too_large_is_told_unless_no_limit_holds),
		TEST(how_fast_memory_is_mapped_decides_nothing),
		TEST(a_reset_that_is_refused_ends_the_probe_before_it),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
