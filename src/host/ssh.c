/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By which address the person who typed the command came in. sshd(8) puts it into
 * SSH_CONNECTION: "client port server port". sudo and su take it away, so the
 * environments of the processes above are looked at too, where they may be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/host.h"
#include "host/internal.h"

static const char key[] = "SSH_CONNECTION=";

/* More processes than that do not lie between a login and a command. */
enum { MAX_ABOVE = 32 };

static int add_connection(const char *value, struct string_list *lines)
{
	char server[64];

	if (sscanf(value, "%*s %*s %63s", server) != 1)
		return 0;
	return string_list_addf(lines, "ssh %s", server);
}

/* The variable in a block of NUL-terminated ones; NULL: not there. */
static const char *find_variable(const char *block, size_t len)
{
	const char *end = block + len;

	for (const char *at = block; at < end; at += strlen(at) + 1)
		if (!strncmp(at, key, strlen(key)))
			return at + strlen(key);
	return NULL;
}

static long parent_of(const struct host *host, long pid)
{
	char path[64], text[HOST_ATTRIBUTE_MAX];
	const char *found;

	snprintf(path, sizeof(path), "proc/%ld/status", pid);
	if (host_read(host, path, text, sizeof(text)) != FACT_KNOWN)
		return 0;
	found = strstr(text, "\nPPid:");
	return found ? strtol(found + strlen("\nPPid:"), NULL, 10) : 0;
}

int host_find_ssh(struct string_list *lines)
{
	_cleanup_(host_cleanup) struct host *host = NULL;
	const char *own = getenv("SSH_CONNECTION");
	long pid = getppid();

	if (own)
		return add_connection(own, lines);
	if (host_open_live(&host, NULL) < 0)
		return 0;
	for (int above = 0; pid > 1 && above < MAX_ABOVE; above++) {
		_cleanup_free_ char *block = NULL;
		const char *value;
		char path[64];
		size_t len;

		snprintf(path, sizeof(path), "proc/%ld/environ", pid);
		if (host_read_file(host, path, &block, &len) == 0) {
			value = find_variable(block, len);
			if (value)
				return add_connection(value, lines);
		}
		pid = parent_of(host, pid);
	}
	return 0;
}
