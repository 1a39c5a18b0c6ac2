/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network interfaces that belong to another network namespace: /sys/class/net does not
 * list them, and what uses them cannot be seen from here. The folder `net` of the device
 * that they are on is there all the same.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

static int look_at_folder(struct usage_scan *scan, const struct pci_device *owner,
			  const char *path)
{
	_cleanup_(string_list_free) struct string_list ours = { 0 };
	long long all;
	int r = host_list(scan->host, path, &ours);

	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	if (r < 0)
		return usage_add(scan->usage, owner, USAGE_UNREADABLE,
				 "its interfaces could not be read: %s", strerror(-r));
	if (!ours.count)
		return usage_add(scan->usage, owner, USAGE_UNREADABLE,
				 "its interface is in another network namespace");
	/* Of a card with several ports, one may be here and another one not. */
	if (host_count_folders(scan->host, path, &all) != FACT_KNOWN ||
	    all <= (long long)ours.count)
		return 0;
	return usage_add(scan->usage, owner, USAGE_UNREADABLE,
			 "another interface of it than %s is in another network"
			 " namespace",
			 ours.items[0]);
}

/* Of virtio-net it is below the device that the function is on the virtio bus. */
static int look_at_card(struct usage_scan *scan, const struct pci_device *device)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], folder[64] = "net";

	if (!usage_is_asked(scan, device) || !pci_has_class(device, PCI_CLASS_NETWORK) ||
	    device->driver_fact != FACT_KNOWN)
		return 0;
	if (usage_is_virtio(device)) {
		char name[32];
		int r = usage_virtio_name(scan->host, device, name, sizeof(name));

		if (r < 0)
			return r == -ENOMEM
				       ? r
				       : usage_add(scan->usage, device, USAGE_UNREADABLE,
						   "its interfaces could not be read: %s",
						   strerror(-r));
		if (name[0])
			snprintf(folder, sizeof(folder), "%s/net", name);
	}
	return look_at_folder(scan, device,
			      pci_attribute_path(&device->address, folder, path));
}

/* A card on USB is an interface of a USB device, "1-2:1.0", and its controller's. */
static int look_at_usb(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "sys/bus/usb/devices", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char device[NAME_MAX + 32], folder[NAME_MAX + 64];
		const struct pci_device *owner;

		snprintf(device, sizeof(device), "sys/bus/usb/devices/%s",
			 names.items[i]);
		snprintf(folder, sizeof(folder), "%s/net", device);
		if (!strchr(names.items[i], ':') || !host_exists(scan->host, folder))
			continue;
		owner = usage_link_owner(scan, device);
		if (owner && usage_is_asked(scan, owner))
			r = look_at_folder(scan, owner, folder);
	}
	return r;
}

int usage_look_for_hidden(struct usage_scan *scan)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++)
		r = look_at_card(scan, &devices->items[i]);
	return r == 0 ? look_at_usb(scan) : r;
}
