/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_CONNECT_H
#define PCIFERRY_VM_CONNECT_H

/* libvirt, loaded when it is asked for something. */
struct error;
struct vm_connection;

/*
 * By libvirt's URI; NULL: the system's QEMU. For vm_disconnect(). Returns 0; -ENOENT
 * where libvirt's library is not here; or -EIO, with libvirt's own words.
 */
int vm_connect(const char *uri, struct vm_connection **ret_connection, struct error *err);
void vm_disconnect(struct vm_connection *connection); /* takes NULL */

static inline void vm_connection_cleanup(struct vm_connection *const *connection)
{
	vm_disconnect(*connection);
}

/*
 * Defines a domain that is not there yet; libvirt checks it against its schema. -EEXIST:
 * there is one of that name, and it is as it was.
 */
int vm_define_domain(struct vm_connection *connection, const char *name, const char *xml,
		     struct error *err);

int vm_start_domain(struct vm_connection *connection, const char *name,
		    struct error *err);

#endif
