/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/device.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vfio/internal.h"

/* More than any driver has; a number from the kernel is not the size of an allocation. */
enum { REGIONS_MAX = 256, IRQS_MAX = 64, AREAS_MAX = 4096 };

static int add_areas(struct vfio_region *region,
		     const struct vfio_info_cap_header *header, size_t len)
{
	struct vfio_region_info_cap_sparse_mmap sparse;
	struct vfio_region_sparse_mmap_area from;
	struct vfio_area *areas;

	if (len < sizeof(sparse) || region->is_sparse)
		return -EPROTO;
	memcpy(&sparse, header, sizeof(sparse));
	if (sparse.nr_areas > AREAS_MAX ||
	    !vfio_answer_holds(len, sizeof(sparse), sparse.nr_areas, sizeof(from)))
		return -EPROTO;
	areas = calloc(sparse.nr_areas + 1, sizeof(*areas));
	if (!areas)
		return -ENOMEM;
	region->is_sparse = true;
	region->areas = areas;
	region->n_areas = sparse.nr_areas;
	for (size_t i = 0; i < region->n_areas; i++) {
		memcpy(&from, vfio_answer_item(header, sizeof(sparse), i, sizeof(from)),
		       sizeof(from));
		areas[i].offset = from.offset;
		areas[i].size = from.size;
		if (areas[i].offset > region->size ||
		    areas[i].size > region->size - areas[i].offset)
			return -EPROTO;
	}
	return 0;
}

static int add_capability(struct vfio_region *region,
			  const struct vfio_info_cap_header *header, size_t len)
{
	const struct vfio_region_info_cap_type *type = (const void *)header;

	switch (header->id) {
	case VFIO_REGION_INFO_CAP_SPARSE_MMAP:
		return add_areas(region, header, len);
	case VFIO_REGION_INFO_CAP_MSIX_MAPPABLE:
		region->msix_mappable = true;
		return 0;
	case VFIO_REGION_INFO_CAP_TYPE:
		if (len < sizeof(*type))
			return -EPROTO;
		region->has_type = true;
		region->type = type->type;
		region->subtype = type->subtype;
		return 0;
	}
	return 0;
}

static int describe_region(const struct vfio_session *session, size_t index,
			   struct vfio_region *region)
{
	_cleanup_(vfio_answer_free) struct vfio_answer answer = { 0 };
	struct vfio_region_info question = { .index = (uint32_t)index };
	const struct vfio_info_cap_header *header;
	const struct vfio_region_info *info;
	uint32_t at = 0;
	size_t len;
	int r;

	r = vfio_ask(session->transport, session->device, VFIO_DEVICE_GET_REGION_INFO,
		     &question, sizeof(question), &answer);
	/* One that this device has not, such as VGA's. */
	if (r == -EINVAL)
		return 0;
	if (r < 0)
		return r;
	info = (const void *)answer.bytes;
	region->is_there = true;
	region->readable = info->flags & VFIO_REGION_INFO_FLAG_READ;
	region->writable = info->flags & VFIO_REGION_INFO_FLAG_WRITE;
	region->mappable = info->flags & VFIO_REGION_INFO_FLAG_MMAP;
	region->size = info->size;
	region->offset = info->offset;
	if (region->size > INT64_MAX || region->offset > INT64_MAX - region->size)
		return -EPROTO;
	if (info->flags & VFIO_REGION_INFO_FLAG_CAPS)
		at = info->cap_offset;
	while ((r = vfio_answer_next(&answer, &at, &header, &len)) == 1) {
		r = add_capability(region, header, len);
		if (r < 0)
			break;
	}
	return r;
}

static int describe_irq(const struct vfio_session *session, size_t index,
			struct vfio_irq *irq)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = (uint32_t)index };
	int r = vfio_ioctl(session, session->device, VFIO_DEVICE_GET_IRQ_INFO, &info);

	/* One that this device has not, such as that of errors of a conventional one. */
	if (r == -EINVAL)
		return 0;
	if (r < 0)
		return r;
	irq->is_there = true;
	irq->count = info.count;
	irq->eventfd = info.flags & VFIO_IRQ_INFO_EVENTFD;
	irq->maskable = info.flags & VFIO_IRQ_INFO_MASKABLE;
	irq->automasked = info.flags & VFIO_IRQ_INFO_AUTOMASKED;
	irq->noresize = info.flags & VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

