/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stops a guest from having a device, in the words of the field. The host is made,
 * and so are the kernel's answers: what the kernels at hand do not have, and failures.
 */
#include "kernel.h"

#include <errno.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include "vfio/probe.h"

#define FOLDER "sys/bus/pci/devices/0000:04:00.0/"

struct setting {
	struct host *host;
	struct pci_devices devices;
	struct iommu_groups groups;
};

static void make_host(const struct tree *tree, const char *driver)
{
	tree_function(tree, "0000:04:00.0",
		      "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", driver,
		      "5");
	tree_function(tree, "0000:04:00.1",
		      "pci:v00001B36d00000011sv00001AF4sd00001100bc04sc03i00", "snd",
		      "5");
	tree_folder(tree, "dev/vfio");
	tree_file(tree, "dev/vfio/vfio", "");
	/* Half of it is two pages. */
	tree_file(tree, "proc/meminfo", "MemTotal: 64 kB\nMemAvailable: 16 kB\n");
	tree_file(tree, "proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
}

static void offer_cdev(const struct tree *tree)
{
	tree_file(tree, "dev/iommu", "");
	tree_file(tree, "dev/vfio/devices/vfio3", "");
	tree_folder(tree, FOLDER "vfio-dev/vfio3");
}

static void begin(const struct tree *tree, struct setting *setting)
{
	struct error err = ERROR_INIT;

	assert_int_equal(host_open_directory(tree->path, &setting->host, &err), 0);
	assert_int_equal(pci_scan(setting->host, &setting->devices, &err), 0);
	assert_int_equal(iommu_scan(&setting->devices, &setting->groups, &err), 0);
}

static void end(struct setting *setting)
{
	iommu_groups_free(&setting->groups);
	pci_devices_free(&setting->devices);
	host_free(setting->host);
}

/* Probes with these answers, and with this memory of a guest. For vfio_probe_free(). */
static void probe_for(const struct tree *tree, const struct kernel_row *rows,
		      uint64_t memory, struct vfio_probe *probe)
{
	struct error err = ERROR_INIT;
	struct setting setting;
	struct kernel kernel;
	struct vfio_probe_request request = { .memory = memory };
	uint8_t config[256] = { 0x36, 0x1b, 0x10, 0 };

	begin(tree, &setting);
	kernel_begin(&kernel, rows);
	kernel.bytes = config;
	kernel.len = sizeof(config);
	request.host = setting.host;
	request.transport = &kernel.transport;
	request.device = pci_find(&setting.devices, &kernel_address);
	request.group = iommu_group_of(&setting.groups, request.device, NULL);
	assert_int_equal(vfio_probe(&request, probe, &err), 0);
	kernel_expect_end(&kernel);
	end(&setting);
}

/* What stops it: at which step, in which words, and with which way out. */
static void expect_obstacle(const struct tree *tree, const struct kernel_row *rows,
			    enum vfio_step step, const char *message,
			    const char *evidence, const char *hint)
{
	const struct vfio_seen *obstacle;
	struct vfio_probe probe;

	probe_for(tree, rows, 0, &probe);
	obstacle = vfio_probe_obstacle(&probe);
	assert_non_null(obstacle);
	assert_int_equal(obstacle->step, step);
	assert_non_null(strstr(obstacle->failure.message, message));
	assert_non_null(strstr(obstacle->failure.hint, hint));
	if (evidence)
		assert_string_equal(obstacle->failure.evidence[0], evidence);
	else
		assert_null(obstacle->failure.evidence);
	vfio_probe_free(&probe);
}

static const struct kernel_row untouched[] = { { 0 } };

static void a_device_of_the_hosts_is_not_opened(void **state)
{
	const struct tree *tree = *state;

	make_host(tree, "nvme");
	expect_obstacle(tree, untouched, VFIO_STEP_LOOK, "nvme has it, not VFIO", NULL,
			"--bind");
}

static void a_device_without_a_driver_is_not_opened(void **state)
{
	const struct tree *tree = *state;

	make_host(tree, NULL);
	expect_obstacle(tree, untouched, VFIO_STEP_LOOK, "no driver has it", NULL,
			"--bind");
}

static void a_device_in_no_group_is_told_what_checks_it(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, "0000:04:00.0",
		      "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", "vfio-pci",
		      NULL);
	expect_obstacle(tree, untouched, VFIO_STEP_LOOK, "it is in no IOMMU group", NULL,
			"pciferry check");
}

#define OPENS_CONTAINER                                                              \
	OPENS("dev/vfio/vfio", CONTAINER), ASKS(CONTAINER, VFIO_GET_API_VERSION, 0), \
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 1)

