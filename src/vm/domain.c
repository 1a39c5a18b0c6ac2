/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/domain.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/libxml2.h"

static const char *text_of(const xmlChar *text)
{
	return (const char *)text;
}

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !strcmp(text_of(node->name), name);
}

static const xmlNode *find_child(const xmlNode *node, const char *name)
{
	for (const xmlNode *child = node->children; child; child = child->next)
		if (is_element(child, name))
			return child;
	return NULL;
}

/* "": empty, or of more than text, which libvirt writes nowhere. NULL: there is none. */
static const char *find_attribute(const xmlNode *node, const char *name)
{
	for (const xmlAttr *at = node->properties; at; at = at->next) {
		const xmlNode *value = at->children;

		if (at->ns || strcmp(text_of(at->name), name) != 0)
			continue;
		return value && value->type == XML_TEXT_NODE && !value->next &&
				       value->content
			       ? text_of(value->content)
			       : "";
	}
	return NULL;
}

static bool attribute_is(const xmlNode *node, const char *name, const char *value)
{
	const char *text = find_attribute(node, name);

	return text && !strcmp(text, value);
}

static bool asks(const xmlNode *root)
{
	const xmlNode *metadata = find_child(root, "metadata");

	for (const xmlNode *child = metadata ? metadata->children : NULL; child;
	     child = child->next)
		if (is_element(child, VM_DOMAIN_ELEMENT) && child->ns &&
		    child->ns->href &&
		    !strcmp(text_of(child->ns->href), VM_DOMAIN_NAMESPACE))
			return true;
	return false;
}

/* "0x3b" or "59", as virXMLPropUInt() with base 0; what is left out is 0. */
static int take_number(const xmlNode *node, const char *name, unsigned long max,
		       unsigned long *ret_value)
{
	const char *text = find_attribute(node, name);
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

static int take_address(const xmlNode *node, struct pci_address *ret_address)
{
	unsigned long domain, bus, slot, function;

	if (take_number(node, "domain", UINT32_MAX, &domain) < 0 ||
	    take_number(node, "bus", 0xff, &bus) < 0 ||
	    take_number(node, "slot", 0x1f, &slot) < 0 ||
	    take_number(node, "function", 7, &function) < 0)
		return -EINVAL;
	*ret_address = (struct pci_address){
		.domain = (uint32_t)domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)slot,
		.function = (uint8_t)function,
	};
	return 0;
}

/* Each once: the same one twice is libvirt's to refuse. */
static int add_device(struct vm_domain *domain, const struct pci_address *address)
{
	struct pci_address *larger;

	for (size_t i = 0; i < domain->n_devices; i++)
		if (!pci_address_compare(&domain->devices[i], address))
			return 0;
	larger = reallocarray(domain->devices, domain->n_devices + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	domain->devices = larger;
	larger[domain->n_devices++] = *address;
	return 0;
}

/* The ways in which a guest's definition names a function of this host. */
static bool is_function(const xmlNode *node)
{
	return (is_element(node, "hostdev") && attribute_is(node, "mode", "subsystem") &&
		attribute_is(node, "type", "pci")) ||
	       (is_element(node, "interface") && attribute_is(node, "type", "hostdev")) ||
	       (is_element(node, "disk") && attribute_is(node, "type", "nvme"));
}

static int take_device(const xmlNode *node, struct vm_domain *domain)
{
	const xmlNode *source = find_child(node, "source");
	const xmlNode *address = source ? find_child(source, "address") : NULL;
	struct pci_address function;
	const char *managed;

	if (!address)
		return -EINVAL;
	managed = find_attribute(is_element(node, "disk") ? source : node, "managed");
	if (managed && !strcmp(managed, "yes"))
		return 0;
	if ((managed && strcmp(managed, "no") != 0) ||
	    take_address(address, &function) < 0)
		return -EINVAL;
	return add_device(domain, &function);
}

static int take_domain(const xmlNode *root, struct vm_domain *domain)
{
	const xmlNode *devices;
	int r = 0;

	domain->asks = asks(root);
	devices = domain->asks ? find_child(root, "devices") : NULL;
	for (const xmlNode *node = devices ? devices->children : NULL; r == 0 && node;
	     node = node->next)
		if (is_function(node))
			r = take_device(node, domain);
	return r;
}

void vm_domain_free(struct vm_domain *domain)
{
	if (!domain)
		return;
	free(domain->devices);
	memset(domain, 0, sizeof(*domain));
}

static int refuse(struct error *err, const char *why)
{
	return error_set(err, EINVAL, "the domain's definition", "%s", why);
}

int vm_domain_parse(const char *bytes, size_t len, struct vm_domain *ret_domain,
		    struct error *err)
{
	_cleanup_(vm_domain_free) struct vm_domain domain = { 0 };
	struct libxml2 xml;
	const xmlNode *root;
	xmlDoc *document;
	int r;

	if (len > VM_DOMAIN_MAX)
		return refuse(err, "it is too large");
	if (!memmem(bytes, len, VM_DOMAIN_NAMESPACE, strlen(VM_DOMAIN_NAMESPACE))) {
		*ret_domain = domain;
		return 0;
	}
	r = libxml2_load(&xml, err);
	if (r < 0)
		return r;
	document = xml.xmlReadMemory(bytes, (int)len, NULL, NULL,
				     XML_PARSE_NONET | XML_PARSE_NOERROR |
					     XML_PARSE_NOWARNING);
	if (!document)
		return refuse(err, "it is not XML");
	root = xml.xmlDocGetRootElement(document);
	/* libvirt writes no document type; what one declares could be anything. */
	if (document->intSubset || !root || !is_element(root, "domain"))
		r = refuse(err, "it is not one of libvirt's");
	else if ((r = take_domain(root, &domain)) == -EINVAL)
		refuse(err, "a device in it has no address that can be one");
	else if (r < 0)
		error_oom(err);
	xml.xmlFreeDoc(document);
	if (r < 0)
		return r;
	*ret_domain = domain;
	memset(&domain, 0, sizeof(domain));
	return 0;
}
