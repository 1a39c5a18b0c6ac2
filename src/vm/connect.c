/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/connect.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/connection.h"

/* Without one libvirt writes each error to standard error itself. */
static void keep_silent(void *data, virError *error)
{
	(void)data;
	(void)error;
}

int vm_connection_fail(const struct vm_connection *connection, const char *subject,
		       struct error *err)
{
	return error_set(err, EIO, subject, "%s",
			 connection->library.virGetLastErrorMessage());
}

static int connect(const char *uri, bool only_looks,
		   struct vm_connection **ret_connection, struct error *err)
{
	struct vm_connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (!connection)
		return error_oom(err);
	r = libvirt_load(&connection->library, err);
	if (r < 0) {
		error_hint(err, "install libvirt (Debian: libvirt-daemon-system);"
				" --xml needs none, and pciferry vm run neither");
		free(connection);
		return r;
	}
	connection->library.virSetErrorFunc(NULL, keep_silent);
	if (!uri)
		uri = "qemu:///system";
	connection->only_looks = only_looks;
	connection->connect = only_looks ? connection->library.virConnectOpenReadOnly(uri)
					 : connection->library.virConnectOpen(uri);
	if (!connection->connect) {
		r = vm_connection_fail(connection, uri, err);
		error_hint(err, "start libvirt's daemon (systemctl start libvirtd, or"
				" virtqemud where that is), or name another with"
				" --connect");
		vm_disconnect(connection);
		return r;
	}
	*ret_connection = connection;
	return 0;
}

int vm_connect(const char *uri, struct vm_connection **ret_connection, struct error *err)
{
	return connect(uri, false, ret_connection, err);
}

int vm_connect_to_look(const char *uri, struct vm_connection **ret_connection,
		       struct error *err)
{
	return connect(uri, true, ret_connection, err);
}

void vm_disconnect(struct vm_connection *connection)
{
	if (!connection)
		return;
	if (connection->connect)
		connection->library.virConnectClose(connection->connect);
	free(connection);
}

int vm_connection_define(const struct vm_connection *connection, const char *name,
			 const char *xml, struct error *err)
{
	virDomain *domain = connection->library.virDomainDefineXMLFlags(
		connection->connect, xml, VIR_DOMAIN_DEFINE_VALIDATE);

	if (!domain)
		return vm_connection_fail(connection, name, err);
	connection->library.virDomainFree(domain);
	return 0;
}

int vm_define_domain(struct vm_connection *connection, const char *name, const char *xml,
		     struct error *err)
{
	const struct libvirt *library = &connection->library;
	virDomain *domain = library->virDomainLookupByName(connection->connect, name);

	if (domain) {
		library->virDomainFree(domain);
		error_set(err, EEXIST, name, "there is a domain of that name");
		error_hint(err, "choose another name, or: virsh undefine %s", name);
		return -EEXIST;
	}
	if (library->virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		return vm_connection_fail(connection, name, err);
	return vm_connection_define(connection, name, xml, err);
}

int vm_start_domain(struct vm_connection *connection, const char *name, struct error *err)
{
	const struct libvirt *library = &connection->library;
	virDomain *domain = library->virDomainLookupByName(connection->connect, name);
	int r = 0;

	if (!domain)
		return vm_connection_fail(connection, name, err);
	if (library->virDomainCreate(domain) < 0)
		r = vm_connection_fail(connection, name, err);
	library->virDomainFree(domain);
	return r;
}
