/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which processes hold device nodes open: one pass over /proc. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

struct node {
	char *path;			 /* "/dev/dri/card0" */
	const struct pci_device *owner;	 /* whose node it is; NULL: a group's */
	const struct iommu_group *group; /* of "/dev/vfio/5" */
};

struct nodes {
	struct node *items; /* sorted by path, one for each owner */
	size_t count;
};

static int compare_nodes(const void *a, const void *b)
{
	return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

static void nodes_free(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		free(nodes->items[i].path);
	free(nodes->items);
}

static int add_node(struct nodes *nodes, const char *folder, const char *name,
		    const struct pci_device *owner, const struct iommu_group *group)
{
	struct node *larger =
		reallocarray(nodes->items, nodes->count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	nodes->items = larger;
	if (asprintf(&larger[nodes->count].path, "/dev/%s%s", folder, name) < 0)
		return -ENOMEM;
	larger[nodes->count].group = group;
	larger[nodes->count++].owner = owner;
	return 0;
}

/* Classes whose nodes keep a driver busy, and where in /dev their nodes are. */
static const struct {
	const char *name, *folder;
} classes[] = {
	{ "drm", "dri/" },
	{ "block", "" },
	{ "nvme", "" },
	{ "sound", "snd/" },
	{ "vfio-dev", "vfio/devices/" },
};

/* A sound server keeps the controls of all cards open; that hinders no driver. */
static bool is_harmless(const char *class_name, const char *name)
{
	return !strcmp(class_name, "sound") && strncmp(name, "pcmC", 4) != 0;
}

/* A multipath disk is of each controller that leads to it, and so are its partitions. */
static int add_head(const struct usage_scan *scan, struct nodes *nodes, const char *name,
		    const struct pci_device *owner)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char head[64];
	int r;

	if (!usage_multipath_head(name, head, sizeof(head)))
		return 0;
	r = string_list_add(&names, head);
	if (r == 0)
		r = usage_list_partitions(scan->host, head, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = add_node(nodes, "", names.items[i], owner, NULL);
	return r;
}

static int add_class(const struct usage_scan *scan, struct nodes *nodes, size_t index)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[64];
	int r;

	snprintf(path, sizeof(path), "sys/class/%s", classes[index].name);
	r = host_list(scan->host, path, &names);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const struct pci_device *owner;

		if (is_harmless(classes[index].name, names.items[i]))
			continue;
		owner = usage_class_owner(scan, classes[index].name, names.items[i]);
		if (!owner)
			continue;
		r = add_node(nodes, classes[index].folder, names.items[i], owner, NULL);
		if (r == 0)
			r = add_head(scan, nodes, names.items[i], owner);
	}
	return r;
}

/*
 * NVIDIA's driver makes its nodes without a class. /dev/nvidia<minor> is told by
 * /proc/driver/nvidia/gpus/<address>/information.
 */
static int add_nvidia(const struct usage_scan *scan, struct nodes *nodes)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "proc/driver/nvidia/gpus", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char path[PATH_MAX], text[HOST_ATTRIBUTE_MAX];
		const struct pci_device *owner;
		struct pci_address address;
		const char *minor;
		enum fact fact;

		snprintf(path, sizeof(path), "proc/driver/nvidia/gpus/%s/information",
			 names.items[i]);
		if (pci_address_parse(names.items[i], &address) < 0)
			continue;
		owner = pci_find(scan->usage->devices, &address);
		if (!owner)
			continue;
		fact = host_read(scan->host, path, text, sizeof(text));
		minor = strstr(text, "Device Minor:");
		if (fact == FACT_UNREADABLE)
			r = usage_add(scan->usage, owner, USAGE_UNREADABLE,
				      "which node of NVIDIA's driver is its own could not"
				      " be read");
		if (!minor)
			continue;
		snprintf(path, sizeof(path), "nvidia%ld",
			 strtol(minor + strlen("Device Minor:"), NULL, 10));
		r = add_node(nodes, "", path, owner, NULL);
	}
	return r;
}

