/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/topology.h"

static enum fact read_number(const struct host *host, const struct pci_device *device,
			     const char *name, long long *ret_value)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	return host_read_number(host, pci_attribute_path(&device->address, name, path),
				ret_value);
}

static enum fact read_text(const struct host *host, const struct pci_device *device,
			   const char *name, char *buffer, size_t size)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	return host_read(host, pci_attribute_path(&device->address, name, path), buffer,
			 size);
}

static enum fact read_address_link(const struct host *host,
				   const struct pci_device *device, const char *name,
				   struct pci_address *ret_address)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[NAME_MAX + 1];
	enum fact fact;

	fact = host_link_name(host, pci_attribute_path(&device->address, name, path),
			      text, sizeof(text));
	if (fact == FACT_KNOWN && pci_address_parse(text, ret_address) < 0)
		return FACT_UNREADABLE;
	return fact;
}

static enum fact read_parent(const struct host *host, const struct pci_device *device,
			     struct pci_address *ret_parent)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], target[PATH_MAX];
	struct pci_place place;

	pci_attribute_path(&device->address, NULL, path);
	if (host_link_target(host, path, target, sizeof(target)) != FACT_KNOWN ||
	    pci_place_parse(target, &place) < 0)
		return FACT_UNREADABLE;
	*ret_parent = place.parent;
	return place.has_parent ? FACT_KNOWN : FACT_ABSENT;
}

static int read_virtual_functions(const struct host *host,
				  const struct pci_device *device,
				  struct pci_details *details)
{
	char name[32];

	/* virtfn0, virtfn1, ...: one link for each that is enabled, without a gap. */
	for (;;) {
		struct pci_address address, *larger;
		size_t n = details->n_virtual_functions;

		snprintf(name, sizeof(name), "virtfn%zu", n);
		if (read_address_link(host, device, name, &address) != FACT_KNOWN)
			return 0;
		larger = reallocarray(details->virtual_functions, n + 1, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		larger[n] = address;
		details->virtual_functions = larger;
		details->n_virtual_functions++;
	}
}

enum fact pci_read_node(const struct host *host, const struct pci_device *device,
			unsigned int *ret_node)
{
	long long node;
	enum fact fact = read_number(host, device, "numa_node", &node);

	if (fact != FACT_KNOWN)
		return FACT_UNREADABLE;
	if (node < 0 || node > HOST_NUMA_NODE_MAX)
		return FACT_ABSENT;
	*ret_node = (unsigned int)node;
	return FACT_KNOWN;
}

enum fact pci_read_physical(const struct host *host, const struct pci_device *device,
			    struct pci_address *ret_physical)
{
	return read_address_link(host, device, "physfn", ret_physical);
}

int pci_details_read(const struct host *host, const struct pci_device *device,
		     struct pci_details *ret_details, struct error *err)
{
	_cleanup_(pci_details_free) struct pci_details details = { 0 };
	long long value = 0;

	details.revision_fact = read_number(host, device, "revision", &value);
	details.revision = (unsigned int)value;
	details.numa_fact = read_number(host, device, "numa_node", &details.numa_node);
	value = 0;
	details.boot_vga_fact = read_number(host, device, "boot_vga", &value);
	details.boot_vga = value == 1;
	details.power_fact = read_text(host, device, "power_state", details.power_state,
				       sizeof(details.power_state));
	details.reset_fact =
		read_text(host, device, "reset_method", details.reset_methods,
			  sizeof(details.reset_methods));
	details.parent_fact = read_parent(host, device, &details.parent);
	details.physical_fact =
		pci_read_physical(host, device, &details.physical_function);
	if (read_virtual_functions(host, device, &details) < 0)
		return error_oom(err);
	*ret_details = details;
	memset(&details, 0, sizeof(details));
	return 0;
}

/*
 * "bus" does not, though the kernel lists it for the first function of a slot, before it
 * knows the others; then it goes on to the next method (pci_parent_bus_reset()).
 */
bool pci_resets_alone(const char *methods)
{
	while (*methods) {
		size_t len = strcspn(methods, " ");

		if (!(len == 3 && !strncmp(methods, "bus", len)) &&
		    !(len == 7 && !strncmp(methods, "cxl_bus", len)))
			return true;
		methods += len;
		methods += strspn(methods, " ");
	}
	return false;
}

void pci_details_free(struct pci_details *details)
{
	if (!details)
		return;
	free(details->virtual_functions);
	memset(details, 0, sizeof(*details));
}
