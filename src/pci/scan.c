/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parallel.h"
#include "pci/device.h"
#include "pci/modalias.h"

static const char devices_path[] = "sys/bus/pci/devices";

const char *pci_attribute_path(const struct pci_address *address, const char *name,
			       char buffer[PCI_ATTRIBUTE_PATH_SIZE])
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	snprintf(buffer, PCI_ATTRIBUTE_PATH_SIZE, "%s/%s%s%s", devices_path, text,
		 name ? "/" : "", name ? name : "");
	return buffer;
}

const char *pci_identity_format(const struct pci_device *device,
				char buffer[PCI_IDENTITY_SIZE])
{
	snprintf(buffer, PCI_IDENTITY_SIZE, "%04x:%04x/%04x:%04x", device->vendor_id,
		 device->device_id, device->subsystem_vendor_id,
		 device->subsystem_device_id);
	return buffer;
}

bool pci_is_bridge(const struct pci_device *device)
{
	/* Class 06, subclasses 04 and 09: PCI-to-PCI, transparent or semi-transparent. */
	return device->ids == FACT_KNOWN && ((device->class_code >> 8) == 0x0604 ||
					     (device->class_code >> 8) == 0x0609);
}

bool pci_has_class(const struct pci_device *device, enum pci_class base)
{
	return device->ids == FACT_KNOWN && device->class_code >> 16 == base;
}

bool pci_is_display(const struct pci_device *device)
{
	return pci_has_class(device, PCI_CLASS_DISPLAY);
}

bool pci_gives_picture(const struct pci_device *device)
{
	return pci_is_display(device) && device->class_code >> 8 != 0x0302;
}

/* Devices share few drivers: each name is kept once, and the last one found first. */
static const char *intern_driver(struct string_list *drivers, const char *name)
{
	for (size_t i = drivers->count; i-- > 0;)
		if (!strcmp(drivers->items[i], name))
			return drivers->items[i];
	if (string_list_add(drivers, name) < 0)
		return NULL;
	return drivers->items[drivers->count - 1];
}

static int parse_group(const char *text, unsigned int *ret_number)
{
	uint64_t number;
	int r = text_parse_number(text, INT_MAX, &number);

	if (r == 0)
		*ret_number = (unsigned int)number;
	return r;
}

static int read_device(const struct host *host, struct string_list *drivers,
		       struct pci_device *device)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[256];
	struct host_dir dir;

	if (host_dir_open(host, pci_attribute_path(&device->address, NULL, path), &dir) <
	    0) {
		device->ids = FACT_UNREADABLE;
		device->driver_fact = FACT_UNREADABLE;
		device->group_fact = FACT_UNREADABLE;
		return 0;
	}
	device->ids = host_dir_read(&dir, "modalias", text, sizeof(text));
	if (device->ids == FACT_KNOWN &&
	    pci_modalias_parse(text, strlen(text), device) < 0)
		device->ids = FACT_UNREADABLE;
	device->group_fact = host_dir_link_name(&dir, "iommu_group", text, sizeof(text));
	if (device->group_fact == FACT_KNOWN &&
	    parse_group(text, &device->group_number) < 0)
		device->group_fact = FACT_UNREADABLE;
	device->driver_fact = host_dir_link_name(&dir, "driver", text, sizeof(text));
	host_dir_close(&dir);
	if (device->driver_fact != FACT_KNOWN)
		return 0;
	device->driver = intern_driver(drivers, text);
	return device->driver ? 0 : -ENOMEM;
}

/* Each part keeps the names it met by itself. */
struct reading {
	const struct host *host;
	struct pci_devices *devices;
	struct string_list drivers[PARALLEL_PARTS_MAX];
};

static int read_part(void *context, size_t part, size_t from, size_t to)
{
	struct reading *reading = context;
	int r = 0;

	for (size_t i = from; r == 0 && i < to; i++)
		r = read_device(reading->host, &reading->drivers[part],
				&reading->devices->items[i]);
	return r;
}

/* Moves the names over; the devices point at the texts, which stay where they are. */
static int keep_drivers(struct pci_devices *devices, struct string_list *drivers)
{
	int r = 0;

	for (size_t i = 0; i < drivers->count; i++) {
		char *name = steal(drivers->items[i]);

		if (r == 0)
			r = string_list_add_owned(&devices->drivers, name);
		else
			free(name);
	}
	string_list_free(drivers);
	return r;
}

static int read_devices(const struct host *host, struct pci_devices *devices)
{
	struct reading reading = { .host = host, .devices = devices };
	int r = parallel_for(devices->count, read_part, &reading);

	for (size_t i = 0; i < PARALLEL_PARTS_MAX; i++) {
		int kept = keep_drivers(devices, &reading.drivers[i]);

		r = r ? r : kept;
	}
	return r;
}

static int compare_devices(const void *a, const void *b)
{
	const struct pci_device *left = a, *right = b;

	return pci_address_compare(&left->address, &right->address);
}

int pci_scan(const struct host *host, struct pci_devices *ret_devices, struct error *err)
{
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r;

	r = host_list(host, devices_path, &names);
	if (r == -ENOENT) {
		r = error_set(err, ENOENT, host_name(host), "it has no PCI bus");
		error_hint(err, "/sys must be mounted, with %s in it", devices_path);
		return r;
	}
	if (r < 0) {
		r = error_set(err, -r, devices_path, "%s", strerror(-r));
		if (!host_is_live(host))
			error_hint(err, "%s is damaged, or no whole copy of a host",
				   host_name(host));
		return r;
	}
	devices.items = calloc(names.count ? names.count : 1, sizeof(*devices.items));
	if (!devices.items)
		return error_oom(err);
	for (size_t i = 0; i < names.count; i++)
		if (pci_address_parse(names.items[i],
				      &devices.items[devices.count].address) == 0)
			devices.count++;
	if (read_devices(host, &devices) < 0)
		return error_oom(err);
	qsort(devices.items, devices.count, sizeof(*devices.items), compare_devices);
	*ret_devices = devices;
	memset(&devices, 0, sizeof(devices));
	return 0;
}

void pci_devices_free(struct pci_devices *devices)
{
	if (!devices)
		return;
	for (size_t i = 0; i < devices->count; i++)
		free(devices->items[i].driver_override);
	free(devices->items);
	string_list_free(&devices->drivers);
	memset(devices, 0, sizeof(*devices));
}

struct pci_device *pci_find(const struct pci_devices *devices,
			    const struct pci_address *address)
{
	struct pci_device key = { .address = *address };

	if (!devices->count)
		return NULL;
	return bsearch(&key, devices->items, devices->count, sizeof(key),
		       compare_devices);
}

struct pci_device *pci_find_by_path(const struct pci_devices *devices, const char *path)
{
	struct pci_device *found = NULL;
	struct pci_address address;
	char component[64];

	for (const char *at = path; *at;) {
		size_t len = strcspn(at, "/");

		if (len < sizeof(component)) {
			memcpy(component, at, len);
			component[len] = '\0';
			if (pci_address_parse(component, &address) == 0)
				found = pci_find(devices, &address);
		}
		at += len + (at[len] == '/');
	}
	return found;
}
