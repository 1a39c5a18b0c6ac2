/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_XML_H
#define PCIFERRY_VM_XML_H

/*
 * Writes XML. What fails is kept, and told at the end by vm_xml_print(): with an element
 * that is NULL every call does nothing.
 */
#include "base/libxml2.h"

struct vm_xml {
	struct libxml2 library;
	xmlDoc *document;
	int failure; /* the first, as -errno */
};

/* For vm_xml_close(), also on failure. Returns 0, -ENOENT or -ENOMEM. */
int vm_xml_open(struct vm_xml *xml, struct error *err);
void vm_xml_close(struct vm_xml *xml);

/* The first one. */
xmlNode *vm_xml_root(struct vm_xml *xml, const char *name);

/* An element with attributes: a name and a value for each, then NULL. */
xmlNode *vm_xml_add_with(struct vm_xml *xml, xmlNode *parent, const char *name,
			 const char *const *attributes);
#define vm_xml_add(xml, parent, name, ...) \
	vm_xml_add_with(xml, parent, name, (const char *const[]){ __VA_ARGS__ })

/* An element that holds a text. */
xmlNode *vm_xml_add_text(struct vm_xml *xml, xmlNode *parent, const char *name,
			 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* One more attribute. */
void vm_xml_set(struct vm_xml *xml, xmlNode *node, const char *name, const char *format,
		...) __attribute__((format(printf, 4, 5)));

/* An element of another namespace, which it declares. */
xmlNode *vm_xml_add_foreign(struct vm_xml *xml, xmlNode *parent, const char *prefix,
			    const char *uri, const char *name);

/* An element of its parent's namespace. */
xmlNode *vm_xml_add_kin(struct vm_xml *xml, xmlNode *parent, const char *name);

/* Something that was to be written could not be made: memory. */
void vm_xml_fail(struct vm_xml *xml);

/*
 * Adds the element, indented, and a newline to *text, which the caller frees. Returns 0,
 * -ENOMEM or -EILSEQ.
 */
int vm_xml_print(struct vm_xml *xml, xmlNode *node, char **text, struct error *err);

#endif
