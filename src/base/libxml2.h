/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LIBXML2_H
#define PCIFERRY_BASE_LIBXML2_H

/* libxml2, loaded when something in XML is read. */
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/library.h"

struct error;

#define LIBXML2_FUNCTIONS(X)    \
	X(xmlDocGetRootElement) \
	X(xmlFreeDoc)           \
	X(xmlReadMemory)

struct libxml2 {
	LIBXML2_FUNCTIONS(LIBRARY_POINTER)
};

/* Returns 0, or -ENOENT where it is not installed. */
int libxml2_load(struct libxml2 *ret_library, struct error *err);

#endif
