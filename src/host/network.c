/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/network.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static int add_address(const struct sockaddr *address, struct string_list *addresses)
{
	socklen_t len = address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						      : sizeof(struct sockaddr_in6);
	char text[NI_MAXHOST];

	if (getnameinfo(address, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
		return -1;
	return string_list_add(addresses, text);
}

enum fact host_interface_addresses(const struct host *host, const char *interface,
				   struct string_list *ret_addresses)
{
	enum fact fact = FACT_ABSENT;
	struct ifaddrs *all;

	if (!host_is_live(host) || getifaddrs(&all) < 0)
		return FACT_UNREADABLE;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (!one->ifa_addr || strcmp(one->ifa_name, interface) != 0)
			continue;
		if (one->ifa_addr->sa_family != AF_INET &&
		    one->ifa_addr->sa_family != AF_INET6)
			continue;
		fact = FACT_KNOWN;
		if (add_address(one->ifa_addr, ret_addresses) < 0) {
			fact = FACT_UNREADABLE;
			break;
		}
	}
	freeifaddrs(all);
	return fact;
}
