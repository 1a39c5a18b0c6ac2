/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bind/bind.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/output.h"

static void print_group(const struct cli_view *view, const struct pci_device *device)
{
	const struct iommu_group *group;
	enum fact fact;

	group = iommu_group_of(&view->groups, device, &fact);
	if (!group) {
		output_line("  IOMMU group  %s",
			    fact == FACT_ABSENT ? "none" : "unreadable");
		return;
	}
	output_line("  IOMMU group  %u", group->number);
	for (size_t i = 0; i < group->count; i++) {
		const struct pci_device *member = group->members[i];
		char address[PCI_ADDRESS_SIZE], name[256];

		if (member == device)
			continue;
		describe_name(view, member, name, sizeof(name));
		output_line("    %s  %s  %s [%s]",
			    iommu_member_stays(member) ? "with bridge" : "with       ",
			    pci_address_format(&member->address, address), name,
			    describe_driver(member));
	}
}

static void print_driver(const struct cli_view *view, const struct pci_device *device)
{
	struct bind_state first;

	output_line(
		"  Driver       %s",
		device->stuck
			? "stuck: a process holds the device while its driver lets it go"
			: describe_driver(device));
	if (device->driver_override && device->driver_override[0])
		output_line("  Override     only %s may have it",
			    device->driver_override);
	if (bind_is_taken(view->host, device, &first))
		output_line("  Taken        from %s by pciferry, which can release it",
			    first.driver[0] ? first.driver : "no driver");
}

static void print_place(const struct pci_details *details)
{
	char address[PCI_ADDRESS_SIZE];

	if (details->parent_fact == FACT_KNOWN)
		output_line("  Behind       %s",
			    pci_address_format(&details->parent, address));
	if (details->physical_fact == FACT_KNOWN)
		output_line("  Function of  %s",
			    pci_address_format(&details->physical_function, address));
	if (details->n_virtual_functions)
		output_line("  Functions    %zu virtual", details->n_virtual_functions);
	if (details->numa_fact == FACT_KNOWN && details->numa_node >= 0)
		output_line("  NUMA node    %lld", details->numa_node);
	if (details->power_fact == FACT_KNOWN)
		output_line("  Power        %s", details->power_state);
	if (details->reset_fact == FACT_KNOWN)
		output_line("  Reset by     %s",
			    details->reset_methods[0]
				    ? details->reset_methods
				    : "nothing: a guest may find it dirty");
	if (details->boot_vga_fact == FACT_KNOWN && details->boot_vga)
		output_line("  Display      the firmware booted with it");
}

static void print_verdict(const struct cli_view *view, const struct pci_device *device)
{
	const struct usage_findings *findings = usage_of(&view->usage, device);
	char reason[256];

	for (size_t i = 0; i < findings->count; i++)
		output_line("  In use       %s", findings->items[i].detail);
	switch (usage_verdict(&view->usage, &view->groups, device, reason,
			      sizeof(reason))) {
	case USAGE_CAN_GO:
		output_line("  Verdict      it can go to a guest");
		break;
	case USAGE_CAN_GO_WITH_GROUP:
		output_line("  Verdict      it can go to a guest: %s", reason);
		break;
	case USAGE_IN_USE:
		output_line("  Verdict      in use, not to be taken: %s", reason);
		break;
	case USAGE_CANNOT:
		output_line("  Verdict      it cannot go to a guest: %s", reason);
		break;
	case USAGE_UNKNOWN:
		output_line("  Verdict      unknown, and so not to be taken: %s", reason);
		break;
	}
}

static int print_device(const struct cli_view *view, const struct pci_device *device,
			struct error *err)
{
	_cleanup_(pci_details_free) struct pci_details details = { 0 };
	char address[PCI_ADDRESS_SIZE], name[512];
	int r = pci_details_read(view->host, device, &details, err);

	if (r < 0)
		return r;
	describe_name(view, device, name, sizeof(name));
	output_line("%s  %s", pci_address_format(&device->address, address), name);
	if (device->ids == FACT_KNOWN)
		output_line("  IDs          %04x:%04x, subsystem %04x:%04x, class %06x",
			    device->vendor_id, device->device_id,
			    device->subsystem_vendor_id, device->subsystem_device_id,
			    device->class_code);
	print_driver(view, device);
	print_group(view, device);
	print_place(&details);
	print_verdict(view, device);
	return 0;
}

static int print_json(const struct cli_view *view, struct pci_device *const *devices,
		      size_t count, struct error *err)
{
	struct json_object *root = describe_json_root("show");
	struct json_object *array = json_object_new_array();
	int r = root && array ? 0 : error_oom(err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct json_object *device = NULL;

		r = describe_json(view, devices[i], &device, err);
		if (r == 0)
			json_object_array_add(array, device);
	}
	if (r < 0) {
		json_object_put(root);
		json_object_put(array);
		return r;
	}
	json_object_object_add(root, "devices", array);
	return output_json(root);
}

static int run_show(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option own[] = { { 0 } };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	_cleanup_free_ struct pci_device **devices = NULL;
	size_t count = 0;
	bool several;
	int r = cli_next_option(cli, argc, argv, own, err);

	if (r != -1)
		return r;
	if (optind == argc) {
		error_usage(err, "", "show needs a DEVICE");
		error_hint(err, "pciferry list shows what there is");
		return -EINVAL;
	}
	r = cli_view_open(cli, &view, err);
	for (int i = optind; r == 0 && i < argc; i++)
		r = cli_select(&view, argv[i], &devices, &count, &several, err);
	if (r == 0)
		r = pci_find_stuck(view.host, &view.devices, err);
	if (r == 0)
		r = pci_read_overrides(view.host, devices, count, err);
	if (r < 0)
		return r;
	if (cli->json)
		return print_json(&view, devices, count, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (i)
			output_line("%s", "");
		r = print_device(&view, devices[i], err);
	}
	return r;
}

const struct cli_command cli_show = {
	.name = "show",
	.arguments = "DEVICE... [--json]",
	.summary = "all about a device, and whether it can go to a guest",
	.options = "",
	.run = run_show,
};
