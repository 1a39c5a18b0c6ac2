/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host's devices can be cut into: Documentation/ABI/testing/sysfs-bus-vfio-mdev
 * and drivers/vfio/mdev/mdev_sysfs.c; the NVIDIA vGPU user guide on its framework without
 * mdev; Documentation/ABI/testing/sysfs-driver-intel-xe-sriov.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/device.h"
#include "pci/slice_internal.h"

static void type_free(struct pci_slice_type *type)
{
	free(type->parent);
	free(type->folder);
	free(type->type);
	free(type->name);
	free(type->api);
	free(type->description);
}

void pci_slice_types_free(struct pci_slice_types *types)
{
	if (!types)
		return;
	for (size_t i = 0; i < types->count; i++)
		type_free(&types->items[i]);
	free(types->items);
	memset(types, 0, sizeof(*types));
}

const char *pci_slice_kind_name(enum pci_slice_kind kind)
{
	static const char *const names[] = {
		[PCI_SLICE_MDEV] = "mdev",
		[PCI_SLICE_VENDOR] = "vendor",
		[PCI_SLICE_FUNCTION] = "virtual_function",
	};

	return names[kind];
}

/* Adds an empty one of that kind, parent and name. NULL: out of memory. */
static struct pci_slice_type *add(struct pci_slice_types *types, enum pci_slice_kind kind,
				  const char *parent, const char *folder,
				  const char *name)
{
	struct pci_slice_type *larger, *type;

	larger = reallocarray(types->items, types->count + 1, sizeof(*larger));
	if (!larger)
		return NULL;
	types->items = larger;
	type = &larger[types->count++];
	*type = (struct pci_slice_type){
		.kind = kind,
		.parent = strdup(parent),
		.folder = strdup(folder),
		.type = strdup(name),
		.left_fact = FACT_ABSENT,
	};
	return type->parent && type->folder && type->type ? type : NULL;
}

/* Returns 0, with NULL for what is not told, or -ENOMEM. */
static int read_text(const struct host *host, const char *folder, const char *name,
		     char **ret_text)
{
	char path[PATH_MAX], text[HOST_ATTRIBUTE_MAX + 1];

	*ret_text = NULL;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (host_read(host, path, text, sizeof(text)) != FACT_KNOWN || !text[0])
		return 0;
	*ret_text = strdup(text);
	return *ret_text ? 0 : -ENOMEM;
}

/* What one lacks is not told of it alone: before Linux 6.1 name and description may be
 * missing, and a type may go while it is read. */
static int read_type(const struct host *host, const char *parent, const char *folder,
		     const char *name, struct pci_slice_types *types)
{
	_cleanup_(string_list_free) struct string_list made = { 0 };
	struct pci_slice_type *type = add(types, PCI_SLICE_MDEV, parent, folder, name);
	char place[PATH_MAX], path[PATH_MAX];
	int r = type ? 0 : -ENOMEM;

	snprintf(place, sizeof(place), "%s/mdev_supported_types/%s", folder, name);
	if (r == 0)
		r = read_text(host, place, "name", &type->name);
	if (r == 0)
		r = read_text(host, place, "device_api", &type->api);
	if (r == 0)
		r = read_text(host, place, "description", &type->description);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/available_instances", place);
	type->left_fact = host_read_number(host, path, &type->left);
	snprintf(path, sizeof(path), "%s/devices", place);
	r = host_list(host, path, &made);
	type->made = made.count;
	if (type->description)
		pci_slice_cost_parse(type->description, strlen(type->description),
				     &type->cost);
	return r == -ENOMEM ? r : 0;
}

static int read_parent(const struct host *host, const char *parent, const char *folder,
		       struct pci_slice_types *types)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/mdev_supported_types", folder);
	r = host_list(host, path, &names);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = read_type(host, parent, folder, names.items[i], types);
	return r;
}

static struct pci_slice_type *find_vendor_type(struct pci_slice_types *types,
					       const char *parent, unsigned int number)
{
	char folder[PATH_MAX], name[16];

	snprintf(name, sizeof(name), "%u", number);
	for (size_t i = 0; i < types->count; i++)
		if (types->items[i].kind == PCI_SLICE_VENDOR &&
		    !strcmp(types->items[i].parent, parent) &&
		    !strcmp(types->items[i].type, name))
			return &types->items[i];
	snprintf(folder, sizeof(folder), "sys/bus/pci/devices/%s", parent);
	return add(types, PCI_SLICE_VENDOR, parent, folder, name);
}

/* The name of a type that exists may not be among those that can be made any more. */
static int offer(struct pci_slice_types *types, const char *parent,
		 const struct pci_vendor_type *offered, bool is_free)
{
	struct pci_slice_type *type = find_vendor_type(types, parent, offered->number);

	if (!type)
		return -ENOMEM;
	type->free_functions += is_free;
	if (type->name)
		return 0;
	pci_slice_cost_of_name(offered->name, &type->cost);
	type->name = strdup(offered->name);
	return type->name ? 0 : -ENOMEM;
}

static int read_vendor(const struct host *host, const struct pci_device *device,
		       long long current, struct pci_slice_types *types)
{
	_cleanup_(pci_vendor_types_free) struct pci_vendor_types offered = { 0 };
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[HOST_ATTRIBUTE_MAX + 1];
	struct pci_slice_type *type;
	char parent[PCI_ADDRESS_SIZE];
	struct pci_address physical;
	int r;

	if (pci_read_physical(host, device, &physical) != FACT_KNOWN)
		physical = device->address;
	pci_address_format(&physical, parent);
	host_read(host,
		  pci_attribute_path(&device->address, "nvidia/creatable_vgpu_types",
				     path),
		  text, sizeof(text));
	r = pci_vendor_types_parse(text, strlen(text), &offered);
	for (size_t i = 0; r == 0 && i < offered.count; i++)
		r = offer(types, parent, &offered.items[i], !current);
	if (r < 0 || current <= 0)
		return r;
	type = find_vendor_type(types, parent, (unsigned int)current);
	if (!type)
		return -ENOMEM;
	type->made++;
	return 0;
}

