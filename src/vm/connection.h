/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_CONNECTION_H
#define PCIFERRY_VM_CONNECTION_H

/* What is behind a connection: only for the files that talk to libvirt. */
#include <stdbool.h>

#include "base/libvirt.h"
#include "vm/connect.h"

struct vm_connection {
	struct libvirt library;
	virConnect *connect;
	bool only_looks; /* nothing can be changed by it, and nothing secret read */
};

/* -EIO, with libvirt's own words for what just failed. */
int vm_connection_fail(const struct vm_connection *connection, const char *subject,
		       struct error *err);

/* Defines a domain, or defines it again; libvirt checks the text against its schema. */
int vm_connection_define(const struct vm_connection *connection, const char *name,
			 const char *xml, struct error *err);

#endif
