/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/network.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

struct network_walk {
	struct usage_scan *scan;
	bool is_read; /* the rest, for the first interface that it is needed for */
	enum fact fact;
	struct host_network network;
	struct string_list pppoe; /* interfaces that carry a PPPoE connection */
	bool pppoe_unreadable;
};

/* A bridge may be in a bond, and so on; no chain is longer than that. */
enum { MAX_UPPERS = 64 };

/*
 * What an interface carries, from itself up: bridge, bond, team, VLAN, macvlan and the
 * like are "upper_NAME" in its folder (net/core/dev.c, netdev_adjacent_add_links).
 */
static int collect_uppers(const struct usage_scan *scan, const char *name,
			  struct string_list *chain)
{
	int r = string_list_add(chain, name);

	for (size_t i = 0; r == 0 && i < chain->count && i < MAX_UPPERS; i++) {
		_cleanup_(string_list_free) struct string_list entries = { 0 };
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "sys/class/net/%s", chain->items[i]);
		r = host_list(scan->host, path, &entries);
		if (r < 0)
			return r == -ENOMEM ? r : 0;
		for (size_t j = 0; r == 0 && j < entries.count; j++)
			if (!strncmp(entries.items[j], "upper_", 6) &&
			    !string_list_has(chain, entries.items[j] + 6))
				r = string_list_add(chain, entries.items[j] + 6);
	}
	return r;
}

/* "eth0", or "br0, of which eth0 is a part". */
static const char *part_of(const char *interface, const char *name, char *buffer,
			   size_t size)
{
	if (!strcmp(interface, name))
		snprintf(buffer, size, "%s", name);
	else
		snprintf(buffer, size, "%s, of which %s is a part,", interface, name);
	return buffer;
}

/* A link-local address is told with its interface, for several may have the same one. */
static bool is_ssh_address(const struct host_address *one, const char *ssh)
{
	size_t len = strlen(one->address);

	return !strncmp(one->address, ssh, len) &&
	       (!ssh[len] || (ssh[len] == '%' && !strcmp(ssh + len + 1, one->interface)));
}

static int look_for_ssh(const struct network_walk *walk, const struct pci_device *owner,
			const char *name, const struct string_list *chain)
{
	const struct host_network *network = &walk->network;
	char text[128];
	int r = 0;

	for (size_t i = 0; r == 0 && network->ssh[0] && i < network->n_addresses; i++) {
		const struct host_address *one = &network->addresses[i];

		if (is_ssh_address(one, network->ssh) &&
		    string_list_has(chain, one->interface))
			r = usage_add(walk->scan->usage, owner, USAGE_SSH,
				      "%s carries the SSH connection that you came by",
				      part_of(one->interface, name, text, sizeof(text)));
	}
	return r;
}

static int look_at_routes(const struct network_walk *walk, const struct pci_device *owner,
			  const char *name, const struct string_list *chain)
{
	struct usage *usage = walk->scan->usage;
	int r = 0;

	for (size_t i = 0; r == 0 && i < walk->network.n_routes; i++) {
		const struct host_route *route = &walk->network.routes[i];
		bool is_default = !strcmp(route->destination, "default");
		char text[128], table[32] = "";

		if (!string_list_has(chain, route->interface))
			continue;
		part_of(route->interface, name, text, sizeof(text));
		if (route->table != HOST_MAIN_TABLE)
			snprintf(table, sizeof(table), " of table %u", route->table);
		r = usage_add(usage, owner, USAGE_ROUTE, "%s carries the %s%s%s", text,
			      is_default ? "default route" : "route to ",
			      is_default ? "" : route->destination, table);
	}
	return r;
}

static int look_at_addresses(const struct network_walk *walk,
			     const struct pci_device *owner, const char *name)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < walk->network.n_addresses; i++)
		if (!strcmp(walk->network.addresses[i].interface, name))
			r = usage_add(walk->scan->usage, owner, USAGE_NETWORK,
				      "%s is up with address %s", name,
				      walk->network.addresses[i].address);
	return r;
}