static void no_iommu_is_no_way_for_a_guest(void **state)
{
	static const struct kernel_row rows[] = {
		OPENS_CONTAINER,
		OPEN_FAILS("dev/vfio/5", ENOENT),
		{ 0 },
	};
	const struct tree *tree = *state;

	make_host(tree, "vfio-pci");
	expect_obstacle(tree, rows, VFIO_STEP_GROUP, "the group has no node", NULL,
			"udevadm settle");
	tree_file(tree, "dev/vfio/noiommu-5", "");
	expect_obstacle(tree, rows, VFIO_STEP_GROUP, "holds back none of its DMA", NULL,
			"pciferry check");
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

	make_host(tree, "vfio-pci");
	expect_obstacle(tree, rows, VFIO_STEP_VIABLE, "not viable",
			"0000:04:00.1 is on snd", "--bind");
}

#define OPENS_GROUP                                                      \
	OPENS_CONTAINER, OPENS("dev/vfio/5", GROUP),                     \
		ANSWERS(GROUP, VFIO_GROUP_GET_STATUS, kernel_is_viable), \
		ASKS(GROUP, VFIO_GROUP_SET_CONTAINER, 0)

static const struct kernel_row refused[] = {
	OPENS_GROUP,
	ASKS(CONTAINER, VFIO_SET_IOMMU, -EPERM),
	{ 0 },
};

static void an_iommu_that_does_not_remap_interrupts_is_told(void **state)
{
	const struct tree *tree = *state;

	make_host(tree, "vfio-pci");
	tree_file(tree, "sys/kernel/iommu_groups/5/reserved_regions",
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	expect_obstacle(tree, refused, VFIO_STEP_IOMMU,
			"does not remap interrupts, so that a guest could send any to"
			" the host (VFIO_SET_IOMMU: Operation not permitted)",
			NULL, "allow_unsafe_interrupts=1 of vfio_iommu_type1");
}

static void memory_of_the_firmwares_is_not_taken_for_that(void **state)
{
	const struct tree *tree = *state;

	make_host(tree, "vfio-pci");
	tree_file(tree, "sys/kernel/iommu_groups/5/reserved_regions",
		  "0x00000000000e0000 0x00000000000effff direct\n"
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	expect_obstacle(tree, refused, VFIO_STEP_IOMMU,
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

	make_host(tree, "vfio-pci");
	tree_folder(tree, FOLDER "physfn");
	tree_file(tree, FOLDER "power_state", "D3cold\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct kernel_row rows[] = {
			OPENS_GROUP,
			ASKS(CONTAINER, VFIO_SET_IOMMU, 0),
			ASKS(GROUP, VFIO_GROUP_GET_DEVICE_FD, -cases[i].code),
			{ 0 },
		};

		expect_obstacle(tree, rows, VFIO_STEP_DEVICE, cases[i].message,
				cases[i].evidence, cases[i].hint);
	}
}

/* Answers of a device with configuration space and INTx. */
static void tells_iommu(void *argument)
{
	struct vfio_iommu_type1_info *info = argument;

	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = 1 << 12;
}

static void tells_device(void *argument)
{
	struct vfio_device_info *info = argument;

	info->flags = VFIO_DEVICE_FLAGS_PCI;
	info->num_regions = VFIO_PCI_CONFIG_REGION_INDEX + 1;
	info->num_irqs = 1;
}

static void tells_region(void *argument)
{
	struct vfio_region_info *info = argument;

	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX)
		info->size = 256;
}

static void tells_a_stub_of_a_region(void *argument)
{
	struct vfio_region_info *info = argument;

	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX)
		info->size = 2;
}

static void tells_interrupt(void *argument)
{
	struct vfio_irq_info *info = argument;

	info->flags = VFIO_IRQ_INFO_EVENTFD;
	info->count = 1;
}

static int listened = -1;

static void listens(void *argument)
{
	memcpy(&listened, ((struct vfio_irq_set *)argument)->data, sizeof(listened));
}

static void sends(void *argument)
{
	const uint64_t one = 1;

	(void)argument;
	assert_int_equal(write(listened, &one, sizeof(one)), sizeof(one));
}

#define TELLS_DEVICE                                                        \
	ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV),          \
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, tells_device),        \
		{ .call = KERNEL_IOCTL,                                     \
		  .fd = DEVICE,                                             \
		  .request = VFIO_DEVICE_GET_REGION_INFO,                   \
		  .answer = tells_region,                                   \
		  .times = VFIO_PCI_CONFIG_REGION_INDEX + 1 },              \
		ANSWERS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, tells_interrupt), \
	{                                                                   \
		.call = KERNEL_READ, .fd = DEVICE                           \
	}
