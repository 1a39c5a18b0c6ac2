/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_DEFINE_H
#define PCIFERRY_VM_DEFINE_H

/* The parts of a domain's definition (guest.h): only for the files that write it. */
#include "vm/guest.h"
#include "vm/xml.h"

/* <devices> */
void vm_define_devices(struct vm_xml *xml, xmlNode *domain, const struct vm_guest *guest);

/*
 * The element for one function of this host; for a definition that is there, which may
 * have its place taken, only with the one that it shares with others, and with no place
 * in the order of booting. NULL: xml->failure says why.
 */
xmlNode *vm_define_function(struct vm_xml *xml, xmlNode *devices,
			    const struct vm_guest *guest,
			    const struct vm_function *function, bool is_whole);

#endif
