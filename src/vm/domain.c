/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/domain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/uuid.h"
#include "vm/tree.h"

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

static int take_device(const xmlNode *node, struct vm_domain *domain)
{
	const xmlNode *address = vm_tree_function_address(node);
	const char *managed = vm_tree_managed(node);
	struct pci_address function;

	if (!address)
		return -EINVAL;
	if (managed && !strcmp(managed, "yes"))
		return 0;
	if ((managed && strcmp(managed, "no") != 0) ||
	    vm_tree_address(address, &function) < 0)
		return -EINVAL;
	return add_device(domain, &function);
}

/* Each once, as above. */
static int take_slice(const xmlNode *node, struct vm_domain *domain)
{
	const char *text = vm_tree_attribute(vm_tree_function_address(node), "uuid");
	char uuid[UUID_SIZE];

	if (!text || uuid_parse(text, strlen(text), uuid) < 0)
		return -EINVAL;
	return string_list_has(&domain->slices, uuid)
		       ? 0
		       : string_list_add(&domain->slices, uuid);
}

/* As virBitmapFormat() writes them: ranges with commas between them. */
static int take_pins(const xmlNode *root, struct vm_domain *domain)
{
	const xmlNode *tune = vm_tree_child(root, "cputune");

	for (const xmlNode *node = tune ? tune->children : NULL; node;
	     node = node->next) {
		const char *list = vm_tree_is(node, "vcpupin")
					   ? vm_tree_attribute(node, "cpuset")
					   : "";
		struct vm_cpuset cpus;

		if (!list || vm_cpuset_parse(list, strlen(list), &cpus) < 0)
			return -EINVAL;
		vm_cpuset_add(&domain->pinned, &cpus);
	}
	return 0;
}

static int take_domain(const xmlNode *root, struct vm_domain *domain)
{
	const xmlNode *devices;
	int r = 0;

	domain->isolates = vm_tree_isolates(root);
	if (domain->isolates)
		r = take_pins(root, domain);
	domain->asks = vm_tree_asks(root);
	devices = domain->asks ? vm_tree_child(root, "devices") : NULL;
	for (const xmlNode *node = devices ? devices->children : NULL; r == 0 && node;
	     node = node->next)
		if (vm_tree_is_function(node))
			r = take_device(node, domain);
		else if (vm_tree_is_slice(node))
			r = take_slice(node, domain);
	return r;
}

void vm_domain_free(struct vm_domain *domain)
{
	if (!domain)
		return;
	free(domain->devices);
	string_list_free(&domain->slices);
	memset(domain, 0, sizeof(*domain));
}

int vm_domain_parse(const char *bytes, size_t len, struct vm_domain *ret_domain,
		    struct error *err)
{
	_cleanup_(vm_domain_free) struct vm_domain domain = { 0 };
	_cleanup_(vm_tree_close) struct vm_tree tree = { 0 };
	int r;

	if (len <= VM_DOMAIN_MAX &&
	    !memmem(bytes, len, VM_DOMAIN_NAMESPACE, strlen(VM_DOMAIN_NAMESPACE))) {
		*ret_domain = domain;
		return 0;
	}
	r = vm_tree_open(bytes, len, &tree, err);
	if (r < 0)
		return r;
	r = take_domain(tree.root, &domain);
	if (r == -EINVAL)
		return error_set(err, EINVAL, "the domain's definition",
				 "a device in it has no address or UUID that can be one,"
				 " or a processor no place");
	if (r < 0)
		return error_oom(err);
	*ret_domain = domain;
	memset(&domain, 0, sizeof(domain));
	return 0;
}