/*
 * GPUs whose virtual functions are slices as they are; AMD's host driver is gim.
 * sriov_totalvfs is told of others, too: Linux's own i915 makes none (it has no
 * sriov_configure(); one that does has a max_vfs), and xe none where its max_vfs is 0, as
 * by default in 6.12.
 */
static bool makes_functions(const struct host *host, const struct pci_device *device)
{
	static const struct {
		const char *name, *limit;
		bool limit_tells;
	} drivers[] = { { "gim", NULL, false },
			{ "i915", "sys/module/i915/parameters/max_vfs", true },
			{ "xe", "sys/module/xe/parameters/max_vfs", false } };
	char path[PCI_ATTRIBUTE_PATH_SIZE], limit[16];
	enum fact fact = FACT_ABSENT;
	long long made;

	for (size_t i = 0; device->driver && i < ARRAY_SIZE(drivers); i++) {
		if (strcmp(device->driver, drivers[i].name) != 0)
			continue;
		if (host_read_number(host,
				     pci_attribute_path(&device->address, "sriov_numvfs",
							path),
				     &made) == FACT_KNOWN &&
		    made > 0)
			return true;
		if (drivers[i].limit)
			fact = host_read(host, drivers[i].limit, limit, sizeof(limit));
		return fact == FACT_KNOWN ? strcmp(limit, "0") != 0
					  : !drivers[i].limit_tells;
	}
	return false;
}

/* xe tells the memory of each, of cards that have their own, since Linux 7.0. */
static void read_quota(const struct host *host, const struct pci_address *address,
		       struct pci_slice_cost *cost)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	long long bytes;

	if (host_read_number(host,
			     pci_attribute_path(
				     address, "sriov_admin/vf1/profile/vram_quota", path),
			     &bytes) != FACT_KNOWN ||
	    bytes <= 0)
		return;
	cost->values[PCI_SLICE_MEMORY] = (uint64_t)bytes >> 20;
	cost->known |= 1u << PCI_SLICE_MEMORY;
}

static int read_functions(const struct host *host, const struct pci_device *device,
			  struct pci_slice_types *types)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], parent[PCI_ADDRESS_SIZE];
	struct pci_slice_type *type;
	long long total, made = 0;

	if (host_read_number(host,
			     pci_attribute_path(&device->address, "sriov_totalvfs", path),
			     &total) != FACT_KNOWN ||
	    total <= 0)
		return 0;
	type = add(types, PCI_SLICE_FUNCTION,
		   pci_address_format(&device->address, parent),
		   pci_attribute_path(&device->address, NULL, path), "vf");
	if (!type)
		return -ENOMEM;
	if (host_read_number(host,
			     pci_attribute_path(&device->address, "sriov_numvfs", path),
			     &made) != FACT_KNOWN)
		type->left_fact = FACT_UNREADABLE;
	type->made = made > 0 ? (size_t)made : 0;
	type->free_functions = made < total ? (size_t)(total - made) : 0;
	read_quota(host, &device->address, &type->cost);
	return 0;
}

/* A mediated parent whose link in the class could not be made is one all the same
 * (mdev_register_parent() only warns). */
static int read_device(const struct host *host, const struct pci_device *device,
		       struct pci_slice_types *types)
{
	char folder[PCI_ATTRIBUTE_PATH_SIZE], name[PCI_ADDRESS_SIZE], link[64];
	long long current;
	int r = 0;

	if (pci_slice_vendor_type(host, &device->address, &current) == FACT_KNOWN)
		r = read_vendor(host, device, current, types);
	else if (makes_functions(host, device))
		r = read_functions(host, device, types);
	snprintf(link, sizeof(link), PCI_SLICE_PARENTS "/%s",
		 pci_address_format(&device->address, name));
	if (r < 0 || !pci_is_display(device) || host_exists(host, link))
		return r;
	return read_parent(host, name, pci_attribute_path(&device->address, NULL, folder),
			   types);
}

static int compare(const void *a, const void *b)
{
	const struct pci_slice_type *left = a, *right = b;
	int order = strcmp(left->parent, right->parent);

	return order ? order : strverscmp(left->type, right->type);
}

int pci_slice_types_read(const struct host *host, struct pci_slice_types *ret_types,
			 struct error *err)
{
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	_cleanup_(string_list_free) struct string_list parents = { 0 };
	char folder[PATH_MAX];
	int r = pci_slice_devices(host, &devices, err);

	if (r < 0)
		return r;
	r = host_list(host, PCI_SLICE_PARENTS, &parents);
	if (r < 0 && r != -ENOENT)
		return error_set(err, -r, "/" PCI_SLICE_PARENTS, "%s", strerror(-r));
	r = 0;
	for (size_t i = 0; r == 0 && i < parents.count; i++) {
		snprintf(folder, sizeof(folder), PCI_SLICE_PARENTS "/%s",
			 parents.items[i]);
		r = read_parent(host, parents.items[i], folder, &types);
	}
	for (size_t i = 0; r == 0 && i < devices.count; i++)
		if (devices.items[i].driver)
			r = read_device(host, &devices.items[i], &types);
	if (r < 0)
		return error_oom(err);
	if (types.count)
		qsort(types.items, types.count, sizeof(*types.items), compare);
	*ret_types = types;
	memset(&types, 0, sizeof(types));
	return 0;
}
