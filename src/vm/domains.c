/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The domains that libvirt has: what they are, and to change them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "vm/connection.h"
#include "vm/definition.h"

enum { POLL_MS = 200 };

void vm_domain_texts_free(struct vm_domain_texts *texts)
{
	if (!texts)
		return;
	free(texts->name);
	free(texts->config);
	free(texts->live);
	memset(texts, 0, sizeof(*texts));
}

void vm_domain_list_free(struct vm_domain_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		vm_domain_texts_free(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static int find(struct vm_connection *connection, const char *name,
		virDomain **ret_domain, struct error *err)
{
	const struct libvirt *library = &connection->library;

	*ret_domain = library->virDomainLookupByName(connection->connect, name);
	if (*ret_domain)
		return 0;
	if (library->virGetLastErrorCode() != VIR_ERR_NO_DOMAIN)
		return vm_connection_fail(connection, name, err);
	error_set(err, ENOENT, name, "libvirt has no domain of that name");
	error_hint(err, "virsh list --all shows them; --connect names another libvirt,"
			" --xml a file");
	return -ENOENT;
}

/* What is not asked for, or not there, stays NULL. */
static int read_texts(struct vm_connection *connection, virDomain *domain,
		      unsigned int flags, struct vm_domain_texts *texts,
		      struct error *err)
{
	const struct libvirt *library = &connection->library;
	const char *name = library->virDomainGetName(domain);
	int persists = library->virDomainIsPersistent(domain);
	int runs = library->virDomainIsActive(domain);

	if (persists < 0 || runs < 0)
		return vm_connection_fail(connection, name, err);
	texts->name = strdup(name);
	if (!texts->name)
		return error_oom(err);
	if (persists)
		texts->config = library->virDomainGetXMLDesc(
			domain, flags | VIR_DOMAIN_XML_INACTIVE);
	if (runs && (!persists || texts->config))
		texts->live = library->virDomainGetXMLDesc(domain, flags);
	if ((persists && !texts->config) || (runs && !texts->live))
		return vm_connection_fail(connection, name, err);
	return 0;
}

int vm_read_domain(struct vm_connection *connection, const char *name,
		   struct vm_domain_texts *ret_texts, struct error *err)
{
	struct vm_domain_texts texts = { 0 };
	virDomain *domain;
	int r = find(connection, name, &domain, err);

	if (r < 0)
		return r;
	r = read_texts(connection, domain,
		       connection->only_looks ? 0 : VIR_DOMAIN_XML_SECURE, &texts, err);
	connection->library.virDomainFree(domain);
	if (r < 0)
		vm_domain_texts_free(&texts);
	else
		*ret_texts = texts;
	return r;
}

int vm_list_domains(struct vm_connection *connection, struct vm_domain_list *ret_list,
		    struct error *err)
{
	const struct libvirt *library = &connection->library;
	struct vm_domain_list list = { 0 };
	virDomain **domains;
	int r = 0, count;

	count = library->virConnectListAllDomains(connection->connect, &domains, 0);
	if (count < 0)
		return vm_connection_fail(connection, "the domains", err);
	list.items = calloc((size_t)count + 1, sizeof(*list.items));
	if (!list.items)
		r = error_oom(err);
	for (int i = 0; i < count; i++) {
		struct vm_domain_texts *texts = &list.items[list.count];

		if (r == 0)
			r = read_texts(connection, domains[i], 0, texts, err);
		/* One that has gone since has nothing. */
		if (r == -EIO && library->virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) {
			vm_domain_texts_free(texts);
			error_clear(err);
			r = 0;
		} else if (list.items) {
			list.count++;
		}
		library->virDomainFree(domains[i]);
	}
	free(domains);
	if (r < 0)
		vm_domain_list_free(&list);
	else
		*ret_list = list;
	return r;
}

int vm_redefine_domain(struct vm_connection *connection, const char *name,
		       const char *before, const char *xml, struct error *err)
{
	_cleanup_(vm_domain_texts_free) struct vm_domain_texts now = { 0 };
	int r = vm_read_domain(connection, name, &now, err);

	if (r < 0)
		return r;
	if (!now.config || strcmp(now.config, before) != 0) {
		error_set(err, ESTALE, name, "its definition was changed meanwhile");
		error_hint(err, "try again");
		return -ESTALE;
	}
	r = vm_connection_define(connection, name, xml, err);
	if (r < 0 &&
	    connection->library.virGetLastErrorCode() == VIR_ERR_XML_INVALID_SCHEMA)
		error_hint(err,
			   "virsh dumpxml --inactive %s >FILE, virt-xml-validate FILE"
			   " tells where it is not as libvirt's schema wants it; virsh"
			   " edit mends it",
			   name);
	return r;
}

/* The caller frees *ret_domain. */
static int change_running(struct vm_connection *connection, const char *name,
			  const char *element,
			  int (*change)(virDomain *, const char *, unsigned int),
			  virDomain **ret_domain, struct error *err)
{
	int r = find(connection, name, ret_domain, err);

	if (r == 0 && change(*ret_domain, element, VIR_DOMAIN_AFFECT_LIVE) < 0) {
		r = vm_connection_fail(connection, name, err);
		connection->library.virDomainFree(*ret_domain);
	}
	return r;
}

int vm_plug(struct vm_connection *connection, const char *name, const char *element,
	    struct error *err)
{
	const struct libvirt *library = &connection->library;
	virDomain *domain;
	int r = change_running(connection, name, element,
			       library->virDomainAttachDeviceFlags, &domain, err);

	if (r == 0)
		library->virDomainFree(domain);
	return r;
}

/* A guest that has ended has nothing. */
static int has_function(struct vm_connection *connection, virDomain *domain,
			const struct pci_address *function, bool *ret_has,
			struct error *err)
{
	_cleanup_(vm_definition_free) struct vm_definition definition = { 0 };
	_cleanup_(vm_domain_texts_free) struct vm_domain_texts texts = { 0 };
	int r = read_texts(connection, domain, 0, &texts, err);

	if (r == 0 && texts.live)
		r = vm_definition_read(texts.live, strlen(texts.live), &definition, err);
	if (r == 0)
		*ret_has = vm_definition_find(&definition, function);
	return r;
}

static int wait_for(struct vm_connection *connection, virDomain *domain, const char *name,
		    const struct pci_address *function, unsigned int deadline_ms,
		    struct error *err)
{
	static const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	long long end = clock_now_ms() + deadline_ms;
	char text[PCI_ADDRESS_SIZE];
	bool has = true;
	int r;

	for (;;) {
		r = has_function(connection, domain, function, &has, err);
		if (r < 0 || !has)
			return r;
		if (clock_now_ms() >= end)
			break;
		nanosleep(&pause, NULL);
	}
	error_set(err, ETIMEDOUT, name, "the guest does not let go of %s",
		  pci_address_format(function, text));
	error_hint(err,
		   "a guest that is still starting, or whose driver is at work with it,"
		   " does not answer: try again then, or shut the guest down");
	return -ETIMEDOUT;
}

int vm_unplug(struct vm_connection *connection, const char *name, const char *element,
	      const struct pci_address *function, unsigned int deadline_ms,
	      struct error *err)
{
	const struct libvirt *library = &connection->library;
	virDomain *domain;
	int r = change_running(connection, name, element,
			       library->virDomainDetachDeviceFlags, &domain, err);

	if (r < 0)
		return r;
	r = wait_for(connection, domain, name, function, deadline_ms, err);
	library->virDomainFree(domain);
	return r;
}
