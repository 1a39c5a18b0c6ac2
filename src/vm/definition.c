/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/definition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/guest.h"
#include "vm/tree.h"

static int add_held(struct vm_definition *definition, const struct vm_held *held)
{
	struct vm_held *larger =
		reallocarray(definition->held, definition->n_held + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	definition->held = larger;
	larger[definition->n_held++] = *held;
	return 0;
}

static void take_port(struct vm_definition *definition, const xmlNode *node)
{
	const xmlNode *target = vm_tree_child(node, "target");
	unsigned long index;

	/* 0 is the root itself. */
	if (vm_tree_attribute_is(node, "model", "pcie-root-port") &&
	    vm_tree_number(node, "index", VM_PORT_COUNT - 1, &index) == 0 && index)
		definition->ports[index] = vm_tree_attribute_is(target, "hotplug", "off")
						   ? VM_PORT_COLD
						   : VM_PORT_READY;
}

/* The next in the order of the text; NULL: that was the last. */
static const xmlNode *next_node(const xmlNode *node, const xmlNode *root)
{
	if (node->type == XML_ELEMENT_NODE && node->children)
		return node->children;
	while (node != root && !node->next)
		node = node->parent;
	return node == root ? NULL : node->next;
}

static bool is_place(const xmlNode *node)
{
	return vm_tree_is(node, "address") && vm_tree_attribute_is(node, "type", "pci") &&
	       !vm_tree_is(node->parent, "source");
}

/* NULL: libvirt has not given it one. */
static const xmlNode *find_place(const xmlNode *device)
{
	const xmlNode *place = vm_tree_child(device, "address");

	return place && is_place(place) ? place : NULL;
}

/* Whether another device of the guest is in the slot of this one, whose place it is. */
static bool shares_slot(const xmlNode *place, const xmlNode *root)
{
	struct pci_address own, other;

	if (!place || vm_tree_address(place, &own) < 0)
		return false;
	for (const xmlNode *node = root; node; node = next_node(node, root))
		if (node != place && is_place(node) &&
		    vm_tree_address(node, &other) == 0 &&
		    pci_address_same_slot(&own, &other))
			return true;
	return false;
}

static int take_devices(struct vm_definition *definition, const xmlNode *root)
{
	const xmlNode *devices = vm_tree_child(root, "devices");
	struct vm_held held = { 0 };
	int r = 0;

	for (const xmlNode *node = devices ? devices->children : NULL; r == 0 && node;
	     node = node->next) {
		const xmlNode *address;

		if (node->type != XML_ELEMENT_NODE)
			continue;
		if (vm_tree_is(node, "controller"))
			take_port(definition, node);
		address =
			vm_tree_is_function(node) ? vm_tree_function_address(node) : NULL;
		if (address && vm_tree_address(address, &held.host) == 0) {
			const char *managed = vm_tree_managed(node);

			held.managed = managed && !strcmp(managed, "yes");
			held.is_disk = vm_tree_is(node, "disk");
			held.shares_slot = shares_slot(find_place(node), root);
			r = add_held(definition, &held);
		}
		held.child++;
	}
	return r;
}

/* What has a place in the guest takes the port that is there. */
static void take_places(struct vm_definition *definition, const xmlNode *root)
{
	for (const xmlNode *node = root; node; node = next_node(node, root)) {
		unsigned long bus;

		if (is_place(node) &&
		    vm_tree_number(node, "bus", VM_PORT_COUNT - 1, &bus) == 0)
			definition->ports[bus] = VM_PORT_NONE;
	}
}

int vm_definition_read(const char *bytes, size_t len,
		       struct vm_definition *ret_definition, struct error *err)
{
	_cleanup_(vm_definition_free) struct vm_definition definition = { 0 };
	_cleanup_(vm_tree_close) struct vm_tree tree = { 0 };
	const char *name;
	int r = vm_tree_open(bytes, len, &tree, err);

	if (r < 0)
		return r;
	definition.asks = vm_tree_asks(tree.root);
	name = vm_tree_text(vm_tree_child(tree.root, "name"));
	definition.name = strdup(name ? name : "");
	if (!definition.name || take_devices(&definition, tree.root) < 0)
		return error_oom(err);
	take_places(&definition, tree.root);
	*ret_definition = definition;
	memset(&definition, 0, sizeof(definition));
	return 0;
}

void vm_definition_free(struct vm_definition *definition)
{
	if (!definition)
		return;
	free(definition->name);
	free(definition->held);
	memset(definition, 0, sizeof(*definition));
}

const struct vm_held *vm_definition_find(const struct vm_definition *definition,
					 const struct pci_address *address)
{
	for (size_t i = 0; i < definition->n_held; i++)
		if (!pci_address_compare(&definition->held[i].host, address))
			return &definition->held[i];
	return NULL;
}

/* The first free port from this one on; VM_PORT_COUNT: there is none. */
static unsigned int find_port(const struct vm_definition *definition, bool runs,
			      unsigned int from)
{
	while (from < VM_PORT_COUNT &&
	       definition->ports[from] < (runs ? VM_PORT_READY : VM_PORT_COLD))
		from++;
	return from;
}

void vm_definition_place(const struct vm_definition *definition, bool runs,
			 struct vm_function *functions, size_t count)
{
	unsigned int port = 0, previous = 0;

	vm_place_functions(functions, count);
	for (size_t i = 0; i < count; i++) {
		struct vm_function *function = &functions[i];
		unsigned int slot = function->port;

		if (runs || slot != previous)
			port = find_port(definition, runs, port + 1);
		previous = slot;
		function->port = port;
		function->unplaced = port >= VM_PORT_COUNT;
		if (runs) {
			function->function = 0;
			function->multifunction = false;
		}
	}
}
