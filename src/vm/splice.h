/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_SPLICE_H
#define PCIFERRY_VM_SPLICE_H

/*
 * Edits the devices of a domain's definition in its bytes: all that is not edited stays
 * as it was, whatever it may mean. What libxml2 reads and what stands where
 * (vm/layout.h) must agree, or nothing is edited.
 *
 * The caller frees *ret_bytes, which is ended by a NUL that *ret_len does not count. Each
 * returns 0; -EINVAL; -ENOENT, where libxml2 is not installed; or -ENOMEM.
 */
#include <stddef.h>

struct error;

/*
 * Adds elements, as vm_define_functions() writes them, behind the last of the devices,
 * indented as they are. Taken out again by vm_splice_remove() the bytes are what they
 * were.
 */
int vm_splice_add(const char *bytes, size_t len, const char *elements, char **ret_bytes,
		  size_t *ret_len, struct error *err);

/* Removes these elements of <devices>, counted from 0 and in that order, and the white
 * space before each. */
int vm_splice_remove(const char *bytes, size_t len, const size_t *children, size_t count,
		     char **ret_bytes, size_t *ret_len, struct error *err);

/* One of these elements as it stands there; the caller frees it. */
int vm_splice_copy(const char *bytes, size_t len, size_t child, char **ret_element,
		   struct error *err);

#endif