static int describe(const struct vfio_session *session, struct vfio_device *device,
		    const char **ret_what)
{
	_cleanup_(vfio_answer_free) struct vfio_answer answer = { 0 };
	const struct vfio_device_info question = { 0 }, *info;
	int r;

	*ret_what = "VFIO_DEVICE_GET_INFO";
	r = vfio_ask(session->transport, session->device, VFIO_DEVICE_GET_INFO, &question,
		     sizeof(question), &answer);
	if (r < 0)
		return r;
	info = (const void *)answer.bytes;
	if (info->num_regions > REGIONS_MAX || info->num_irqs > IRQS_MAX)
		return -EPROTO;
	device->is_pci = info->flags & VFIO_DEVICE_FLAGS_PCI;
	device->can_reset = info->flags & VFIO_DEVICE_FLAGS_RESET;
	device->regions = calloc(info->num_regions + 1, sizeof(*device->regions));
	device->irqs = calloc(info->num_irqs + 1, sizeof(*device->irqs));
	if (!device->regions || !device->irqs)
		return -ENOMEM;
	*ret_what = "VFIO_DEVICE_GET_REGION_INFO";
	device->n_regions = info->num_regions;
	for (size_t i = 0; r == 0 && i < device->n_regions; i++)
		r = describe_region(session, i, &device->regions[i]);
	if (r < 0)
		return r;
	*ret_what = "VFIO_DEVICE_GET_IRQ_INFO";
	device->n_irqs = info->num_irqs;
	for (size_t i = 0; r == 0 && i < device->n_irqs; i++)
		r = describe_irq(session, i, &device->irqs[i]);
	return r;
}

int vfio_device_describe(const struct vfio_session *session,
			 struct vfio_device *ret_device, struct error *err)
{
	struct vfio_device device = { 0 };
	const char *what = NULL;
	int r = describe(session, &device, &what);

	if (r == 0) {
		*ret_device = device;
		return 0;
	}
	vfio_device_free(&device);
	return vfio_failed(session->device_name, what, r, err);
}

void vfio_device_free(struct vfio_device *device)
{
	if (!device)
		return;
	for (size_t i = 0; device->regions && i < device->n_regions; i++)
		free(device->regions[i].areas);
	free(device->regions);
	free(device->irqs);
	*device = (struct vfio_device){ 0 };
}

const char *vfio_region_name(size_t index)
{
	static const char *const names[] = {
		[VFIO_PCI_BAR0_REGION_INDEX] = "BAR 0",
		[VFIO_PCI_BAR1_REGION_INDEX] = "BAR 1",
		[VFIO_PCI_BAR2_REGION_INDEX] = "BAR 2",
		[VFIO_PCI_BAR3_REGION_INDEX] = "BAR 3",
		[VFIO_PCI_BAR4_REGION_INDEX] = "BAR 4",
		[VFIO_PCI_BAR5_REGION_INDEX] = "BAR 5",
		[VFIO_PCI_ROM_REGION_INDEX] = "option ROM",
		[VFIO_PCI_CONFIG_REGION_INDEX] = "configuration space",
		[VFIO_PCI_VGA_REGION_INDEX] = "VGA",
	};

	return index < ARRAY_SIZE(names) ? names[index] : NULL;
}

const char *vfio_irq_name(size_t index)
{
	static const char *const names[] = {
		[VFIO_PCI_INTX_IRQ_INDEX] = "INTx",   [VFIO_PCI_MSI_IRQ_INDEX] = "MSI",
		[VFIO_PCI_MSIX_IRQ_INDEX] = "MSI-X",  [VFIO_PCI_ERR_IRQ_INDEX] = "error",
		[VFIO_PCI_REQ_IRQ_INDEX] = "request",
	};

	return index < ARRAY_SIZE(names) ? names[index] : NULL;
}

const struct vfio_region *vfio_region(const struct vfio_device *device, size_t index)
{
	return index < device->n_regions && device->regions[index].size
		       ? &device->regions[index]
		       : NULL;
}
