/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/topology.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parallel.h"

int pci_place_parse(const char *text, struct pci_place *ret_place)
{
	struct pci_place place = { 0 };
	struct pci_address address, above = { 0 };
	bool has_above = false, has_root = false, found = false;
	char component[64];

	for (const char *at = text; *at;) {
		size_t len = strcspn(at, "/");

		snprintf(component, sizeof(component), "%.*s", (int)len, at);
		if (len < sizeof(component) &&
		    pci_address_parse(component, &address) == 0) {
			place.has_parent = has_above;
			place.parent = above;
			above = address;
			has_above = true;
			found = has_root;
		} else if (!strncmp(component, "pci", 3) && strchr(component, ':')) {
			/* A root bus: what is above made it
			 * (drivers/pci/controller/vmd.c).
			 */
			place.has_maker = has_above;
			place.maker = above;
			has_above = false;
			has_root = true;
			found = false;
		}
		at += len + (at[len] == '/');
	}
	if (!found)
		return -EINVAL;
	*ret_place = place;
	return 0;
}

static struct pci_node *find_node(struct pci_topology *topology,
				  const struct pci_devices *devices,
				  const struct pci_address *address)
{
	const struct pci_device *device = pci_find(devices, address);

	return device ? &topology->nodes[device - devices->items] : NULL;
}

struct reading {
	const struct host *host;
	const struct pci_devices *devices;
	struct pci_topology *topology;
};

static void read_node(const struct reading *reading, struct pci_node *node)
{
	const struct pci_devices *devices = reading->devices;
	const struct host *host = reading->host;
	struct pci_topology *topology = reading->topology;
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[PATH_MAX];
	struct pci_address address;
	struct pci_place place;

	pci_attribute_path(&node->device->address, NULL, path);
	node->parent_fact = FACT_UNREADABLE;
	if (host_link_target(host, path, text, sizeof(text)) == FACT_KNOWN &&
	    pci_place_parse(text, &place) == 0) {
		node->parent_fact = place.has_parent ? FACT_KNOWN : FACT_ABSENT;
		if (place.has_parent)
			node->parent = find_node(topology, devices, &place.parent);
		if (place.has_parent && !node->parent)
			node->parent_fact = FACT_UNREADABLE;
		if (place.has_maker)
			node->made_by = find_node(topology, devices, &place.maker);
	}
	pci_attribute_path(&node->device->address, "physfn", path);
	if (host_link_name(host, path, text, sizeof(text)) == FACT_KNOWN &&
	    pci_address_parse(text, &address) == 0)
		node->physical = find_node(topology, devices, &address);
}

static int read_part(void *context, size_t part, size_t from, size_t to)
{
	struct reading *reading = context;

	(void)part;
	for (size_t i = from; i < to; i++)
		read_node(reading, &reading->topology->nodes[i]);
	return 0;
}

/*
 * A made tree may hold links that lead in a circle. More buses than there are in a domain
 * cannot lie above a function.
 */
static void cut_circles(struct pci_topology *topology)
{
	for (size_t i = 0; i < topology->count; i++) {
		struct pci_node *node = &topology->nodes[i], *at = node;
		unsigned int above = 0;

		while (at && above++ < 256)
			at = at->parent;
		if (at) {
			node->parent = NULL;
			node->parent_fact = FACT_UNREADABLE;
		}
	}
}

/* From the last to the first, so that each list is in the order of addresses. */
static void link_nodes(struct pci_topology *topology)
{
	for (size_t i = topology->count; i-- > 0;) {
		struct pci_node *node = &topology->nodes[i];
		struct pci_node **list =
			node->parent ? &node->parent->children : &topology->roots;

		node->next = *list;
		*list = node;
	}
}

/* A slot's `address` is "0000:01:00", without a function (drivers/pci/slot.c). */
static void name_slot(const struct pci_devices *devices, struct pci_topology *topology,
		      const char *slot, const char *text)
{
	struct pci_address address;
	char full[64];

	for (unsigned int function = 0; function < 8; function++) {
		struct pci_node *node;

		snprintf(full, sizeof(full), "%s.%u", text, function);
		if (pci_address_parse(full, &address) < 0)
			return;
		node = find_node(topology, devices, &address);
		if (node)
			node->slot = slot;
	}
}

static int read_slots(const struct host *host, const struct pci_devices *devices,
		      struct pci_topology *topology)
{
	int r = host_list(host, "sys/bus/pci/slots", &topology->slots);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < topology->slots.count; i++) {
		const char *slot = topology->slots.items[i];
		char path[PATH_MAX], text[32];

		snprintf(path, sizeof(path), "sys/bus/pci/slots/%s/address", slot);
		if (host_read(host, path, text, sizeof(text)) == FACT_KNOWN)
			name_slot(devices, topology, slot, text);
	}
	return 0;
}

int pci_topology_read(const struct host *host, const struct pci_devices *devices,
		      struct pci_topology *ret_topology, struct error *err)
{
	_cleanup_(pci_topology_free) struct pci_topology topology = { 0 };
	struct reading reading = { host, devices, &topology };

	topology.count = devices->count;
	topology.nodes =
		calloc(devices->count ? devices->count : 1, sizeof(*topology.nodes));
	if (!topology.nodes)
		return error_oom(err);
	for (size_t i = 0; i < devices->count; i++)
		topology.nodes[i].device = &devices->items[i];
	parallel_for(devices->count, read_part, &reading);
	cut_circles(&topology);
	link_nodes(&topology);
	if (read_slots(host, devices, &topology) < 0)
		return error_oom(err);
	*ret_topology = topology;
	memset(&topology, 0, sizeof(topology));
	return 0;
}

void pci_topology_free(struct pci_topology *topology)
{
	if (!topology)
		return;
	free(topology->nodes);
	string_list_free(&topology->slots);
	memset(topology, 0, sizeof(*topology));
}

static int compare_with_node(const void *key, const void *item)
{
	const struct pci_node *node = item;

	return pci_address_compare(key, &node->device->address);
}

const struct pci_node *pci_find_node(const struct pci_topology *topology,
				     const struct pci_address *address)
{
	if (!topology->count)
		return NULL;
	return bsearch(address, topology->nodes, topology->count,
		       sizeof(*topology->nodes), compare_with_node);
}

const char *pci_node_path(const struct pci_node *node, char buffer[PCI_PATH_SIZE])
{
	size_t start = PCI_PATH_SIZE - 1;

	buffer[start] = '\0';
	for (; node; node = node->parent) {
		char part[8];
		size_t len;

		if (node->parent_fact == FACT_UNREADABLE)
			return strcpy(buffer, "");
		len = (size_t)snprintf(part, sizeof(part), "%02x.%x%s",
				       node->device->address.device,
				       node->device->address.function,
				       buffer[start] ? "/" : "");
		if (len > start)
			return strcpy(buffer, "");
		start -= len;
		memcpy(buffer + start, part, len);
	}
	return memmove(buffer, buffer + start, PCI_PATH_SIZE - start);
}
