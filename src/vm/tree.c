/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/tree.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/domain.h"

static const char *text_of(const xmlChar *text)
{
	return (const char *)text;
}

static int refuse(struct error *err, const char *why)
{
	return error_set(err, EINVAL, "the domain's definition", "%s", why);
}

int vm_tree_open(const char *bytes, size_t len, struct vm_tree *ret_tree,
		 struct error *err)
{
	_cleanup_(vm_tree_close) struct vm_tree tree = { 0 };
	int r;

	if (len > VM_DOMAIN_MAX)
		return refuse(err, "it is too large");
	r = libxml2_load(&tree.library, err);
	if (r < 0)
		return r;
	tree.document = tree.library.xmlReadMemory(bytes, (int)len, NULL, NULL,
						   XML_PARSE_NONET | XML_PARSE_NOERROR |
							   XML_PARSE_NOWARNING);
	if (!tree.document)
		return refuse(err, "it is not XML");
	tree.root = tree.library.xmlDocGetRootElement(tree.document);
	/* libvirt writes no document type; what one declares could be anything. */
	if (tree.document->intSubset || !tree.root || !vm_tree_is(tree.root, "domain"))
		return refuse(err, "it is not one of libvirt's");
	*ret_tree = tree;
	tree.document = NULL;
	return 0;
}

void vm_tree_close(struct vm_tree *tree)
{
	if (tree->document)
		tree->library.xmlFreeDoc(tree->document);
	tree->document = NULL;
}

bool vm_tree_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !strcmp(text_of(node->name), name);
}

const xmlNode *vm_tree_child(const xmlNode *node, const char *name)
{
	for (const xmlNode *child = node ? node->children : NULL; child;
	     child = child->next)
		if (vm_tree_is(child, name))
			return child;
	return NULL;
}

static const char *only_text(const xmlNode *value)
{
	return value && value->type == XML_TEXT_NODE && !value->next && value->content
		       ? text_of(value->content)
		       : "";
}

const char *vm_tree_attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *at = node ? node->properties : NULL; at; at = at->next)
		if (!at->ns && !strcmp(text_of(at->name), name))
			return only_text(at->children);
	return NULL;
}

bool vm_tree_attribute_is(const xmlNode *node, const char *name, const char *value)
{
	const char *text = vm_tree_attribute(node, name);

	return text && !strcmp(text, value);
}

const char *vm_tree_text(const xmlNode *node)
{
	return node ? only_text(node->children) : NULL;
}

int vm_tree_number(const xmlNode *node, const char *name, unsigned long max,
		   unsigned long *ret_value)
{
	const char *text = vm_tree_attribute(node, name);
	char *end;

	*ret_value = 0;
	if (!text)
		return 0;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret_value = strtoul(text, &end, 0);
	return errno || *end || *ret_value > max ? -EINVAL : 0;
}

int vm_tree_address(const xmlNode *node, struct pci_address *ret_address)
{
	unsigned long domain, bus, slot, function;

	if (vm_tree_number(node, "domain", UINT32_MAX, &domain) < 0 ||
	    vm_tree_number(node, "bus", 0xff, &bus) < 0 ||
	    vm_tree_number(node, "slot", 0x1f, &slot) < 0 ||
	    vm_tree_number(node, "function", 7, &function) < 0)
		return -EINVAL;
	*ret_address = (struct pci_address){
		.domain = (uint32_t)domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)slot,
		.function = (uint8_t)function,
	};
	return 0;
}

/* Without a mode it is a subsystem's (virDomainHostdevDefParseXML()). */
static bool is_hostdev(const xmlNode *node, const char *type)
{
	const char *mode = vm_tree_attribute(node, "mode");

	return vm_tree_is(node, "hostdev") && (!mode || !strcmp(mode, "subsystem")) &&
	       vm_tree_attribute_is(node, "type", type);
}

bool vm_tree_is_function(const xmlNode *node)
{
	return is_hostdev(node, "pci") ||
	       (vm_tree_is(node, "interface") &&
		vm_tree_attribute_is(node, "type", "hostdev")) ||
	       (vm_tree_is(node, "disk") && vm_tree_attribute_is(node, "type", "nvme"));
}

bool vm_tree_is_slice(const xmlNode *node)
{
	return is_hostdev(node, "mdev");
}

const xmlNode *vm_tree_function_address(const xmlNode *node)
{
	return vm_tree_child(vm_tree_child(node, "source"), "address");
}

const char *vm_tree_managed(const xmlNode *node)
{
	return vm_tree_attribute(vm_tree_is(node, "disk") ? vm_tree_child(node, "source")
							  : node,
				 "managed");
}

static bool has_metadata(const xmlNode *root, const char *name, const char *namespace)
{
	const xmlNode *metadata = vm_tree_child(root, "metadata");

	for (const xmlNode *child = metadata ? metadata->children : NULL; child;
	     child = child->next)
		if (vm_tree_is(child, name) && child->ns && child->ns->href &&
		    !strcmp(text_of(child->ns->href), namespace))
			return true;
	return false;
}

bool vm_tree_asks(const xmlNode *root)
{
	return has_metadata(root, VM_DOMAIN_ELEMENT, VM_DOMAIN_NAMESPACE);
}

bool vm_tree_isolates(const xmlNode *root)
{
	return has_metadata(root, VM_DOMAIN_ISOLATE_ELEMENT, VM_DOMAIN_ISOLATE_NAMESPACE);
}
