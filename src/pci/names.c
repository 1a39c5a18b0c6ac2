/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/names.h"

#include <libudev.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/device.h"

/* Hosts have many devices of few kinds: each kind is looked up once. */
struct kind {
	uint64_t key; /* vendor << 16 | device, or a class marked by CLASS_KEY */
	char *first;  /* vendor name, or class name */
	char *second; /* device name */
};

#define CLASS_KEY (1ULL << 63)

struct pci_names {
	struct udev *udev;
	struct udev_hwdb *hwdb;
	void *kinds; /* tsearch tree of struct kind */
};

struct pci_names *pci_names_open(void)
{
	struct pci_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->udev = udev_new();
	names->hwdb = names->udev ? udev_hwdb_new(names->udev) : NULL;
	return names;
}

static void kind_free(void *node)
{
	struct kind *kind = node;

	free(kind->first);
	free(kind->second);
	free(kind);
}

void pci_names_free(struct pci_names *names)
{
	if (!names)
		return;
	tdestroy(names->kinds, kind_free);
	udev_hwdb_unref(names->hwdb);
	udev_unref(names->udev);
	free(names);
}

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *left = a, *right = b;

	return left->key < right->key ? -1 : left->key > right->key;
}

/* Keeps the value of the property named first_key or second_key in the kind. */
static void look_up(struct pci_names *names, const char *modalias, const char *first_key,
		    const char *second_key, struct kind *kind)
{
	struct udev_list_entry *entry;

	if (!names->hwdb)
		return;
	entry = udev_hwdb_get_properties_list_entry(names->hwdb, modalias, 0);
	for (; entry; entry = udev_list_entry_get_next(entry)) {
		const char *name = udev_list_entry_get_name(entry);
		const char *value = udev_list_entry_get_value(entry);

		if (!strcmp(name, first_key)) {
			free(kind->first);
			kind->first = strdup(value);
		} else if (!strcmp(name, second_key)) {
			free(kind->second);
			kind->second = strdup(value);
		}
	}
}

/* The kind with this key, and whether it is new and must be filled. NULL: out of memory.
 */
static struct kind *find_kind(struct pci_names *names, uint64_t key, bool *ret_new)
{
	struct kind *kind = calloc(1, sizeof(*kind));
	struct kind **found;

	*ret_new = false;
	if (!kind)
		return NULL;
	kind->key = key;
	found = tsearch(kind, &names->kinds, compare_kinds);
	if (!found || *found != kind) {
		free(kind);
		return found ? *found : NULL;
	}
	*ret_new = true;
	return kind;
}

static const struct kind *device_kind(struct pci_names *names,
				      const struct pci_device *device)
{
	uint64_t key = (uint64_t)device->vendor_id << 16 | device->device_id;
	struct kind *kind;
	char modalias[64];
	bool new;

	if (device->ids != FACT_KNOWN)
		return NULL;
	kind = find_kind(names, key, &new);
	if (!kind || !new)
		return kind;
	/* Vendor and device alone: with the subsystem in it, the name would be the
	 * board's. */
	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08X", device->vendor_id,
		 device->device_id);
	look_up(names, modalias, "ID_VENDOR_FROM_DATABASE", "ID_MODEL_FROM_DATABASE",
		kind);
	return kind;
}

const char *pci_vendor_name(struct pci_names *names, const struct pci_device *device)
{
	const struct kind *kind = device_kind(names, device);

	return kind ? kind->first : NULL;
}

const char *pci_device_name(struct pci_names *names, const struct pci_device *device)
{
	const struct kind *kind = device_kind(names, device);

	return kind ? kind->second : NULL;
}

const char *pci_class_name(struct pci_names *names, const struct pci_device *device)
{
	struct kind *kind;
	char modalias[64];
	bool new;

	if (device->ids != FACT_KNOWN)
		return NULL;
	kind = find_kind(names, CLASS_KEY | device->class_code >> 8, &new);
	if (!kind)
		return NULL;
	if (new) {
		/* The database's patterns for classes have a "*" for every ID. */
		snprintf(modalias, sizeof(modalias), "pci:vdsvsdbc%02Xsc%02X",
			 device->class_code >> 16, device->class_code >> 8 & 0xff);
		look_up(names, modalias, "ID_PCI_CLASS_FROM_DATABASE",
			"ID_PCI_SUBCLASS_FROM_DATABASE", kind);
	}
	return kind->second ? kind->second : kind->first;
}
