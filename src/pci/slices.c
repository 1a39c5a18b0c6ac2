/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slices that there are. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/uuid.h"
#include "pci/device.h"
#include "pci/slice_internal.h"

static void slice_free(struct pci_slice *slice)
{
	free(slice->id);
	free(slice->parent);
	free(slice->type);
	string_list_free(&slice->nodes);
}

void pci_slices_free(struct pci_slices *slices)
{
	if (!slices)
		return;
	for (size_t i = 0; i < slices->count; i++)
		slice_free(&slices->items[i]);
	free(slices->items);
	memset(slices, 0, sizeof(*slices));
}

const struct pci_slice *pci_slice_find(const struct pci_slices *slices, const char *id)
{
	for (size_t i = 0; i < slices->count; i++)
		if (!strcmp(slices->items[i].id, id))
			return &slices->items[i];
	return NULL;
}

/* NULL: out of memory. */
static struct pci_slice *add(struct pci_slices *slices, enum pci_slice_kind kind,
			     const char *id)
{
	struct pci_slice *larger =
		reallocarray(slices->items, slices->count + 1, sizeof(*larger));
	struct pci_slice *slice;

	if (!larger)
		return NULL;
	slices->items = larger;
	slice = &larger[slices->count++];
	*slice = (struct pci_slice){ .kind = kind, .id = strdup(id) };
	return slice->id ? slice : NULL;
}

/*
 * The group of a mediated device on no IOMMU is VFIO's own, and its node is /dev/vfio/N
 * all the same (vfio_noiommu_group_alloc() in drivers/vfio/group.c). The other node is
 * for IOMMUFD.
 */
static int read_nodes(const struct host *host, const char *folder,
		      struct pci_slice *slice)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[PATH_MAX], name[NAME_MAX + 1];
	uint64_t number;
	int r = 0;

	snprintf(path, sizeof(path), "%s/iommu_group", folder);
	slice->group_fact = host_link_name(host, path, name, sizeof(name));
	if (slice->group_fact == FACT_KNOWN) {
		if (text_parse_number(name, UINT_MAX, &number) < 0)
			slice->group_fact = FACT_UNREADABLE;
		else
			slice->group = (unsigned int)number;
	}
	slice->has_unread_nodes = slice->group_fact == FACT_UNREADABLE;
	if (slice->group_fact == FACT_KNOWN)
		r = string_list_addf(&slice->nodes, "/dev/vfio/%u", slice->group);
	snprintf(path, sizeof(path), "%s/vfio-dev", folder);
	if (r == 0)
		r = host_list(host, path, &names);
	if (r < 0 && r != -ENOMEM) {
		slice->has_unread_nodes |= r != -ENOENT;
		r = 0;
	}
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = string_list_addf(&slice->nodes, "/dev/vfio/devices/%s",
				     names.items[i]);
	return r;
}

/* "../../../devices/virtual/mtty/mtty/UUID": it is in its parent's folder. */
static int read_parent(const struct host *host, const char *path, char **ret_parent)
{
	char target[PATH_MAX], *end, *name;

	if (host_link_target(host, path, target, sizeof(target)) != FACT_KNOWN)
		return 0;
	end = strrchr(target, '/');
	if (!end || end == target)
		return 0;
	*end = '\0';
	name = strrchr(target, '/');
	*ret_parent = strdup(name ? name + 1 : target);
	return *ret_parent ? 0 : -ENOMEM;
}

static int read_slice(const struct host *host, const char *uuid,
		      struct pci_slices *slices)
{
	struct pci_slice *slice = add(slices, PCI_SLICE_MDEV, uuid);
	char folder[PATH_MAX], path[PATH_MAX], type[NAME_MAX + 1];
	int r;

	if (!slice)
		return -ENOMEM;
	snprintf(folder, sizeof(folder), PCI_SLICE_BUS "/%s", uuid);
	snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s/mdev_type", uuid);
	r = read_parent(host, folder, &slice->parent);
	if (r == 0 && host_link_name(host, path, type, sizeof(type)) == FACT_KNOWN) {
		slice->type = strdup(type);
		r = slice->type ? 0 : -ENOMEM;
	}
	return r == 0 ? read_nodes(host, folder, slice) : r;
}

