/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which processes hold device nodes open: one pass over /proc. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/nodes.h"

/* udev opens each new disk for a moment, to see what is on it. */
static bool passes_by(const char *process)
{
	return strstr(process, "(systemd-udevd)") || strstr(process, "((udev-worker))");
}

static int add_holder(struct usage_scan *scan, const struct usage_node *node,
		      const char *pid)
{
	struct usage_findings *findings;
	char process[96];
	int r;

	if (node->group)
		return usage_add_vfio_holder(scan, node->group, pid);
	usage_process_name(scan->host, pid, process, sizeof(process));
	if (passes_by(process))
		return 0;
	r = usage_add(scan->usage, node->owner, USAGE_PROCESS, "process %s holds %s",
		      process, node->path);
	findings = (struct usage_findings *)usage_of(scan->usage, node->owner);
	if (r == 0 && findings->items[findings->count - 1].kind == USAGE_PROCESS)
		findings->items[findings->count - 1].process = atoi(pid);
	return r;
}

/* What the search is for. */
struct search {
	struct usage_scan *scan;
	const struct usage_nodes *nodes;
};

static int add_holders(const char *path, const char *pid, void *argument)
{
	const struct search *search = argument;
	const struct usage_nodes *nodes = search->nodes;
	const struct usage_node *end = nodes->items + nodes->count, *node;
	struct usage_node key = { .path = (char *)path };
	int r = 0;

	node = bsearch(&key, nodes->items, nodes->count, sizeof(*nodes->items),
		       usage_nodes_compare);
	while (node && node > nodes->items && !usage_nodes_compare(node - 1, &key))
		node--;
	for (; r == 0 && node && node < end && !usage_nodes_compare(node, &key); node++)
		r = add_holder(search->scan, node, pid);
	return r;
}

static int look_at_process(const struct host *host, const char *pid,
			   struct usage_processes *processes,
			   const struct usage_visitor *visitor)
{
	_cleanup_(string_list_free) struct string_list fds = { 0 };
	struct host_dir dir;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "proc/%s/fd", pid);
	r = host_list(host, path, &fds);
	if ((r == -EACCES || r == -EPERM) && !usage_has_ended(host, pid))
		processes->unreadable = true;
	/* A kernel thread has none; or the process has ended meanwhile. */
	if (r < 0 || !fds.count || host_dir_open(host, path, &dir) < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < fds.count; i++) {
		char target[128];

		if (host_dir_link_target(&dir, fds.items[i], target, sizeof(target)) !=
			    FACT_KNOWN ||
		    strncmp(target, "/dev/", 5) != 0)
			continue;
		r = visitor->visit(target, pid, visitor->argument);
	}
	host_dir_close(&dir);
	return r;
}

int usage_visit_nodes(struct usage_scan *scan, const struct usage_visitor *visitor)
{
	struct usage_processes *processes = &scan->processes;
	int r = usage_read_processes(scan);

	for (size_t i = 0; r == 0 && i < processes->count; i++)
		if (processes->items[i].namespace_fact == FACT_KNOWN)
			r = look_at_process(scan->host, processes->items[i].pid,
					    processes, visitor);
	return r;
}

static int mark_unreadable(struct usage_scan *scan, const struct usage_nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < nodes->count; i++) {
		const struct usage_node *node = &nodes->items[i];
		char detail[256];

		snprintf(detail, sizeof(detail),
			 "not every process could be asked whether it holds %s (as root,"
			 " more can)",
			 node->name ? node->name : node->path);
		r = node->group ? usage_add_group(scan->usage, node->group,
						  USAGE_UNREADABLE, detail)
				: usage_add(scan->usage, node->owner, USAGE_UNREADABLE,
					    "%s", detail);
	}
	return r;
}

int usage_scan_processes(struct usage_scan *scan)
{
	_cleanup_(usage_nodes_free) struct usage_nodes nodes = { 0 };
	struct search search = { scan, &nodes };
	const struct usage_visitor visitor = { add_holders, &search };
	int r = usage_nodes_list(scan, &nodes);

	if (r < 0 || !nodes.count)
		return r;
	r = usage_visit_nodes(scan, &visitor);
	return r == 0 && scan->processes.unreadable ? mark_unreadable(scan, &nodes) : r;
}
