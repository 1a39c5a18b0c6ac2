/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_DOMAIN_H
#define PCIFERRY_VM_DOMAIN_H

/* A guest's definition as libvirt writes it (https://libvirt.org/formatdomain.html). */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "pci/address.h"
#include "vm/cpuset.h"

struct error;

/* What a definition has in its <metadata> to have pciferry hand its devices over. */
#define VM_DOMAIN_NAMESPACE "urn:pciferry:domain:1"
#define VM_DOMAIN_ELEMENT   "hand-over"

/*
 * And to have the host's tasks kept off its cores. libvirt keeps one element of each
 * namespace (virXMLNodeSanitizeNamespaces(), src/util/virxml.c); this one has the other's
 * name in it, for which hooks look that are installed.
 */
#define VM_DOMAIN_ISOLATE_NAMESPACE VM_DOMAIN_NAMESPACE ":isolate"
#define VM_DOMAIN_ISOLATE_ELEMENT   "isolate"

/* libvirt itself takes none that is larger than a message of its protocol, 32 MiB. */
enum { VM_DOMAIN_MAX = 32 << 20 };

struct vm_domain {
	bool asks;
	/* Of one that asks: the functions that libvirt leaves alone (managed='no'). */
	struct pci_address *devices;
	size_t n_devices;
	struct string_list slices; /* its mediated devices: UUIDs in small letters */

	bool isolates;
	struct vm_cpuset pinned; /* of one that does: where its processors run */
};

/*
 * Parses a definition. Of one in which our namespace is not mentioned only that is
 * looked for, without a parser. No entity is replaced, and nothing else is read. For
 * vm_domain_free(). Returns 0; -EINVAL where it is none, or an address, UUID or list of
 * processors in it is none;
 * -ENOENT where libxml2 is not installed; or -ENOMEM.
 */
int vm_domain_parse(const char *bytes, size_t len, struct vm_domain *ret_domain,
		    struct error *err);
void vm_domain_free(struct vm_domain *domain); /* takes NULL */

#endif
