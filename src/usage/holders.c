/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds devices that are no PCI functions, such as mediated ones. */
#include "base/text.h"
#include "usage/internal.h"

struct search {
	const struct host *host;
	const struct string_list *const *nodes;
	size_t count;
	struct string_list *holders;
};

static int add_holder(const char *node, const char *pid, void *argument)
{
	const struct search *search = argument;
	char holder[USAGE_HOLDER_SIZE];
	int r = 0;

	for (size_t i = 0; r == 0 && i < search->count; i++) {
		if (!string_list_has(search->nodes[i], node))
			continue;
		usage_holder_name(search->host, pid, holder);
		if (!string_list_has(&search->holders[i], holder))
			r = string_list_add(&search->holders[i], holder);
	}
	return r;
}

int usage_find_holders(const struct host *host, const struct string_list *const *nodes,
		       size_t count, struct string_list *ret_holders, bool *ret_all)
{
	struct usage_scan scan = { .host = host };
	struct search search = { host, nodes, count, ret_holders };
	const struct usage_visitor visitor = { add_holder, &search };
	int r = usage_visit_nodes(&scan, &visitor);

	*ret_all = r == 0 && !scan.processes.unreadable;
	usage_free_processes(&scan.processes);
	return r;
}
