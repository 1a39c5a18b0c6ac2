/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/internal.h"

int usage_add_group(struct usage *usage, const struct iommu_group *group,
		    enum usage_kind kind, const char *detail)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < group->count; i++)
		if (!iommu_member_stays(group->members[i]))
			r = usage_add(usage, group->members[i], kind, "%s", detail);
	return r;
}

bool usage_has_kind(const struct usage *usage, const struct pci_device *device,
		    enum usage_kind kind)
{
	const struct usage_findings *findings = usage_of(usage, device);

	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == kind)
			return true;
	return false;
}

bool usage_is_asked(const struct usage_scan *scan, const struct pci_device *device)
{
	return !scan->asked || scan->asked[device - scan->usage->devices->items];
}

const struct pci_device *usage_link_owner(const struct usage_scan *scan, const char *path)
{
	char target[PATH_MAX];

	if (host_link_target(scan->host, path, target, sizeof(target)) != FACT_KNOWN)
		return NULL;
	return pci_find_by_path(scan->usage->devices, target);
}

const struct pci_device *usage_class_owner(const struct usage_scan *scan,
					   const char *class_name, const char *name)
{
	const struct pci_device *owner;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "sys/class/%s/%s", class_name, name);
	owner = usage_link_owner(scan, path);
	return owner && usage_is_asked(scan, owner) ? owner : NULL;
}

bool usage_is_virtio(const struct pci_device *device)
{
	return device->ids == FACT_KNOWN && device->vendor_id == 0x1af4;
}

int usage_virtio_name(const struct host *host, const struct pci_device *device,
		      char *buffer, size_t size)
{
	_cleanup_(string_list_free) struct string_list entries = { 0 };
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	int r;

	buffer[0] = '\0';
	r = host_list(host, pci_attribute_path(&device->address, NULL, path), &entries);
	for (size_t i = 0; r == 0 && i < entries.count; i++) {
		const char *name = entries.items[i];

		if (!strncmp(name, "virtio", 6) && isdigit((unsigned char)name[6]))
			snprintf(buffer, size, "%s", name);
	}
	return r;
}

bool usage_multipath_head(const char *name, char *head, size_t size)
{
	unsigned int subsystem, controller, namespace;
	char rest;

	if (sscanf(name, "nvme%uc%un%u%c", &subsystem, &controller, &namespace, &rest) !=
	    3)
		return false;
	snprintf(head, size, "nvme%un%u", subsystem, namespace);
	return true;
}

int usage_list_partitions(const struct host *host, const char *disk,
			  struct string_list *ret_names)
{
	_cleanup_(string_list_free) struct string_list entries = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "sys/class/block/%s", disk);
	r = host_list(host, path, &entries);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	/* A partition's name begins with its disk's (Linux: block/partitions/core.c). */
	for (size_t i = 0; r == 0 && i < entries.count; i++) {
		if (strncmp(entries.items[i], disk, strlen(disk)) != 0)
			continue;
		snprintf(path, sizeof(path), "sys/class/block/%s/%s/partition", disk,
			 entries.items[i]);
		if (host_exists(host, path))
			r = string_list_add(ret_names, entries.items[i]);
	}
	return r;
}

bool usage_has_ended(const struct host *host, const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%s", pid);
	return !host_exists(host, path);
}

static void read_process(const struct host *host, struct usage_process *process)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%s/ns/mnt", process->pid);
	process->namespace_fact = host_link_target(host, path, process->namespace,
						   sizeof(process->namespace));
	if (process->namespace_fact == FACT_UNREADABLE &&
	    usage_has_ended(host, process->pid))
		process->namespace_fact = FACT_ABSENT;
}

int usage_read_processes(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct usage_processes *processes = &scan->processes;
	int r;

	if (processes->read)
		return 0;
	processes->read = true;
	r = host_list(scan->host, "proc", &names);
	if (r == -ENOMEM)
		return r;
	/* Where the first process is not shown (hidepid= of proc(5)), others are not. */
	processes->unreadable = r < 0 || !string_list_has(&names, "1");
	processes->items = calloc(names.count + 1, sizeof(*processes->items));
	if (!processes->items)
		return -ENOMEM;
	for (size_t i = 0; i < names.count; i++) {
		struct usage_process *process = &processes->items[processes->count];

		if (!isdigit((unsigned char)names.items[i][0]))
			continue;
		process->pid = steal(names.items[i]);
		processes->count++;
		read_process(scan->host, process);
		if (process->namespace_fact == FACT_UNREADABLE)
			processes->unreadable = true;
	}
	return 0;
}

void usage_free_processes(struct usage_processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		free(processes->items[i].pid);
	free(processes->items);
}

void usage_process_name(const struct host *host, const char *pid, char *buffer,
			size_t size)
{
	char path[64], command[64];

	snprintf(path, sizeof(path), "proc/%s/comm", pid);
	if (host_read(host, path, command, sizeof(command)) != FACT_KNOWN)
		snprintf(command, sizeof(command), "?");
	snprintf(buffer, size, "%s (%s)", pid, command);
}
