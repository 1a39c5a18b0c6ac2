/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_CONNECT_H
#define PCIFERRY_VM_CONNECT_H

/* libvirt, loaded when it is asked for something. */
#include <stddef.h>

#include "pci/address.h"

struct error;
struct vm_connection;

/*
 * By libvirt's URI; NULL: the system's QEMU. For vm_disconnect(). Returns 0; -ENOENT
 * where libvirt's library is not here; or -EIO, with libvirt's own words.
 */
int vm_connect(const char *uri, struct vm_connection **ret_connection, struct error *err);

/* The same, by which libvirt changes nothing and tells nothing secret. */
int vm_connect_to_look(const char *uri, struct vm_connection **ret_connection,
		       struct error *err);
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

/* What libvirt has of a domain, as texts. */
struct vm_domain_texts {
	char *name;
	char *config; /* what it starts with; NULL: it is gone when it ends */
	char *live;   /* what it runs with; NULL: it does not run */
};

/*
 * One domain, with what is secret in it, as it is needed to define it again, unless the
 * connection is to look. -ENOENT: there is none of that name. For vm_domain_texts_free().
 */
int vm_read_domain(struct vm_connection *connection, const char *name,
		   struct vm_domain_texts *ret_texts, struct error *err);
void vm_domain_texts_free(struct vm_domain_texts *texts); /* takes NULL */

/* All domains, without what is secret. For vm_domain_list_free(). */
struct vm_domain_list {
	struct vm_domain_texts *items;
	size_t count;
};
int vm_list_domains(struct vm_connection *connection, struct vm_domain_list *ret_list,
		    struct error *err);
void vm_domain_list_free(struct vm_domain_list *list); /* takes NULL */

/*
 * Gives a domain another definition, which libvirt checks against its schema, unless it
 * is not `before` any more (-ESTALE).
 */
int vm_redefine_domain(struct vm_connection *connection, const char *name,
		       const char *before, const char *xml, struct error *err);

/* Plugs an element of <devices> into the running guest. */
int vm_plug(struct vm_connection *connection, const char *name, const char *element,
	    struct error *err);

/*
 * Asks the running guest to let go of the function that the element names, and waits for
 * it: -ETIMEDOUT. The guest may do it later, or never.
 */
int vm_unplug(struct vm_connection *connection, const char *name, const char *element,
	      const struct pci_address *function, unsigned int deadline_ms,
	      struct error *err);

#endif