#define MAPS_TWO_PAGES                                                                  \
	ASKS(CONTAINER, VFIO_IOMMU_MAP_DMA, 0),                                         \
		ASKS(CONTAINER, VFIO_IOMMU_UNMAP_DMA, 0),                               \
		{ .call = KERNEL_IOCTL,                                                 \
		  .fd = CONTAINER,                                                      \
		  .request = VFIO_IOMMU_MAP_DMA,                                        \
		  .times = 2 },                                                         \
	{                                                                               \
		.call = KERNEL_IOCTL, .fd = CONTAINER, .request = VFIO_IOMMU_UNMAP_DMA, \
		.times = 2                                                              \
	}
#define LOOPS                                                 \
	ANSWERS(DEVICE, VFIO_DEVICE_SET_IRQS, listens),       \
		ANSWERS(DEVICE, VFIO_DEVICE_SET_IRQS, sends), \
		ASKS(DEVICE, VFIO_DEVICE_SET_IRQS, 0)
#define WORKS_BY_GROUP                                                         \
	ENTERS_BY_GROUP, ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, tells_iommu), \
		TELLS_DEVICE, MAPS_TWO_PAGES, LOOPS

static void a_device_that_nothing_stops_is_assignable(void **state)
{
	static const struct kernel_row rows[] = { WORKS_BY_GROUP, { 0 } };
	const struct tree *tree = *state;
	struct vfio_probe probe;

	make_host(tree, "vfio-pci");
	probe_for(tree, rows, 0, &probe);
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
		ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, tells_iommu),
		ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV),
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, tells_device),
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_GET_REGION_INFO,
		  .answer = tells_a_stub_of_a_region,
		  .times = VFIO_PCI_CONFIG_REGION_INDEX + 1 },
		ANSWERS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, tells_interrupt),
		{ 0 },
	};
	const struct tree *tree = *state;

	make_host(tree, "vfio-pci");
	expect_obstacle(tree, rows, VFIO_STEP_CONFIG, "contradicts itself", NULL, "");
}

static void a_line_that_is_shared_and_a_lost_event_stop_a_guest(void **state)
{
	static const struct kernel_row shared[] = {
		ENTERS_BY_GROUP,
		ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, tells_iommu),
		TELLS_DEVICE,
		MAPS_TWO_PAGES,
		ASKS(DEVICE, VFIO_DEVICE_SET_IRQS, -EBUSY),
		{ 0 },
	};
	static const struct kernel_row lost[] = {
		ENTERS_BY_GROUP,
		ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, tells_iommu),
		TELLS_DEVICE,
		MAPS_TWO_PAGES,
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_SET_IRQS,
		  .times = 3 },
		{ 0 },
	};
	const struct tree *tree = *state;

	make_host(tree, "vfio-pci");
	expect_obstacle(tree, shared, VFIO_STEP_INTERRUPT, "its interrupt line is shared",
			NULL, "/proc/interrupts");
	expect_obstacle(tree, lost, VFIO_STEP_INTERRUPT, "did not come", NULL, "");
}

