/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_NETLINK_H
#define PCIFERRY_HOST_NETLINK_H

/* Requests to the kernel by rtnetlink(7), and its answers. */
#include <stddef.h>

struct nlmsghdr;

enum { HOST_REASON_SIZE = 128 };

/*
 * Sends a request. Where it has NLM_F_ACK there is no other answer than whether it
 * succeeded, and ret_answer may be NULL; else the caller frees *ret_answer, which is one
 * message. `reason` gets the kernel's own words on a failure (NLMSGERR_ATTR_MSG), or "";
 * it may be NULL. Returns 0 or -errno. May sleep as long as a driver does that has the
 * network's lock (rtnl_lock()).
 */
int host_netlink_ask(struct nlmsghdr *request, void **ret_answer, size_t *ret_len,
		     char reason[HOST_REASON_SIZE]);

/*
 * Asks for all that there is, such as RTM_GETADDR, and hands over each message of the
 * answer, whatever its type; what `take` returns below 0 ends it. Returns 0 or -errno.
 */
int host_netlink_dump(unsigned short type,
		      int (*take)(const struct nlmsghdr *message, void *argument),
		      void *argument);

#endif
