/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds a group open. A guest opens /dev/vfio/<group> and keeps it for as long as it
 * runs; so long its devices can neither be given to another nor be taken back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/slices.h"
#include "usage/internal.h"

/* NVIDIA's hands its functions to guests itself, and registers them with VFIO. */
static bool is_on_vfio(const struct host *host, const struct pci_device *device)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	long long type;

	if (!device->driver)
		return false;
	return iommu_is_vfio_driver(device->driver) ||
	       host_exists(host,
			   pci_attribute_path(&device->address, "vfio-dev", path)) ||
	       pci_slice_vendor_type(host, &device->address, &type) != FACT_ABSENT;
}

bool usage_group_on_vfio(const struct host *host, const struct iommu_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (is_on_vfio(host, group->members[i]))
			return true;
	return false;
}

/*
 * QEMU's "-name guest=web,debug-threads=on", which libvirt gives it too, in either order,
 * or "-name web".
 * A process's arguments are ended by NULs.
 */
static void find_guest_name(const char *bytes, size_t len, char *buffer, size_t size)
{
	const char *end = bytes + len;

	buffer[0] = '\0';
	for (const char *at = bytes; at < end; at += strlen(at) + 1) {
		const char *name = at + strlen(at) + 1, *later;

		if (strcmp(at, "-name") != 0 || name >= end)
			continue;
		later = strstr(name, ",guest=");
		if (!strncmp(name, "guest=", 6))
			name += 6;
		else if (later)
			name = later + strlen(",guest=");
		snprintf(buffer, size, ", guest %.*s", (int)strcspn(name, ","), name);
		return;
	}
}

void usage_holder_name(const struct host *host, const char *pid,
		       char buffer[USAGE_HOLDER_SIZE])
{
	_cleanup_free_ char *arguments = NULL;
	char path[64], process[96], guest[128] = "";
	size_t len;

	usage_process_name(host, pid, process, sizeof(process));
	snprintf(path, sizeof(path), "proc/%s/cmdline", pid);
	if (host_read_file(host, path, &arguments, &len) == 0)
		find_guest_name(arguments, len, guest, sizeof(guest));
	snprintf(buffer, USAGE_HOLDER_SIZE, "process %s%s", process, guest);
}

int usage_add_vfio_holder(struct usage_scan *scan, const struct iommu_group *group,
			  const char *pid)
{
	char holder[USAGE_HOLDER_SIZE], detail[320];

	usage_holder_name(scan->host, pid, holder);
	snprintf(detail, sizeof(detail), "group %u is held by %s", group->number, holder);
	return usage_add_group(scan->usage, group, USAGE_VFIO, detail);
}
