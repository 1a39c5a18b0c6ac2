/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"

struct selection {
	struct pci_device ***devices;
	size_t *count;
};

static int add(struct selection *selection, struct pci_device *device, struct error *err)
{
	struct pci_device **larger;

	for (size_t i = 0; i < *selection->count; i++)
		if ((*selection->devices)[i] == device)
			return 0;
	larger =
		reallocarray(*selection->devices, *selection->count + 1, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	larger[(*selection->count)++] = device;
	*selection->devices = larger;
	return 0;
}

static int not_there(const char *argument, const char *what, struct error *err)
{
	error_set(err, ENODEV, argument, "%s", what);
	error_hint(err, "pciferry list shows what there is");
	return -ENODEV;
}

static int malformed(const char *argument, struct error *err)
{
	error_usage(err, argument, "not a device");
	error_hint(err,
		   "give an address (82:00.0), IDs (10de:1b39), group:79, a device node"
		   " (/dev/nvme0n1), net:eth0 or 82:00.0/vf2");
	return -EINVAL;
}

static int select_by_ids(const struct cli_view *view, const char *argument,
			 uint32_t vendor, uint32_t device_id, struct selection *selection,
			 struct error *err)
{
	size_t found = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->devices.count; i++) {
		struct pci_device *device = &view->devices.items[i];

		if (device->ids != FACT_KNOWN || device->vendor_id != vendor ||
		    device->device_id != device_id)
			continue;
		found++;
		r = add(selection, device, err);
	}
	return r < 0 || found ? r : not_there(argument, "no device has these IDs", err);
}

static int select_group(const struct cli_view *view, const char *argument,
			struct selection *selection, struct error *err)
{
	const struct iommu_group *group;
	size_t before = *selection->count;
	uint64_t number;
	int r = 0;

	if (text_parse_number(argument + strlen("group:"), INT_MAX, &number) < 0)
		return malformed(argument, err);
	group = iommu_find_group(&view->groups, (unsigned int)number);
	if (!group)
		return not_there(argument, "no such IOMMU group", err);
	for (size_t i = 0; r == 0 && i < group->count; i++)
		if (!iommu_member_stays(group->members[i]))
			r = add(selection, group->members[i], err);
	if (r == 0 && *selection->count == before)
		return not_there(argument, "only bridges are in this group", err);
	return r;
}

/* The function above a class device: the link /sys/class/net/eth0 leads through it. */
static int select_class_device(const struct cli_view *view, const char *argument,
			       const char *path, struct selection *selection,
			       struct error *err)
{
	char target[PATH_MAX];
	struct pci_device *owner;

	if (host_link_target(view->host, path, target, sizeof(target)) != FACT_KNOWN)
		return not_there(argument, "no such device on this host", err);
	owner = pci_find_by_path(&view->devices, target);
	if (!owner)
		return not_there(argument, "it is not on a PCI device", err);
	return add(selection, owner, err);
}

/* /dev/nvme0n1, /dev/dri/card1: by the name that the kernel gave it. */
static int select_node(const struct cli_view *view, const char *argument,
		       struct selection *selection, struct error *err)
{
	static const char *const classes[] = {
		"block", "drm", "nvme", "sound", "input", "net", "tty", "scsi_generic",
	};
	const char *name = strrchr(argument, '/') + 1;
	char path[PATH_MAX];

	if (!*name || strlen(name) > NAME_MAX)
		return malformed(argument, err);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		snprintf(path, sizeof(path), "sys/class/%s/%s", classes[i], name);
		if (host_exists(view->host, path))
			return select_class_device(view, argument, path, selection, err);
	}
	return not_there(argument, "no such device on this host", err);
}

static int select_interface(const struct cli_view *view, const char *argument,
			    struct selection *selection, struct error *err)
{
	const char *name = argument + strlen("net:");
	char path[PATH_MAX];

	if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX || name[0] == '.')
		return malformed(argument, err);
	snprintf(path, sizeof(path), "sys/class/net/%s", name);
	return select_class_device(view, argument, path, selection, err);
}