static int look_for_pppoe(const struct network_walk *walk, const struct pci_device *owner,
			  const char *name, const struct string_list *chain)
{
	char text[128];
	int r = 0;

	for (size_t i = 0; r == 0 && i < chain->count; i++)
		if (string_list_has(&walk->pppoe, chain->items[i]))
			r = usage_add(walk->scan->usage, owner, USAGE_NETWORK,
				      "%s carries a PPPoE connection",
				      part_of(chain->items[i], name, text, sizeof(text)));
	return r;
}

static int look_at_interface(const struct network_walk *walk,
			     const struct pci_device *owner, const char *name)
{
	_cleanup_(string_list_free) struct string_list chain = { 0 };
	struct usage *usage = walk->scan->usage;
	char path[PATH_MAX];
	long long flags = 0;
	enum fact fact;
	int r;

	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	fact = host_read_number(walk->scan->host, path, &flags);
	r = collect_uppers(walk->scan, name, &chain);
	if (r == 0)
		r = look_for_ssh(walk, owner, name, &chain);
	if (r == 0)
		r = look_at_routes(walk, owner, name, &chain);
	if (r == 0)
		r = look_for_pppoe(walk, owner, name, &chain);
	for (size_t i = 1; r == 0 && i < chain.count; i++)
		r = usage_add(usage, owner, USAGE_NETWORK, "%s is part of %s", name,
			      chain.items[i]);
	if (r < 0)
		return r;
	if (fact != FACT_KNOWN)
		return usage_add(usage, owner, USAGE_UNREADABLE,
				 "whether %s is up is not known", name);
	if (!(flags & IFF_UP))
		return 0;
	if (walk->pppoe_unreadable)
		r = usage_add(usage, owner, USAGE_UNREADABLE,
			      "%s is up; whether it carries a PPPoE connection could not"
			      " be read",
			      name);
	if (r < 0)
		return r;
	if (walk->fact != FACT_KNOWN)
		return usage_add(usage, owner, USAGE_UNREADABLE,
				 "%s is up; whether it has an address is not known",
				 name);
	return look_at_addresses(walk, owner, name);
}

/*
 * A PPPoE connection has its addresses on ppp0, which is no "upper" of the interface
 * beneath. A line each: session, address, interface (drivers/net/ppp/pppoe.c,
 * pppoe_seq_show); the first is a heading.
 */
static int read_pppoe(struct network_walk *walk)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t len;
	int r = host_read_file(walk->scan->host, "proc/net/pppoe", &text, &len);

	walk->pppoe_unreadable = r < 0 && r != -ENOENT;
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	rest = text;
	strsep(&rest, "\n");
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		char interface[IF_NAMESIZE];

		if (sscanf(line, "%*s %*s %15s", interface) == 1)
			r = string_list_add(&walk->pppoe, interface);
	}
	return r;
}

/* Where no interface is asked for, a network that hangs is in nobody's way. */
static int read_network(struct network_walk *walk)
{
	if (walk->is_read)
		return 0;
	walk->is_read = true;
	walk->fact = host_network_read(walk->scan->host, &walk->network);
	return read_pppoe(walk);
}

static int look_at_all(struct network_walk *walk, const struct string_list *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->count; i++) {
		const struct pci_device *owner =
			usage_class_owner(walk->scan, "net", names->items[i]);

		if (!owner)
			continue;
		r = read_network(walk);
		if (r == 0)
			r = look_at_interface(walk, owner, names->items[i]);
	}
	return r == 0 ? usage_look_for_hidden(walk->scan) : r;
}

int usage_scan_network(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct network_walk walk = { .scan = scan };
	int r;

	r = host_list(scan->host, "sys/class/net", &names);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return usage_mark_unreadable(
			scan->usage, PCI_CLASS_NETWORK,
			"whether its interfaces are up is not known: no /sys/class/net");
	/* Every running kernel has "lo"; without it, this is a copy of something else. */
	if (!names.count)
		return 0;
	r = look_at_all(&walk, &names);
	if (walk.fact == FACT_KNOWN)
		host_network_free(&walk.network);
	string_list_free(&walk.pppoe);
	return r;
}
