/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_DEFINE_H
#define PCIFERRY_VM_DEFINE_H

/* The parts of a domain's definition (guest.h): only for the files that write it. */
#include "vm/guest.h"
#include "vm/xml.h"

/* Elements that hand something to QEMU as it is. */
#define VM_DEFINE_QEMU "http://libvirt.org/schemas/domain/qemu/1.0"

/* <devices> */
void vm_define_devices(struct vm_xml *xml, xmlNode *domain, const struct vm_guest *guest);

/* What it has of the host besides functions. Returns how many ports that takes. */
unsigned int vm_define_parts(struct vm_xml *xml, xmlNode *devices,
			     const struct vm_guest *guest);

/* A mediated device, as <hostdev>. */
xmlNode *vm_define_slice(struct vm_xml *xml, xmlNode *devices,
			 const struct vm_slice *slice);

/* What libvirt has no element for, of mediated devices; NULL: nothing. */
xmlNode *vm_define_overrides(struct vm_xml *xml, xmlNode *domain,
			     const struct vm_guest *guest);

/* Its processors' and memory's places on the host; nothing of a guest without any. */
void vm_define_tuning(struct vm_xml *xml, xmlNode *domain, const struct vm_guest *guest);

/* Whether its disks are read and written by a thread of their own, the first. */
bool vm_guest_has_io_thread(const struct vm_guest *guest);

/*
 * The element for one function of this host; with its place in the order of booting where
 * the definition is written as a whole. NULL: xml->failure says why.
 */
xmlNode *vm_define_function(struct vm_xml *xml, xmlNode *devices,
			    const struct vm_guest *guest,
			    const struct vm_function *function, bool is_whole);

#endif
