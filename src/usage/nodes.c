/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage/nodes.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

int usage_nodes_compare(const void *a, const void *b)
{
	return strcmp(((const struct usage_node *)a)->path,
		      ((const struct usage_node *)b)->path);
}

void usage_nodes_free(struct usage_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		free(nodes->items[i].path);
	free(nodes->items);
}

static int add_node(struct usage_nodes *nodes, const char *folder, const char *name,
		    const struct pci_device *owner, const struct iommu_group *group)
{
	struct usage_node *larger =
		reallocarray(nodes->items, nodes->count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	nodes->items = larger;
	if (asprintf(&larger[nodes->count].path, "/dev/%s%s", folder, name) < 0)
		return -ENOMEM;
	larger[nodes->count].name = NULL;
	larger[nodes->count].group = group;
	larger[nodes->count++].owner = owner;
	return 0;
}

/* Classes whose nodes keep a driver busy, and where in /dev their nodes are. */
static const struct {
	const char *name, *folder;
} classes[] = {
	{ "accel", "accel/" },
	{ "block", "" },
	{ "drm", "dri/" },
	{ "dvb", "" },
	{ "infiniband_mad", "infiniband/" },
	{ "infiniband_verbs", "infiniband/" },
	{ "nvme", "" },
	{ "nvme-generic", "" }, /* ng0n1: a disk by its commands */
	{ "ptp", "" },
	{ "scsi_generic", "" },
	{ "scsi_tape", "" },
	{ "sound", "snd/" },
	{ "tty", "" },
	{ "uio", "" },
	{ "vfio-dev", "vfio/devices/" },
	{ "video4linux", "" },
	{ "virtio-ports", "" }, /* vport0p1: a guest agent's */
};

/* A sound server keeps the controls of all cards open; that hinders no driver. */
static bool is_harmless(const char *class_name, const char *name)
{
	return !strcmp(class_name, "sound") && strncmp(name, "pcmC", 4) != 0;
}

/* Of the many entries of the class tty most are virtual consoles: those of hardware have
 * letters behind "tty", or are hvc0, ... */
static bool is_virtual(const char *class_name, const char *name)
{
	return !strcmp(class_name, "tty") && strncmp(name, "hvc", 3) != 0 &&
	       (strncmp(name, "tty", 3) != 0 || !isalpha((unsigned char)name[3]));
}

/* dvb0.frontend0 is adapter0/frontend0 (drivers/media/dvb-core/dvbdev.c, dvb_devnode). */
static const char *node_name(const char *class_name, const char *name, char *buffer,
			     size_t size)
{
	unsigned int adapter;
	int len = 0;

	if (strcmp(class_name, "dvb") != 0 ||
	    sscanf(name, "dvb%u.%n", &adapter, &len) != 1 || !len)
		return name;
	snprintf(buffer, size, "dvb/adapter%u/%s", adapter, name + len);
	return buffer;
}

/* hvc0 is in no function's folder; those of virtio are of its console, unless there are
 * several: then each may be it. */
static int add_virtio_consoles(const struct usage_scan *scan, struct usage_nodes *nodes,
			       const char *name)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->count; i++)
		if (usage_is_asked(scan, &devices->items[i]) &&
		    usage_is_virtio_console(&devices->items[i]))
			r = add_node(nodes, "", name, &devices->items[i], NULL);
	return r;
}

/* A multipath disk is of each controller that leads to it, and so are its partitions. */
static int add_head(const struct usage_scan *scan, struct usage_nodes *nodes,
		    const char *name, const struct pci_device *owner)
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
	/* nvme5n1 is ng5n1, too (drivers/nvme/host/multipath.c, nvme_add_ns_head_cdev).
	 */
	return r == 0 ? add_node(nodes, "ng", head + strlen("nvme"), owner, NULL) : r;
}

static int add_class(const struct usage_scan *scan, struct usage_nodes *nodes,
		     size_t index)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	const char *class_name = classes[index].name;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "sys/class/%s", class_name);
	r = host_list(scan->host, path, &names);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		const char *name = names.items[i];
		const struct pci_device *owner;
		char buffer[NAME_MAX + 32];

		if (is_harmless(class_name, name) || is_virtual(class_name, name))
			continue;
		owner = usage_class_owner(scan, class_name, name);
		if (!owner && !strncmp(name, "hvc", 3))
			r = add_virtio_consoles(scan, nodes, name);
		if (!owner)
			continue;
		r = add_node(nodes, classes[index].folder,
			     node_name(class_name, name, buffer, sizeof(buffer)), owner,
			     NULL);
		if (r == 0)
			r = add_head(scan, nodes, name, owner);
	}
	return r;
}

/*
 * NVIDIA's driver makes its nodes without a class. /dev/nvidia<minor> is told by
 * /proc/driver/nvidia/gpus/<address>/information.
 */
static int add_nvidia(const struct usage_scan *scan, struct usage_nodes *nodes)
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
		if (!owner || !usage_is_asked(scan, owner))
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

/*
 * /dev/bus/usb/001/004 of each USB device: the controller's. Not of the root hubs, which
 * every controller has. "1-2:1.0" is an interface and has no node.
 */
static int add_usb(const struct usage_scan *scan, struct usage_nodes *nodes)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(scan->host, "sys/bus/usb/devices", &names);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char device[NAME_MAX + 32], path[NAME_MAX + 64];
		const struct pci_device *owner;
		long long bus = 0, number = 0;

		snprintf(device, sizeof(device), "sys/bus/usb/devices/%s",
			 names.items[i]);
		if (!strncmp(names.items[i], "usb", 3) || strchr(names.items[i], ':'))
			continue;
		owner = usage_link_owner(scan, device);
		if (!owner || !usage_is_asked(scan, owner))
			continue;
		snprintf(path, sizeof(path), "%s/busnum", device);
		host_read_number(scan->host, path, &bus);
		snprintf(path, sizeof(path), "%s/devnum", device);
		if (host_read_number(scan->host, path, &number) == FACT_ABSENT)
			continue; /* it has been unplugged */
		if (!bus || !number) {
			r = usage_add(scan->usage, owner, USAGE_UNREADABLE,
				      "which node is the USB device %s's could not be"
				      " read",
				      names.items[i]);
			continue;
		}
		snprintf(path, sizeof(path), "bus/usb/%03lld/%03lld", bus, number);
		r = add_node(nodes, "", path, owner, NULL);
		if (r == 0)
			nodes->items[nodes->count - 1].name = "a USB device on it";
	}
	return r;
}

static bool is_group_asked(const struct usage_scan *scan, const struct iommu_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (usage_is_asked(scan, group->members[i]))
			return true;
	return false;
}

static int add_groups(const struct usage_scan *scan, struct usage_nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < scan->groups->count; i++) {
		const struct iommu_group *group = &scan->groups->items[i];
		char name[16];

		snprintf(name, sizeof(name), "%u", group->number);
		if (is_group_asked(scan, group) && usage_group_on_vfio(scan->host, group))
			r = add_node(nodes, "vfio/", name, NULL, group);
	}
	return r;
}

int usage_nodes_list(const struct usage_scan *scan, struct usage_nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(classes); i++)
		r = add_class(scan, nodes, i);
	if (r == 0)
		r = add_nvidia(scan, nodes);
	if (r == 0)
		r = add_usb(scan, nodes);
	if (r == 0)
		r = add_groups(scan, nodes);
	if (nodes->count)
		qsort(nodes->items, nodes->count, sizeof(*nodes->items),
		      usage_nodes_compare);
	return r;
}
