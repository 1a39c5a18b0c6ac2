/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's consoles on a serial line: of a PCI card, behind USB, or of virtio. */
#include <string.h>

#include "usage/internal.h"

/* virtio-console, by the ID of today's or of before virtio 1.0 (virtio 1.0, 4.1.2). */
bool usage_is_virtio_console(const struct pci_device *device)
{
	return usage_is_virtio(device) && device->driver_fact == FACT_KNOWN &&
	       (device->device_id == 0x1043 || device->device_id == 0x1003);
}

/* hvc0 is a device of its own in /sys, which does not lead to the function behind it. */
static int add_virtio_console(struct usage_scan *scan, const char *name)
{
	const struct pci_devices *devices = scan->usage->devices;
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < devices->count; i++)
		count += usage_is_virtio_console(&devices->items[i]);
	for (size_t i = 0; r == 0 && i < devices->count; i++)
		if (usage_is_virtio_console(&devices->items[i]))
			r = usage_add(scan->usage, &devices->items[i],
				      count == 1 ? USAGE_CONSOLE : USAGE_UNREADABLE,
				      "the kernel's console %s %s on it", name,
				      count == 1 ? "is" : "may be");
	return r;
}

int usage_scan_console(struct usage_scan *scan)
{
	char text[HOST_ATTRIBUTE_MAX], *rest = text, *name;
	enum fact fact;
	int r = 0;

	fact = host_read(scan->host, "sys/class/tty/console/active", text, sizeof(text));
	if (fact == FACT_UNREADABLE)
		return usage_mark_unreadable(
			scan->usage, PCI_CLASS_COMMUNICATION,
			"whether it has the kernel's console could not be read");
	while (r == 0 && fact == FACT_KNOWN && (name = strsep(&rest, " "))) {
		const struct pci_device *owner = usage_class_owner(scan, "tty", name);

		if (owner)
			r = usage_add(scan->usage, owner, USAGE_CONSOLE,
				      "the kernel's console %s is on it", name);
		else if (!strncmp(name, "hvc", 3))
			r = add_virtio_console(scan, name);
	}
	return r;
}