/*
 * A removal takes the links of the bus and of the type away, and waits then until nobody
 * holds the device, which is beneath its parent as long (bus_remove_device() in
 * drivers/base/bus.c, vfio_unregister_group_dev()).
 */
static int read_leaving(const struct host *host, const char *parent,
			struct pci_slices *slices)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char folder[PATH_MAX], uuid[UUID_SIZE];
	int r;

	snprintf(folder, sizeof(folder), PCI_SLICE_PARENTS "/%s", parent);
	r = host_list(host, folder, &names);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		struct pci_slice *slice;

		if (uuid_parse(names.items[i], strlen(names.items[i]), uuid) < 0 ||
		    pci_slice_find(slices, uuid))
			continue;
		/* It may have been made since the bus was listed. */
		snprintf(folder, sizeof(folder), PCI_SLICE_BUS "/%s", uuid);
		if (host_exists(host, folder)) {
			r = read_slice(host, uuid, slices);
			continue;
		}
		slice = add(slices, PCI_SLICE_MDEV, uuid);
		if (!slice)
			return -ENOMEM;
		slice->is_leaving = true;
		slice->parent = strdup(parent);
		snprintf(folder, sizeof(folder), PCI_SLICE_PARENTS "/%s/%s", parent,
			 uuid);
		r = slice->parent ? read_nodes(host, folder, slice) : -ENOMEM;
	}
	return r;
}

static int read_vendor(const struct host *host, const struct pci_device *device,
		       struct pci_slices *slices)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], name[NAME_MAX + 1];
	struct pci_slice *slice;
	long long type;

	if (pci_slice_vendor_type(host, &device->address, &type) != FACT_KNOWN || !type)
		return 0;
	slice = add(slices, PCI_SLICE_VENDOR, pci_address_format(&device->address, name));
	if (!slice)
		return -ENOMEM;
	if (asprintf(&slice->type, "%lld", type) < 0) {
		slice->type = NULL;
		return -ENOMEM;
	}
	if (host_link_name(host, pci_attribute_path(&device->address, "physfn", path),
			   name, sizeof(name)) == FACT_KNOWN) {
		slice->parent = strdup(name);
		if (!slice->parent)
			return -ENOMEM;
	}
	return read_nodes(host, pci_attribute_path(&device->address, NULL, path), slice);
}

int pci_slice_devices(const struct host *host, struct pci_devices *ret_devices,
		      struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	int r = pci_scan(host, ret_devices, &failure);

	/* A host without PCI may have parents of other kinds. */
	if (r == 0 || r == -ENOENT)
		return 0;
	if (err) {
		*err = failure;
		memset(&failure, 0, sizeof(failure));
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct pci_slice *left = a, *right = b;
	int order = strcmp(left->parent ? left->parent : "",
			   right->parent ? right->parent : "");

	return order ? order : strcmp(left->id, right->id);
}

/* A kernel without mediated devices has none of these folders. */
static int list_names(const struct host *host, const char *path,
		      struct string_list *ret_names, struct error *err)
{
	int r = host_list(host, path, ret_names);

	return r < 0 && r != -ENOENT ? error_set(err, -r, path, "%s", strerror(-r)) : 0;
}

int pci_slices_mediated(const struct host *host, struct pci_slices *ret_slices,
			struct error *err)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	_cleanup_(string_list_free) struct string_list parents = { 0 };
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = list_names(host, PCI_SLICE_BUS, &names, err);

	if (r == 0)
		r = list_names(host, PCI_SLICE_PARENTS, &parents, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = read_slice(host, names.items[i], &slices);
	for (size_t i = 0; r == 0 && i < parents.count; i++)
		r = read_leaving(host, parents.items[i], &slices);
	if (r < 0)
		return error_oom(err);
	*ret_slices = slices;
	memset(&slices, 0, sizeof(slices));
	return 0;
}

int pci_slices_read(const struct host *host, struct pci_slices *ret_slices,
		    struct error *err)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	int r = pci_slices_mediated(host, &slices, err);

	if (r == 0)
		r = pci_slice_devices(host, &devices, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < devices.count; i++)
		if (devices.items[i].driver)
			r = read_vendor(host, &devices.items[i], &slices);
	if (r < 0)
		return error_oom(err);
	if (slices.count)
		qsort(slices.items, slices.count, sizeof(*slices.items), compare);
	*ret_slices = slices;
	memset(&slices, 0, sizeof(slices));
	return 0;
}
