/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/network.h"
#include "usage/internal.h"

static int look_at_addresses(const struct host *host, struct usage *usage,
			     const struct pci_device *owner, const char *name)
{
	_cleanup_(string_list_free) struct string_list addresses = { 0 };
	enum fact fact;
	int r = 0;

	fact = host_interface_addresses(host, name, &addresses);
	if (fact == FACT_UNREADABLE)
		return usage_add(usage, owner, USAGE_UNREADABLE,
				 "%s is up; whether it has an address is not known",
				 name);
	for (size_t i = 0; r == 0 && i < addresses.count; i++)
		r = usage_add(usage, owner, USAGE_NETWORK, "%s is up with address %s",
			      name, addresses.items[i]);
	return r;
}

/* Member of a bridge, bond or team; or carrier of a VLAN, macvlan and the like. */
static int look_at_uppers(const struct host *host, struct usage *usage,
			  const struct pci_device *owner, const char *name)
{
	_cleanup_(string_list_free) struct string_list entries = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	r = host_list(host, path, &entries);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < entries.count; i++)
		if (!strncmp(entries.items[i], "upper_", 6))
			r = usage_add(usage, owner, USAGE_NETWORK, "%s is part of %s",
				      name, entries.items[i] + 6);
	return r;
}

static int visit_interface(const struct host *host, struct usage *usage, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	const struct pci_device *owner;
	long long flags = 0;
	enum fact fact;
	int r;

	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	if (host_link_target(host, path, target, sizeof(target)) != FACT_KNOWN)
		return 0;
	owner = pci_find_by_path(usage->devices, target);
	if (!owner)
		return 0;
	snprintf(path, sizeof(path), "sys/class/net/%s/flags", name);
	fact = host_read_number(host, path, &flags);
	r = look_at_uppers(host, usage, owner, name);
	if (r < 0)
		return r;
	if (fact != FACT_KNOWN)
		return usage_add(usage, owner, USAGE_UNREADABLE,
				 "whether %s is up is not known", name);
	return flags & IFF_UP ? look_at_addresses(host, usage, owner, name) : 0;
}

int usage_scan_network(const struct host *host, struct usage *usage)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r;

	r = host_list(host, "sys/class/net", &names);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return usage_mark_unreadable(
			usage, 0x02,
			"whether its interfaces are up is not known: no /sys/class/net");
	r = 0;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = visit_interface(host, usage, names.items[i]);
	return r;
}
