/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBXML2_H
#define PCIFERRY_BASE_LIBXML2_H

/* libxml2, loaded when something in XML is read or written. */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlstring.h>

#include "base/library.h"

struct error;

#define LIBXML2_FUNCTIONS(X)    \
	X(xmlAddChild)          \
	X(xmlBufferContent)     \
	X(xmlBufferCreate)      \
	X(xmlBufferFree)        \
	X(xmlCheckUTF8)         \
	X(xmlDocGetRootElement) \
	X(xmlDocSetRootElement) \
	X(xmlFreeDoc)           \
	X(xmlNewDoc)            \
	X(xmlNewDocNode)        \
	X(xmlNewDocText)        \
	X(xmlNewNs)             \
	X(xmlNewProp)           \
	X(xmlNodeDump)          \
	X(xmlReadMemory)        \
	X(xmlSetNs)

struct libxml2 {
	LIBXML2_FUNCTIONS(LIBRARY_POINTER)
};

/* Returns 0, or -ENOENT where it is not installed. */
int libxml2_load(struct libxml2 *ret_library, struct error *err);

#endif
