/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This machine's addresses and routes: rtnetlink(7), include/uapi/linux/rtnetlink.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/internal.h"
#include "host/netlink.h"
#include "host/network.h"

static int take_address(const struct nlmsghdr *message, void *lines)
{
	const struct ifaddrmsg *body = NLMSG_DATA(message);
	const struct rtattr *attribute = IFA_RTA(body);
	unsigned int left = (unsigned int)IFA_PAYLOAD(message);
	char name[IF_NAMESIZE], text[INET6_ADDRSTRLEN];
	const void *address = NULL;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    (body->ifa_family != AF_INET && body->ifa_family != AF_INET6) ||
	    !if_indextoname(body->ifa_index, name))
		return 0;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		/* Of a point-to-point link IFA_ADDRESS is the other end's. */
		if (attribute->rta_type == IFA_LOCAL ||
		    (attribute->rta_type == IFA_ADDRESS && !address))
			address = RTA_DATA(attribute);
	if (!address || !inet_ntop(body->ifa_family, address, text, sizeof(text)))
		return 0;
	return string_list_addf(lines, "address %s %s/%u", name, text,
				body->ifa_prefixlen);
}

static int add_route(struct string_list *lines, unsigned int interface,
		     const char *destination, unsigned int table)
{
	char name[IF_NAMESIZE];

	if (!interface || !if_indextoname(interface, name))
		return 0;
	return string_list_addf(lines, "route %s %s %u", name, destination, table);
}

static int add_hops(struct string_list *lines, const struct rtattr *attribute,
		    const char *destination, unsigned int table)
{
	const struct rtnexthop *hop = RTA_DATA(attribute);
	int left = (int)RTA_PAYLOAD(attribute), r = 0;

	for (; r == 0 && RTNH_OK(hop, left); hop = RTNH_NEXT(hop)) {
		r = add_route(lines, (unsigned int)hop->rtnh_ifindex, destination, table);
		left -= RTNH_ALIGN(hop->rtnh_len);
	}
	return r;
}

struct route_parts {
	const struct rtattr *hops;
	const void *destination;
	unsigned int interface, table;
	bool has_gateway;
};

static void take_parts(const struct rtmsg *body, unsigned int left,
		       struct route_parts *parts)
{
	const struct rtattr *attribute = RTM_RTA(body);

	parts->table = body->rtm_table;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		switch (attribute->rta_type) {
		case RTA_DST:
			parts->destination = RTA_DATA(attribute);
			break;
		case RTA_OIF:
			parts->interface = *(const unsigned int *)RTA_DATA(attribute);
			break;
		case RTA_TABLE:
			parts->table = *(const unsigned int *)RTA_DATA(attribute);
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			parts->has_gateway = true;
			break;
		case RTA_MULTIPATH:
			parts->hops = attribute;
			break;
		default:
			break;
		}
	}
}

/* Routes to an interface's own network say nothing that its address does not. */
static int take_route(const struct nlmsghdr *message, void *lines)
{
	const struct rtmsg *body = NLMSG_DATA(message);
	char destination[HOST_DESTINATION_SIZE], text[INET6_ADDRSTRLEN];
	struct route_parts parts = { 0 };

	if (message->nlmsg_type != RTM_NEWROUTE || body->rtm_type != RTN_UNICAST ||
	    (body->rtm_family != AF_INET && body->rtm_family != AF_INET6) ||
	    body->rtm_flags & RTM_F_CLONED)
		return 0;
	take_parts(body, (unsigned int)RTM_PAYLOAD(message), &parts);
	if (body->rtm_dst_len && !parts.has_gateway && !parts.hops &&
	    parts.table == RT_TABLE_MAIN)
		return 0;
	if (!body->rtm_dst_len)
		snprintf(destination, sizeof(destination), "default");
	else if (parts.destination &&
		 inet_ntop(body->rtm_family, parts.destination, text, sizeof(text)))
		snprintf(destination, sizeof(destination), "%s/%u", text,
			 body->rtm_dst_len);
	else
		return 0;
	return parts.hops ? add_hops(lines, parts.hops, destination, parts.table)
			  : add_route(lines, parts.interface, destination, parts.table);
}

int host_make_network(void *unused, char **ret_text, size_t *ret_len)
{
	_cleanup_(string_list_free) struct string_list lines = { 0 };
	int r = host_netlink_dump(RTM_GETADDR, take_address, &lines);

	(void)unused;
	if (r == 0)
		r = host_netlink_dump(RTM_GETROUTE, take_route, &lines);
	if (r == 0)
		r = host_find_ssh(&lines);
	if (r < 0)
		return r;
	*ret_text = string_list_lines(&lines, ret_len);
	return *ret_text ? 0 : -ENOMEM;
}
