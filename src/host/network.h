/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_NETWORK_H
#define PCIFERRY_HOST_NETWORK_H

/*
 * What the kernel tells of the network by system calls alone: addresses, routes, and by
 * which address the person who asks came in. On this machine it is asked by rtnetlink; a
 * directory holds the answer as the file "pciferry/network", a fact on each line:
 *
 *	address INTERFACE ADDRESS/PREFIX
 *	route INTERFACE DESTINATION TABLE	"default", or ADDRESS/PREFIX
 *	ssh ADDRESS[%INTERFACE]			of this host, in the connection's words
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>

#include "host/host.h"

enum { HOST_DESTINATION_SIZE = INET6_ADDRSTRLEN + 4, HOST_MAIN_TABLE = 254 };

struct host_address {
	char interface[IF_NAMESIZE];
	char address[INET6_ADDRSTRLEN];
	unsigned int prefix; /* bits */
};

/* A route that leads beyond the interface's own network. */
struct host_route {
	char interface[IF_NAMESIZE];
	char destination[HOST_DESTINATION_SIZE];
	unsigned int table;
};

struct host_network {
	struct host_address *addresses;
	size_t n_addresses;
	struct host_route *routes;
	size_t n_routes;
	/* "192.0.2.1", "fe80::1%eth0"; "": no such connection is known */
	char ssh[INET6_ADDRSTRLEN + IF_NAMESIZE];
};

/*
 * Lines that are none of the above are passed over, and so are those with a word that is
 * longer than the kernel's: cut off it would name another. Returns 0 or -ENOMEM.
 */
int host_network_parse(const char *text, size_t len, struct host_network *ret_network);

/* FACT_UNREADABLE: the kernel does not answer in time, or there is no such file. */
enum fact host_network_read(const struct host *host, struct host_network *ret_network);
void host_network_free(struct host_network *network); /* takes NULL */

#endif
