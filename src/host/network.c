/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/internal.h"

static bool fits(const char *word, size_t size)
{
	return *word && strlen(word) < size;
}

static int add_address(struct host_network *network, const char *interface, char *words)
{
	struct host_address *larger;
	char *slash = strchr(words, '/');
	uint64_t prefix;

	if (!slash || text_parse_number(slash + 1, 128, &prefix) < 0)
		return 0;
	*slash = '\0';
	if (!fits(interface, sizeof(larger->interface)) ||
	    !fits(words, sizeof(larger->address)))
		return 0;
	larger = reallocarray(network->addresses, network->n_addresses + 1,
			      sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	network->addresses = larger;
	larger += network->n_addresses++;
	snprintf(larger->interface, sizeof(larger->interface), "%s", interface);
	snprintf(larger->address, sizeof(larger->address), "%s", words);
	larger->prefix = (unsigned int)prefix;
	return 0;
}

static int add_route(struct host_network *network, const char *interface,
		     const char *destination, const char *table)
{
	struct host_route *larger;
	uint64_t number;

	if (!table || text_parse_number(table, UINT32_MAX, &number) < 0 ||
	    !fits(interface, sizeof(larger->interface)) ||
	    !fits(destination, sizeof(larger->destination)))
		return 0;
	larger = reallocarray(network->routes, network->n_routes + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	network->routes = larger;
	larger += network->n_routes++;
	snprintf(larger->interface, sizeof(larger->interface), "%s", interface);
	snprintf(larger->destination, sizeof(larger->destination), "%s", destination);
	larger->table = (unsigned int)number;
	return 0;
}

static int parse_line(struct host_network *network, char *line)
{
	const char *key = strsep(&line, " ");
	char *first = strsep(&line, " "), *second = strsep(&line, " ");

	if (first && !strcmp(key, "ssh") && fits(first, sizeof(network->ssh)))
		snprintf(network->ssh, sizeof(network->ssh), "%s", first);
	else if (second && !strcmp(key, "address"))
		return add_address(network, first, second);
	else if (second && !strcmp(key, "route"))
		return add_route(network, first, second, strsep(&line, " "));
	return 0;
}

int host_network_parse(const char *text, size_t len, struct host_network *ret_network)
{
	_cleanup_(host_network_free) struct host_network network = { 0 };
	_cleanup_free_ char *copy = strndup(text, len);
	char *rest = copy, *line;

	if (!copy)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n")))
		if (parse_line(&network, line) < 0)
			return -ENOMEM;
	*ret_network = network;
	memset(&network, 0, sizeof(network));
	return 0;
}

enum fact host_network_read(const struct host *host, struct host_network *ret_network)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (host_read_made_within(host, "pciferry/network", HOST_NETWORK_MS,
				  host_make_network, NULL, &text, &len) < 0 ||
	    host_network_parse(text, len, ret_network) < 0)
		return FACT_UNREADABLE;
	return FACT_KNOWN;
}

void host_network_free(struct host_network *network)
{
	if (!network)
		return;
	free(network->addresses);
	free(network->routes);
	memset(network, 0, sizeof(*network));
}