static void memory_that_may_not_be_locked_stops_a_guest(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_GROUP, ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, tells_iommu),
		TELLS_DEVICE,	 ASKS(CONTAINER, VFIO_IOMMU_MAP_DMA, -ENOMEM),
		{ 0 },
	};
	const struct tree *tree = *state;

	make_host(tree, "vfio-pci");
	expect_obstacle(tree, rows, VFIO_STEP_MAP, "VFIO_IOMMU_MAP_DMA", NULL,
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

	make_host(tree, "vfio-pci");
	probe_for(tree, rows, memory, &probe);
	assert_true(probe.limit.exempt);
	assert_null(vfio_probe_obstacle(&probe));
	vfio_probe_free(&probe);

	tree_file(tree, "proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
	probe_for(tree, rows, memory, &probe);
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

static void tells_no_ranges(void *argument)
{
	((struct iommu_ioas_iova_ranges *)argument)->num_iovas = 1;
}

static void tells_all(void *argument)
{
	struct iommu_ioas_iova_ranges *ranges = argument;
	struct iommu_iova_range *items = (void *)(uintptr_t)ranges->allowed_iovas;

	ranges->out_iova_alignment = 4096;
	items[0] = (struct iommu_iova_range){ 0, (1ULL << 48) - 1 };
}

#define TELLS_SPACE                          \
	{ .call = KERNEL_IOCTL,              \
	  .fd = IOMMUFD,                     \
	  .request = IOMMU_IOAS_IOVA_RANGES, \
	  .result = -EMSGSIZE,               \
	  .answer = tells_no_ranges },       \
		ANSWERS(IOMMUFD, IOMMU_IOAS_IOVA_RANGES, tells_all)
#define MAPS_TWO_PAGES_THERE                                                      \
	ASKS(IOMMUFD, IOMMU_IOAS_MAP, 0), ASKS(IOMMUFD, IOMMU_IOAS_UNMAP, 0),     \
		{ .call = KERNEL_IOCTL,                                           \
		  .fd = IOMMUFD,                                                  \
		  .request = IOMMU_IOAS_MAP,                                      \
		  .times = 2 },                                                   \
	{                                                                         \
		.call = KERNEL_IOCTL, .fd = IOMMUFD, .request = IOMMU_IOAS_UNMAP, \
		.times = 2                                                        \
	}

static void a_kernel_without_containers_is_probed_by_cdev_alone(void **state)
{
	static const struct kernel_row rows[] = {
		ENTERS_BY_CDEV,	      TELLS_SPACE, TELLS_DEVICE,
		MAPS_TWO_PAGES_THERE, LOOPS,	   { 0 },
	};
	const struct tree *tree = *state;
	struct vfio_probe probe;

	make_host(tree, "vfio-pci");
	unlinkat(tree->fd, "dev/vfio/vfio", 0);
	offer_cdev(tree);
	probe_for(tree, rows, 0, &probe);
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

	make_host(tree, "vfio-pci");
	offer_cdev(tree);
	probe_for(tree, rows, 0, &probe);
	assert_null(vfio_probe_obstacle(&probe));
	assert_int_equal(probe.ways[VFIO_BY_CDEV].step, VFIO_STEP_BIND);
	/* Which of the two it is, the kernel does not tell. */
	assert_non_null(strstr(probe.ways[VFIO_BY_CDEV].failure.message,
			       "either another has the group, such as a guest, or"));
	assert_null(strstr(probe.ways[VFIO_BY_CDEV].failure.hint, "allow_unsafe"));
	vfio_probe_free(&probe);
}

#define BEGINS_BY_GROUP                                                        \
	ENTERS_BY_GROUP, ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, tells_iommu), \
		TELLS_DEVICE
#define WORKS_BY_CDEV_TOO                                                  \
	ENTERS_BY_CDEV, TELLS_SPACE,                                       \
		ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV), \
		MAPS_TWO_PAGES_THERE

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

	make_host(tree, "vfio-pci");
	offer_cdev(tree);
	expect_obstacle(tree, rows, VFIO_STEP_INTERRUPT, "its interrupt line is shared",
			NULL, "/proc/interrupts");
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

	make_host(tree, "vfio-pci");
	offer_cdev(tree);
	probe_for(tree, rows, 0, &probe);
	assert_null(vfio_probe_obstacle(&probe));
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

	make_host(tree, "vfio-pci");
	offer_cdev(tree);
	tree_file(tree, FOLDER "sriov_numvfs", "2\n");
	expect_obstacle(tree, rows, VFIO_STEP_DEVICE, "somebody has one of its virtual",
			NULL, "end the guests");
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

	make_host(tree, "vfio-pci");
	probe_for(tree, rows, 0, &probe);
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
		ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, tells_iommu),
		ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV),
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, tells_device),
		{ .call = KERNEL_IOCTL,
		  .fd = DEVICE,
		  .request = VFIO_DEVICE_GET_REGION_INFO,
		  .answer = tells_region,
		  .times = VFIO_PCI_CONFIG_REGION_INDEX + 1 },
		ANSWERS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, tells_interrupt),
		{ 0 },
	};
	const struct tree *tree = *state;
	struct error err = ERROR_INIT;
	struct vfio_probe probe;
	struct setting setting;
	struct kernel kernel;
	struct vfio_probe_request request = {
		.transport = &kernel.transport,
		.may_reset = refuse,
		.argument = &err,
	};

	make_host(tree, "vfio-pci");
	begin(tree, &setting);
	kernel_begin(&kernel, rows);
	request.host = setting.host;
	request.device = pci_find(&setting.devices, &kernel_address);
	request.group = iommu_group_of(&setting.groups, request.device, NULL);
	assert_int_equal(vfio_probe(&request, &probe, &err), -EBUSY);
	assert_int_equal(err.kind, ERROR_REFUSED);
	kernel_expect_end(&kernel);
	end(&setting);
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
		TEST(a_kernel_without_containers_is_probed_by_cdev_alone),
		TEST(one_way_that_works_is_enough_and_both_are_told),
		TEST(what_a_device_fails_at_is_not_mended_by_another_way_in),
		TEST(what_one_way_did_not_come_to_is_tried_by_the_other),
		TEST(what_the_kernel_guards_by_its_group_is_not_opened_by_its_node),
		TEST(how_fast_memory_is_mapped_decides_nothing),
		TEST(a_reset_that_is_refused_ends_the_probe_before_it),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
