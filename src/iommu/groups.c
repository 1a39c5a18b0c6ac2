/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/groups.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* One device and the number of its group, to be sorted into groups. */
struct membership {
	unsigned int number;
	struct pci_device *device;
};

static int compare_memberships(const void *a, const void *b)
{
	const struct membership *left = a, *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return pci_address_compare(&left->device->address, &right->device->address);
}

static int make_room(struct iommu_groups *groups, size_t count)
{
	size_t n = count ? count : 1;

	groups->items = calloc(n, sizeof(*groups->items));
	groups->of_device = calloc(n, sizeof(struct iommu_group *));
	groups->member_room = calloc(n, sizeof(struct pci_device *));
	if (!groups->items || !groups->of_device || !groups->member_room)
		return -ENOMEM;
	return 0;
}

/* Fills the groups from the sorted memberships. */
static void form_groups(struct iommu_groups *groups, const struct membership *memberships,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct iommu_group *group = &groups->items[groups->count];
		struct pci_device *device = memberships[i].device;

		if (i && memberships[i].number == memberships[i - 1].number) {
			group--;
		} else {
			group->number = memberships[i].number;
			group->members = groups->member_room + i;
			groups->count++;
		}
		group->members[group->count++] = device;
		groups->of_device[device - groups->devices->items] = group;
	}
}

int iommu_scan(const struct pci_devices *devices, struct iommu_groups *ret_groups,
	       struct error *err)
{
	_cleanup_(iommu_groups_free) struct iommu_groups groups = { .devices = devices };
	_cleanup_free_ struct membership *memberships = NULL;
	size_t count = 0;

	memberships = calloc(devices->count ? devices->count : 1, sizeof(*memberships));
	if (!memberships || make_room(&groups, devices->count) < 0)
		return error_oom(err);
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->items[i].group_fact == FACT_KNOWN)
			memberships[count++] =
				(struct membership){ devices->items[i].group_number,
						     &devices->items[i] };
	}
	qsort(memberships, count, sizeof(*memberships), compare_memberships);
	form_groups(&groups, memberships, count);
	*ret_groups = groups;
	memset(&groups, 0, sizeof(groups));
	return 0;
}

void iommu_groups_free(struct iommu_groups *groups)
{
	if (!groups)
		return;
	free(groups->items);
	free(groups->of_device);
	free(groups->member_room);
	memset(groups, 0, sizeof(*groups));
}

const struct iommu_group *iommu_group_of(const struct iommu_groups *groups,
					 const struct pci_device *device,
					 enum fact *ret_fact)
{
	ptrdiff_t index = device - groups->devices->items;

	if (ret_fact)
		*ret_fact = device->group_fact;
	return groups->of_device[index];
}

const struct iommu_group *iommu_find_group(const struct iommu_groups *groups,
					   unsigned int number)
{
	for (size_t i = 0; i < groups->count; i++)
		if (groups->items[i].number == number)
			return &groups->items[i];
	return NULL;
}

bool iommu_member_stays(const struct pci_device *member)
{
	return pci_is_bridge(member) ||
	       (member->ids == FACT_KNOWN && (member->class_code >> 8) == 0x0600);
}

bool iommu_is_vfio_driver(const char *driver)
{
	return strstr(driver, "vfio") != NULL;
}

bool iommu_member_allows_vfio(const struct pci_device *member, const char **ret_driver)
{
	*ret_driver = member->driver;
	if (member->driver_fact == FACT_ABSENT)
		return true;
	if (member->driver_fact != FACT_KNOWN)
		return false;
	/* Variant drivers carry "vfio" in their names: mlx5_vfio_pci,
	 * nvgrace_gpu_vfio_pci. */
	return iommu_is_vfio_driver(member->driver) ||
	       !strcmp(member->driver, "pcieport") || !strcmp(member->driver, "pci-stub");
}

enum fact iommu_group_type(const struct host *host, const struct iommu_group *group,
			   char *buffer, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/type", group->number);
	return host_read(host, path, buffer, size);
}
