/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_NETWORK_H
#define PCIFERRY_HOST_NETWORK_H

#include "host/host.h"

/*
 * The addresses of a network interface, as text without prefix length, added to
 * ret_addresses. On this machine the kernel is asked by rtnetlink (getifaddrs(3)); a
 * directory does not hold them, so there the fact is unreadable. FACT_ABSENT: it has
 * none.
 */
enum fact host_interface_addresses(const struct host *host, const char *interface,
				   struct string_list *ret_addresses);

#endif
