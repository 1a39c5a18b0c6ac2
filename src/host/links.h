/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_LINKS_H
#define PCIFERRY_HOST_LINKS_H

/*
 * What a network interface has set of its device's virtual functions. On this machine the
 * kernel is asked by rtnetlink (IFLA_VFINFO_LIST, net/core/rtnetlink.c,
 * rtnl_fill_vfinfo()); a directory holds the answer as "pciferry/links/INTERFACE", in the
 * words of ip-link(8). What the driver does not tell is left out:
 *
 *	up				or "down"
 *	vf 0 mac 52:54:00:00:00:01 vlan 100 qos 3 trust on spoofchk off
 */
#include <stdbool.h>
#include <stddef.h>

#include "host/host.h"

enum host_setting {
	HOST_SETTING_MAC = 1 << 0,
	HOST_SETTING_VLAN = 1 << 1, /* with its priority */
	HOST_SETTING_TRUST = 1 << 2,
	HOST_SETTING_SPOOF_CHECK = 1 << 3,
	HOST_SETTING_END = 1 << 4,
};

enum {
	HOST_MAC_LEN = 6,
	HOST_MAC_SIZE = 18,
	HOST_VLAN_MAX = 4094,
	HOST_PRIORITY_MAX = 7
};

/* Settings of one virtual function: as they are, or as they are to be. */
struct host_function {
	unsigned int index;    /* the kernel's number, as in the link "virtfn0" */
	unsigned int settings; /* enum host_setting: those that the rest tells */
	unsigned char mac[HOST_MAC_LEN]; /* all zero: the driver has none for it */
	unsigned int vlan, priority;	 /* 0: none */
	bool trust, spoof_check;
};

struct host_link {
	bool is_up;
	struct host_function *functions;
	size_t count;
};

/*
 * FACT_ABSENT: there is no such interface, or a directory that does not tell.
 * FACT_UNREADABLE also where the kernel does not answer in time.
 */
enum fact host_link_read(const struct host *host, const char *interface,
			 struct host_link *ret_link);
void host_link_free(struct host_link *link); /* takes NULL */

/* NULL: nothing is told of that function. */
const struct host_function *host_link_find(const struct host_link *link,
					   unsigned int index);

/* Those of the wanted settings that are otherwise now, or not known; now may be NULL. */
unsigned int host_function_differs(const struct host_function *wanted,
				   const struct host_function *now);

/* "mac 52:54:00:00:00:01 vlan 100", of these settings as far as they are known. */
enum { HOST_FUNCTION_TEXT_SIZE = 96 };
const char *host_function_format(const struct host_function *function,
				 unsigned int settings,
				 char buffer[HOST_FUNCTION_TEXT_SIZE]);

/* "vf 0 mac 52:54:00:00:00:01", all of it. Returns 0 or -EINVAL. */
int host_function_parse(const char *text, struct host_function *ret_function);

/* "52:54:00:00:00:01", whichever address it is. Returns 0 or -EINVAL. */
int host_mac_parse(const char *text, unsigned char ret_mac[HOST_MAC_LEN]);
const char *host_mac_format(const unsigned char mac[HOST_MAC_LEN],
			    char buffer[HOST_MAC_SIZE]);

/* The text above. Lines that are none of it are passed over. Returns 0 or -ENOMEM. */
int host_link_parse(const char *text, size_t len, struct host_link *ret_link);

/* The kernel's answer to RTM_GETLINK. Returns 0, -EBADMSG or -ENOMEM. */
int host_link_take(const void *message, size_t len, struct host_link *ret_link);

#endif
