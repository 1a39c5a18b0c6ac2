/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of which there are slices is in use: they go with its driver, and whoever has
 * one loses it, or the driver hangs until he lets go. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/slices.h"
#include "usage/internal.h"

/* One that is being removed has left the bus, and has who holds it (mdev_remove() in
 * drivers/vfio/mdev/mdev_core.c): it keeps its parent's driver all the same. */
static int add_mediated(struct usage_scan *scan, const struct pci_slice *slice)
{
	const struct pci_device *parent;
	char path[PATH_MAX];

	if (slice->is_leaving)
		snprintf(path, sizeof(path), PCI_SLICE_PARENTS "/%s", slice->parent);
	else
		snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s", slice->id);
	parent = usage_link_owner(scan, path);
	if (!parent || !usage_is_asked(scan, parent))
		return 0;
	return usage_add(scan->usage, parent, USAGE_SLICE, "there is a slice of it, %s%s",
			 slice->id,
			 slice->is_leaving ? ", whose removal waits for who holds it"
					   : "");
}

/* A virtual function that is a slice itself. */
static int add_vendor(struct usage_scan *scan, const struct pci_device *device)
{
	long long type = 0;

	switch (pci_slice_vendor_type(scan->host, &device->address, &type)) {
	case FACT_KNOWN:
		if (!type)
			return 0;
		return usage_add(scan->usage, device, USAGE_SLICE,
				 "its driver hands it to guests, as type %lld", type);
	case FACT_UNREADABLE:
		return usage_add(scan->usage, device, USAGE_UNREADABLE,
				 "whether its driver hands it to guests could not be"
				 " read");
	default:
		return 0;
	}
}

int usage_scan_slices(struct usage_scan *scan)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	const struct pci_devices *devices = scan->usage->devices;
	int r = pci_slices_mediated(scan->host, &slices, &failure);

	if (r < 0 && r != -ENOMEM)
		r = usage_mark_unreadable(scan->usage, PCI_CLASS_DISPLAY,
					  "whether there are slices of it could not be"
					  " read");
	for (size_t i = 0; r == 0 && i < slices.count; i++)
		r = add_mediated(scan, &slices.items[i]);
	for (size_t i = 0; r == 0 && i < devices->count; i++)
		if (devices->items[i].driver && usage_is_asked(scan, &devices->items[i]))
			r = add_vendor(scan, &devices->items[i]);
	return r;
}