static int add_groups(const struct usage_scan *scan, struct nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < scan->groups->count; i++) {
		const struct iommu_group *group = &scan->groups->items[i];
		char name[16];

		snprintf(name, sizeof(name), "%u", group->number);
		if (usage_group_on_vfio(group))
			r = add_node(nodes, "vfio/", name, NULL, group);
	}
	return r;
}

static int list_nodes(const struct usage_scan *scan, struct nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(classes); i++)
		r = add_class(scan, nodes, i);
	if (r == 0)
		r = add_nvidia(scan, nodes);
	if (r == 0)
		r = add_groups(scan, nodes);
	if (nodes->count)
		qsort(nodes->items, nodes->count, sizeof(*nodes->items), compare_nodes);
	return r;
}

/* udev opens each new disk for a moment, to see what is on it. */
static bool passes_by(const char *process)
{
	return strstr(process, "(systemd-udevd)") || strstr(process, "((udev-worker))");
}

static int add_holder(struct usage_scan *scan, const struct node *node, const char *pid)
{
	char process[96];

	if (node->group)
		return usage_add_vfio_holder(scan, node->group, pid);
	usage_process_name(scan->host, pid, process, sizeof(process));
	if (passes_by(process))
		return 0;
	return usage_add(scan->usage, node->owner, USAGE_PROCESS, "process %s holds %s",
			 process, node->path);
}

static int add_holders(struct usage_scan *scan, const struct nodes *nodes, char *path,
		       const char *pid)
{
	const struct node *end = nodes->items + nodes->count, *node;
	struct node key = { .path = path };
	int r = 0;

	node = bsearch(&key, nodes->items, nodes->count, sizeof(*nodes->items),
		       compare_nodes);
	while (node && node > nodes->items && !compare_nodes(node - 1, &key))
		node--;
	for (; r == 0 && node && node < end && !compare_nodes(node, &key); node++)
		r = add_holder(scan, node, pid);
	return r;
}

static int look_at_process(struct usage_scan *scan, const struct nodes *nodes,
			   const char *pid)
{
	_cleanup_(string_list_free) struct string_list fds = { 0 };
	struct host_dir dir;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "proc/%s/fd", pid);
	r = host_list(scan->host, path, &fds);
	if (r == -EACCES || r == -EPERM)
		scan->processes.unreadable = true;
	/* A kernel thread has none; or the process has ended meanwhile. */
	if (r < 0 || !fds.count || host_dir_open(scan->host, path, &dir) < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < fds.count; i++) {
		char target[128];

		if (host_dir_link_target(&dir, fds.items[i], target, sizeof(target)) !=
			    FACT_KNOWN ||
		    strncmp(target, "/dev/", 5) != 0)
			continue;
		r = add_holders(scan, nodes, target, pid);
	}
	host_dir_close(&dir);
	return r;
}

static int mark_unreadable(struct usage_scan *scan, const struct nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < nodes->count; i++) {
		const struct node *node = &nodes->items[i];
		char detail[256];

		snprintf(detail, sizeof(detail),
			 "whether a process holds %s could not be read (it takes root)",
			 node->path);
		r = node->group ? usage_add_group(scan->usage, node->group,
						  USAGE_UNREADABLE, detail)
				: usage_add(scan->usage, node->owner, USAGE_UNREADABLE,
					    "%s", detail);
	}
	return r;
}

int usage_scan_processes(struct usage_scan *scan)
{
	_cleanup_(nodes_free) struct nodes nodes = { 0 };
	int r = list_nodes(scan, &nodes);

	if (r < 0 || !nodes.count)
		return r;
	r = usage_read_processes(scan);
	for (size_t i = 0; r == 0 && i < scan->processes.count; i++)
		if (scan->processes.items[i].namespace_fact == FACT_KNOWN)
			r = look_at_process(scan, &nodes, scan->processes.items[i].pid);
	return r == 0 && scan->processes.unreadable ? mark_unreadable(scan, &nodes) : r;
}