/* "03:00.0/vf2": the third virtual function, whatever its address is. */
static int select_virtual(const struct cli_view *view, const char *argument,
			  const char *slash, struct selection *selection,
			  struct error *err)
{
	_cleanup_free_ char *physical = strndup(argument, (size_t)(slash - argument));
	_cleanup_free_ struct pci_device **devices = NULL;
	char path[PCI_ATTRIBUTE_PATH_SIZE], name[32], text[NAME_MAX + 1];
	struct pci_address address;
	struct pci_device *device;
	size_t count = 0;
	uint64_t number;
	bool several;
	int r;

	if (!physical)
		return error_oom(err);
	if (text_parse_number(slash + strlen("/vf"), UINT16_MAX, &number) < 0)
		return malformed(argument, err);
	r = cli_select(view, physical, &devices, &count, &several, err);
	if (r < 0)
		return r;
	if (count != 1)
		return error_usage(err, argument,
				   "several devices are meant; name one by"
				   " its address");
	snprintf(name, sizeof(name), "virtfn%u", (unsigned int)number);
	if (host_link_name(view->host,
			   pci_attribute_path(&devices[0]->address, name, path), text,
			   sizeof(text)) != FACT_KNOWN ||
	    pci_address_parse(text, &address) < 0)
		return not_there(argument, "it has no such virtual function", err);
	device = pci_find(&view->devices, &address);
	return device ? add(selection, device, err)
		      : not_there(argument, "no such device", err);
}

int cli_select(const struct cli_view *view, const char *argument,
	       struct pci_device ***devices, size_t *count, bool *ret_several,
	       struct error *err)
{
	struct selection selection = { devices, count };
	struct pci_address address;
	uint32_t vendor, device_id;

	const char *slash = argument[0] == '/' ? NULL : strstr(argument, "/vf");

	*ret_several = false;
	if (slash)
		return select_virtual(view, argument, slash, &selection, err);
	if (!strncmp(argument, "group:", strlen("group:")))
		return select_group(view, argument, &selection, err);
	if (!strncmp(argument, "net:", strlen("net:")))
		return select_interface(view, argument, &selection, err);
	if (!strncmp(argument, "/dev/", strlen("/dev/")))
		return select_node(view, argument, &selection, err);
	if (pci_address_parse(argument, &address) == 0) {
		struct pci_device *device = pci_find(&view->devices, &address);

		return device ? add(&selection, device, err)
			      : not_there(argument, "no such device", err);
	}
	if (strlen(argument) == strlen("vvvv:dddd") && argument[4] == ':' &&
	    text_parse_hex(argument, 4, &vendor) == 0 &&
	    text_parse_hex(argument + 5, 4, &device_id) == 0) {
		*ret_several = true;
		return select_by_ids(view, argument, vendor, device_id, &selection, err);
	}
	return malformed(argument, err);
}

/* They have one name as well, which would tell none from another. */
static int refuse_several(const char *argument, struct pci_device *const *devices,
			  size_t count, struct error *err)
{
	char list[400] = "", address[PCI_ADDRESS_SIZE];
	size_t len = 0, i;

	for (i = 0; i < count && len + PCI_ADDRESS_SIZE + sizeof(", ...") < sizeof(list);
	     i++)
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
			pci_address_format(&devices[i]->address, address));
	error_usage(err, argument, "%zu devices have these IDs", count);
	error_evidence(err, "%s%s", list, i < count ? ", ..." : "");
	error_hint(err, "name one by its address, or add --all-matching");
	return -EINVAL;
}

int cli_select_to_change(const struct cli_view *view, const char *argument,
			 bool all_matching, struct pci_device ***devices, size_t *count,
			 struct error *err)
{
	size_t before = *count;
	bool several;
	int r = cli_select(view, argument, devices, count, &several, err);

	if (r == 0 && several && *count - before > 1 && !all_matching)
		r = refuse_several(argument, *devices + before, *count - before, err);
	return r;
}
