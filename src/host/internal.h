/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_INTERNAL_H
#define PCIFERRY_HOST_INTERNAL_H

#include <stddef.h>

#include "host/host.h"

struct host_function;
struct host_link;
struct host_tree;
struct string_list;

/*
 * For what the kernel tells with the network's lock, which a driver may keep for seconds
 * while it waits for its card, and one that hangs for ever.
 */
enum { HOST_NETWORK_MS = 3000 };

/* Of a positive errno. */
enum fact host_fact_of_error(int code);

/* For host_read_made_within(): the text of host/network.h, of this machine. 0 or -errno.
 */
int host_make_network(void *unused, char **ret_text, size_t *ret_len);

/* Asks this machine's kernel. Returns 0, for host_link_free(), or -errno. */
int host_link_ask(const char *interface, struct host_link *ret_link);

/* Adds a copy. Returns 0 or -ENOMEM. */
int host_link_add(struct host_link *link, const struct host_function *function);

/* Adds "ssh ADDRESS", when the person came in so. Returns 0 or -ENOMEM. */
int host_find_ssh(struct string_list *lines);

/* Keeps what a helper process has read for a host that records. */
void host_recording_keep_read(const struct host *host, const char *path, enum fact fact,
			      const char *text);

/* Keeps that asking for this path gave this error, positive. */
void host_recording_keep_error(const struct host *host, const char *path, int error);

/* What was kept so far; NULL: there was no memory for some of it. */
const struct host_tree *host_recording_tree(const struct host *host);

#endif
