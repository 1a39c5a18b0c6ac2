/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_TREE_H
#define PCIFERRY_VM_TREE_H

/* Reads a domain's definition: only for the files that look into one. */
#include <stdbool.h>

#include "base/libxml2.h"
#include "pci/address.h"

struct vm_tree {
	struct libxml2 library;
	xmlDoc *document;
	const xmlNode *root; /* <domain> */
};

/*
 * No entity is replaced, nothing else is read, and what declares a document type, which
 * libvirt writes nowhere, is none. For vm_tree_close(). Returns 0; -EINVAL; -ENOENT where
 * libxml2 is not installed; or -ENOMEM.
 */
int vm_tree_open(const char *bytes, size_t len, struct vm_tree *ret_tree,
		 struct error *err);
void vm_tree_close(struct vm_tree *tree); /* also of one that is all zero */

bool vm_tree_is(const xmlNode *node, const char *name);

/* The first child of that name. NULL: there is none, or node is NULL. */
const xmlNode *vm_tree_child(const xmlNode *node, const char *name);

/* "": empty, or of more than text, which libvirt writes nowhere. NULL: there is none. */
const char *vm_tree_attribute(const xmlNode *node, const char *name);
bool vm_tree_attribute_is(const xmlNode *node, const char *name, const char *value);

/* The text in an element, as above. */
const char *vm_tree_text(const xmlNode *node);

/* "0x3b" or "59", as virXMLPropUInt() with base 0; what is left out is 0. 0 or -EINVAL.
 */
int vm_tree_number(const xmlNode *node, const char *name, unsigned long max,
		   unsigned long *ret_value);

/* Of an <address>. Returns 0 or -EINVAL. */
int vm_tree_address(const xmlNode *node, struct pci_address *ret_address);

/* The ways in which a guest's definition names a function of this host. */
bool vm_tree_is_function(const xmlNode *node);

/* Whether it is a mediated device. */
bool vm_tree_is_slice(const xmlNode *node);

/* The <address> in one of both. NULL: it has none. */
const xmlNode *vm_tree_function_address(const xmlNode *node);

/* Its value of "managed"; NULL: it has none. */
const char *vm_tree_managed(const xmlNode *node);

/* Whether its <metadata> has pciferry hand its devices over (domain.h). */
bool vm_tree_asks(const xmlNode *root);

/* Whether it has the host's tasks kept off its cores. */
bool vm_tree_isolates(const xmlNode *root);

#endif
