/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probed.h"

#include <string.h>
#include <unistd.h>

void probed_make_host(const struct tree *tree, const char *driver)
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

void probed_offer_cdev(const struct tree *tree)
{
	tree_file(tree, "dev/iommu", "");
	tree_file(tree, "dev/vfio/devices/vfio3", "");
	tree_folder(tree, FOLDER "vfio-dev/vfio3");
}

void probed_begin(const struct tree *tree, struct probed *setting)
{
	struct error err = ERROR_INIT;

	assert_int_equal(host_open_directory(tree->path, &setting->host, &err), 0);
	assert_int_equal(pci_scan(setting->host, &setting->devices, &err), 0);
	assert_int_equal(iommu_scan(&setting->devices, &setting->groups, &err), 0);
}

void probed_end(struct probed *setting)
{
	iommu_groups_free(&setting->groups);
	pci_devices_free(&setting->devices);
	host_free(setting->host);
}

/* Probes with these answers, and with this memory of a guest. For vfio_probe_free(). */
void probed_with(const struct tree *tree, const struct kernel_row *rows, uint64_t memory,
		 struct vfio_probe *probe)
{
	struct error err = ERROR_INIT;
	struct probed setting;
	struct kernel kernel;
	struct vfio_probe_request request = { .memory = memory };
	uint8_t config[256] = { 0x36, 0x1b, 0x10, 0 };

	probed_begin(tree, &setting);
	kernel_begin(&kernel, rows);
	kernel.bytes = config;
	kernel.len = sizeof(config);
	request.host = setting.host;
	request.transport = &kernel.transport;
	request.device = pci_find(&setting.devices, &kernel_address);
	request.group = iommu_group_of(&setting.groups, request.device, NULL);
	assert_int_equal(vfio_probe(&request, probe, &err), 0);
	kernel_expect_end(&kernel);
	probed_end(&setting);
}

/* What stops it: at which step, in which words, and with which way out. */
void probed_expect_obstacle(const struct tree *tree, const struct kernel_row *rows,
			    enum vfio_step step, const char *message,
			    const char *evidence, const char *hint)
{
	const struct vfio_seen *obstacle;
	struct vfio_probe probe;

	probed_with(tree, rows, 0, &probe);
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

void probed_tells_iommu(void *argument)
{
	struct vfio_iommu_type1_info *info = argument;

	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = 1 << 12;
}

void probed_tells_device(void *argument)
{
	struct vfio_device_info *info = argument;

	info->flags = VFIO_DEVICE_FLAGS_PCI;
	info->num_regions = VFIO_PCI_CONFIG_REGION_INDEX + 1;
	info->num_irqs = 1;
}

void probed_tells_region(void *argument)
{
	struct vfio_region_info *info = argument;

	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX)
		info->size = 256;
}

void probed_tells_interrupt(void *argument)
{
	struct vfio_irq_info *info = argument;

	info->flags = VFIO_IRQ_INFO_EVENTFD;
	info->count = 1;
}

static int listened = -1;

void probed_listens(void *argument)
{
	memcpy(&listened, ((struct vfio_irq_set *)argument)->data, sizeof(listened));
}

void probed_sends(void *argument)
{
	const uint64_t one = 1;

	(void)argument;
	assert_int_equal(write(listened, &one, sizeof(one)), sizeof(one));
}

void probed_tells_no_ranges(void *argument)
{
	((struct iommu_ioas_iova_ranges *)argument)->num_iovas = 1;
}

void probed_tells_ranges(void *argument)
{
	struct iommu_ioas_iova_ranges *ranges = argument;
	struct iommu_iova_range *items = (void *)(uintptr_t)ranges->allowed_iovas;

	ranges->out_iova_alignment = 4096;
	items[0] = (struct iommu_iova_range){ 0, (1ULL << 48) - 1 };
}
