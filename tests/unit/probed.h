/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_PROBED_H
#define PCIFERRY_TESTS_PROBED_H

/*
 * A made host with a device that is probed, 0000:04:00.0 in group 5, and the kernel's
 * answers to that.
 */
#include "kernel.h"

#include <linux/iommufd.h>
#include <linux/vfio.h>

#include "vfio/probe.h"

#define FOLDER "sys/bus/pci/devices/0000:04:00.0/"

struct probed {
	struct host *host;
	struct pci_devices devices;
	struct iommu_groups groups;
};

void probed_make_host(const struct tree *tree, const char *driver);
void probed_offer_cdev(const struct tree *tree);
void probed_begin(const struct tree *tree, struct probed *setting);
void probed_end(struct probed *setting);

/* Probes with these answers, and with this memory of a guest. For vfio_probe_free(). */
void probed_with(const struct tree *tree, const struct kernel_row *rows, uint64_t memory,
		 struct vfio_probe *probe);

/* What stops it: at which step, in which words, and with which way out. */
void probed_expect_obstacle(const struct tree *tree, const struct kernel_row *rows,
			    enum vfio_step step, const char *message,
			    const char *evidence, const char *hint);

/* Answers of a device with configuration space and INTx. */
void probed_tells_iommu(void *argument);
void probed_tells_device(void *argument);
void probed_tells_region(void *argument);
void probed_tells_interrupt(void *argument);
void probed_listens(void *argument);
void probed_sends(void *argument);
void probed_tells_no_ranges(void *argument);
void probed_tells_ranges(void *argument);

#define OPENS_CONTAINER                                                              \
	OPENS("dev/vfio/vfio", CONTAINER), ASKS(CONTAINER, VFIO_GET_API_VERSION, 0), \
		ASKS(CONTAINER, VFIO_CHECK_EXTENSION, 1)

#define OPENS_GROUP                                                      \
	OPENS_CONTAINER, OPENS("dev/vfio/5", GROUP),                     \
		ANSWERS(GROUP, VFIO_GROUP_GET_STATUS, kernel_is_viable), \
		ASKS(GROUP, VFIO_GROUP_SET_CONTAINER, 0)

#define TELLS_DEVICE                                                               \
	ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV),                 \
		ANSWERS(DEVICE, VFIO_DEVICE_GET_INFO, probed_tells_device),        \
		{ .call = KERNEL_IOCTL,                                            \
		  .fd = DEVICE,                                                    \
		  .request = VFIO_DEVICE_GET_REGION_INFO,                          \
		  .answer = probed_tells_region,                                   \
		  .times = VFIO_PCI_CONFIG_REGION_INDEX + 1 },                     \
		ANSWERS(DEVICE, VFIO_DEVICE_GET_IRQ_INFO, probed_tells_interrupt), \
	{                                                                          \
		.call = KERNEL_READ, .fd = DEVICE                                  \
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
#define LOOPS                                                        \
	ANSWERS(DEVICE, VFIO_DEVICE_SET_IRQS, probed_listens),       \
		ANSWERS(DEVICE, VFIO_DEVICE_SET_IRQS, probed_sends), \
		ASKS(DEVICE, VFIO_DEVICE_SET_IRQS, 0)
#define WORKS_BY_GROUP                                                                \
	ENTERS_BY_GROUP, ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, probed_tells_iommu), \
		TELLS_DEVICE, MAPS_TWO_PAGES, LOOPS

#define TELLS_SPACE                           \
	{ .call = KERNEL_IOCTL,               \
	  .fd = IOMMUFD,                      \
	  .request = IOMMU_IOAS_IOVA_RANGES,  \
	  .result = -EMSGSIZE,                \
	  .answer = probed_tells_no_ranges }, \
		ANSWERS(IOMMUFD, IOMMU_IOAS_IOVA_RANGES, probed_tells_ranges)
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

#define BEGINS_BY_GROUP                                                               \
	ENTERS_BY_GROUP, ANSWERS(CONTAINER, VFIO_IOMMU_GET_INFO, probed_tells_iommu), \
		TELLS_DEVICE

#define WORKS_BY_CDEV_TOO                                                  \
	ENTERS_BY_CDEV, TELLS_SPACE,                                       \
		ASKS(DEVICE, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, -ENODEV), \
		MAPS_TWO_PAGES_THERE

#endif
