/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "vfio/device.h"
#include "vfio/internal.h"

/* A bus has 256 functions, and a port may have more of them below. The set grows when
 * something is plugged in meanwhile, so it is asked a few times. */
enum { DEPENDENTS_MAX = 65536, TRIES = 4 };

static size_t size_of(size_t count)
{
	return sizeof(struct vfio_pci_hot_reset_info) +
	       count * sizeof(struct vfio_pci_dependent_device);
}

/* The answer, for free(). -ENODEV and -EPERM: it cannot be reset so. */
static int ask(const struct vfio_session *session,
	       struct vfio_pci_hot_reset_info **ret_info)
{
	size_t room = 0;
	int r = -EAGAIN;

	for (unsigned int i = 0; i < TRIES && (r == -ENOSPC || r == -EAGAIN); i++) {
		_cleanup_free_ struct vfio_pci_hot_reset_info *info =
			calloc(1, size_of(room));

		if (!info)
			return -ENOMEM;
		info->argsz = (uint32_t)size_of(room);
		r = vfio_ioctl(session, session->device,
			       VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
		if (r >= 0 && info->count > room)
			return -EPROTO;
		if (r >= 0) {
			*ret_info = steal(info);
			return 0;
		}
		if (r == -ENOSPC && info->count > DEPENDENTS_MAX)
			return -EPROTO;
		if (r == -ENOSPC)
			room = info->count;
	}
	return r;
}

static int fill(const struct vfio_pci_hot_reset_info *info, struct vfio_hot_reset *set)
{
	set->items = calloc(info->count + 1, sizeof(*set->items));
	if (!set->items)
		return -ENOMEM;
	set->possible = true;
	set->by_devices = info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID;
	set->all_owned = info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	set->count = info->count;
	for (size_t i = 0; i < set->count; i++) {
		const struct vfio_pci_dependent_device *from = &info->devices[i];
		struct vfio_dependent *to = &set->items[i];

		to->address = (struct pci_address){
			.domain = from->segment,
			.bus = from->bus,
			.device = from->devfn >> 3,
			.function = from->devfn & 7,
		};
		if (!set->by_devices) {
			to->group = from->group_id;
		} else if (from->devid != (uint32_t)VFIO_PCI_DEVID_NOT_OWNED) {
			to->is_owned = true;
			to->device_id = from->devid;
		}
	}
	return 0;
}

int vfio_hot_reset_set(const struct vfio_session *session, struct vfio_hot_reset *ret_set,
		       struct error *err)
{
	_cleanup_free_ struct vfio_pci_hot_reset_info *info = NULL;
	struct vfio_hot_reset set = { 0 };
	int r = ask(session, &info);

	if (r == 0)
		r = fill(info, &set);
	/* Neither way; or one of those that would go along is in no group, and so cannot
	 * be had by anybody (vfio_pci_fill_devs()). */
	if (r < 0 && r != -ENODEV && r != -EPERM)
		return vfio_failed(session->device_name,
				   "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", r, err);
	set.groupless = r == -EPERM;
	*ret_set = set;
	return 0;
}

void vfio_hot_reset_free(struct vfio_hot_reset *set)
{
	if (!set)
		return;
	free(set->items);
	*set = (struct vfio_hot_reset){ 0 };
}
