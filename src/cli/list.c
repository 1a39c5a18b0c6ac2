/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/describe.h"
#include "cli/output.h"

enum { COLUMN_DEVICE, COLUMN_IDS, COLUMN_DRIVER, COLUMN_IN_USE, COLUMN_NAME };

static const char *driver_color(const struct pci_device *device)
{
	if (device->stuck)
		return "red";
	return device->driver && strstr(device->driver, "vfio") ? "green" : NULL;
}

static void use_text(const struct cli_view *view, const struct pci_device *device,
		     char *buffer, size_t size)
{
	const struct usage_findings *findings = usage_of(&view->usage, device);

	buffer[0] = '\0';
	if (findings->count > 1)
		snprintf(buffer, size, "%s (+%zu)", findings->items[0].detail,
			 findings->count - 1);
	else if (findings->count)
		snprintf(buffer, size, "%s", findings->items[0].detail);
}

static int add_device(const struct cli_view *view, const struct pci_device *device,
		      struct libscols_table *table, struct libscols_line *parent)
{
	struct libscols_line *line = scols_table_new_line(table, parent);
	char address[PCI_ADDRESS_SIZE], ids[16] = "?", text[512];
	int r = line ? 0 : -ENOMEM;

	if (r == 0)
		r = output_cell(line, COLUMN_DEVICE,
				pci_address_format(&device->address, address), NULL);
	if (device->ids == FACT_KNOWN)
		snprintf(ids, sizeof(ids), "%04x:%04x", device->vendor_id,
			 device->device_id);
	if (r == 0)
		r = output_cell(line, COLUMN_IDS, ids, NULL);
	if (r == 0)
		r = output_cell(line, COLUMN_DRIVER, describe_driver(device),
				driver_color(device));
	use_text(view, device, text, sizeof(text));
	if (r == 0 && text[0])
		r = output_cell(line, COLUMN_IN_USE, text, "yellow");
	describe_name(view, device, text, sizeof(text));
	if (r == 0)
		r = output_cell(line, COLUMN_NAME, text, NULL);
	return r;
}

static int add_group(const struct cli_view *view, const struct iommu_group *group,
		     struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char title[32];
	int r;

	if (!line)
		return -ENOMEM;
	snprintf(title, sizeof(title), "group %u", group->number);
	r = output_cell(line, COLUMN_DEVICE, title, "bold");
	for (size_t i = 0; r == 0 && i < group->count; i++)
		r = add_device(view, group->members[i], table, line);
	return r;
}

static int add_groupless(const struct cli_view *view, struct libscols_table *table)
{
	struct libscols_line *line = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->devices.count; i++) {
		if (iommu_group_of(&view->groups, &view->devices.items[i], NULL))
			continue;
		if (!line) {
			line = scols_table_new_line(table, NULL);
			if (!line)
				return -ENOMEM;
			r = output_cell(line, COLUMN_DEVICE, "no group", "bold");
		}
		if (r == 0)
			r = add_device(view, &view->devices.items[i], table, line);
	}
	return r;
}

static int print_tree(const struct cli_view *view)
{
	struct libscols_table *table = output_table();
	int r = table ? 0 : -ENOMEM;

	if (r == 0)
		r = output_add_column(table, "DEVICE", 0, true, false);
	if (r == 0)
		r = output_add_column(table, "IDS", 0, false, false);
	if (r == 0)
		r = output_add_column(table, "DRIVER", 0, false, false);
	if (r == 0)
		r = output_add_column(table, "IN USE", 0.2, false, true);
	if (r == 0)
		r = output_add_column(table, "NAME", 0.3, false, true);
	for (size_t i = 0; r == 0 && i < view->groups.count; i++)
		r = add_group(view, &view->groups.items[i], table);
	if (r == 0)
		r = add_groupless(view, table);
	if (r == 0)
		r = output_print_table(table);
	scols_unref_table(table);
	return r;
}

static struct json_object *groups_json(const struct cli_view *view)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < view->groups.count; i++) {
		const struct iommu_group *group = &view->groups.items[i];
		struct json_object *item = json_object_new_object();
		struct json_object *members = json_object_new_array();
		char type[32];

		json_object_object_add(item, "number",
				       json_object_new_int64(group->number));
		json_object_object_add(item, "type",
				       iommu_group_type(view->host, group, type,
							sizeof(type)) == FACT_KNOWN
					       ? output_json_text(type)
					       : NULL);
		for (size_t j = 0; j < group->count; j++) {
			char address[PCI_ADDRESS_SIZE];

			pci_address_format(&group->members[j]->address, address);
			json_object_array_add(members, output_json_text(address));
		}
		json_object_object_add(item, "devices", members);
		json_object_array_add(array, item);
	}
	return array;
}

static int read_all_overrides(const struct cli_view *view, struct error *err)
{
	_cleanup_free_ struct pci_device **all = NULL;

	all = calloc(view->devices.count ? view->devices.count : 1, sizeof(*all));
	if (!all)
		return error_oom(err);
	for (size_t i = 0; i < view->devices.count; i++)
		all[i] = &view->devices.items[i];
	return pci_read_overrides(view->host, all, view->devices.count, err);
}

static int print_json(const struct cli_view *view, struct error *err)
{
	struct json_object *root = describe_json_root("list");
	struct json_object *devices = json_object_new_array();
	int r = read_all_overrides(view, err);

	if (!root || !devices)
		r = error_oom(err);
	for (size_t i = 0; r == 0 && i < view->devices.count; i++) {
		struct json_object *device = NULL;

		r = describe_json(view, &view->devices.items[i], &device, err);
		if (r == 0)
			json_object_array_add(devices, device);
	}
	if (r < 0) {
		json_object_put(root);
		json_object_put(devices);
		return r;
	}
	json_object_object_add(root, "groups", groups_json(view));
	json_object_object_add(root, "devices", devices);
	return output_json(root);
}

static int run_list(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option own[] = { { 0 } };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	int r = cli_next_option(cli, argc, argv, own, err);

	if (r != -1)
		return r;
	if (optind < argc) {
		error_usage(err, argv[optind], "list takes no argument");
		error_hint(err, "pciferry show DEVICE tells about one device");
		return -EINVAL;
	}
	r = cli_view_open(cli, &view, err);
	if (r < 0)
		return r;
	if (cli->json)
		return print_json(&view, err);
	r = pci_find_stuck(view.host, &view.devices, err);
	if (r < 0)
		return r;
	if (print_tree(&view) < 0)
		return error_oom(err);
	if (!view.groups.count && !cli->quiet)
		output_talk("No device is in an IOMMU group: the IOMMU is off, or there"
			    " is none.");
	return 0;
}

const struct cli_command cli_list = {
	.name = "list",
	.arguments = "[--json]",
	.summary = "the devices by IOMMU group, the smallest thing that a guest can get",
	.options = "",
	.run = run_list,
};
