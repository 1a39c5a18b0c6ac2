/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_LAYOUT_H
#define PCIFERRY_VM_LAYOUT_H

/*
 * Where the devices of a domain's definition stand in its bytes, which no XML parser
 * tells: so that one of them can be edited and all else stays as someone wrote it.
 */
#include <stddef.h>

struct error;

/* An element, from its "<" to behind its last ">". */
struct vm_span {
	size_t start, end;
	size_t name_len; /* of its name, with its prefix, which begins at start + 1 */
};

struct vm_layout {
	struct vm_span *children; /* elements of /domain/devices, in their order */
	size_t count;
	size_t inside; /* where the content of <devices> begins */
	size_t end;    /* and where its "</devices>" does */
};

/*
 * Knows only as much of XML as it takes: what it says counts where a parser has read the
 * same text, and found the same elements. For vm_layout_free(). Returns 0; -EINVAL: there
 * is not exactly one <devices>, or the text is cut off; or -ENOMEM.
 */
int vm_layout_scan(const char *bytes, size_t len, struct vm_layout *ret_layout,
		   struct error *err);
void vm_layout_free(struct vm_layout *layout); /* takes NULL */

#endif
