/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/columns.h"
#include "cli/filter.h"
#include "cli/json.h"
#include "cli/layout.h"
#include "cli/output.h"

enum layout { BY_GROUP, FLAT, TREE, DOT, PREDICT };

struct list_options {
	enum layout layout;
	const char *columns; /* NULL: the usual ones */
	struct cli_filters filters;
	bool has_override;
	struct iommu_acs_override override;
};

/* Only matching devices are shown; that a group has others is said in its title. */
static int add_group(const struct layout_job *job, const struct iommu_group *group)
{
	struct libscols_line *line = NULL;
	size_t shown = 0;
	char title[64];
	int r = 0;

	for (size_t i = 0; i < group->count; i++)
		shown += filters_match(job->filters, job->view, group->members[i]);
	if (!shown)
		return 0;
	if (shown < group->count)
		snprintf(title, sizeof(title), "group %u (and %zu more)", group->number,
			 group->count - shown);
	else
		snprintf(title, sizeof(title), "group %u", group->number);
	line = columns_add_title(job->table, NULL, title);
	if (!line)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < group->count; i++)
		if (filters_match(job->filters, job->view, group->members[i]))
			r = columns_add_device(job->columns, job->view, group->members[i],
					       job->table, line, NULL);
	return r;
}

/* All devices, or those without a group under a title. */
static int add_devices(const struct layout_job *job, const char *title)
{
	const struct cli_view *view = job->view;
	struct libscols_line *line = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->devices.count; i++) {
		const struct pci_device *device = &view->devices.items[i];

		if ((title && iommu_group_of(&view->groups, device, NULL)) ||
		    !filters_match(job->filters, view, device))
			continue;
		if (title && !line) {
			line = columns_add_title(job->table, NULL, title);
			if (!line)
				return -ENOMEM;
		}
		r = columns_add_device(job->columns, view, device, job->table, line,
				       NULL);
	}
	return r;
}

static int add_all(const struct layout_job *job, enum layout layout)
{
	const struct iommu_groups *groups = &job->view->groups;
	int r = 0;

	switch (layout) {
	case FLAT:
		return add_devices(job, NULL);
	case TREE:
		return layout_tree(job);
	case PREDICT:
		return layout_predicted(job);
	default:
		for (size_t i = 0; r == 0 && i < groups->count; i++)
			r = add_group(job, &groups->items[i]);
		return r == 0 ? add_devices(job, "no group") : r;
	}
}

static int print_table(const struct cli_view *view, const struct list_options *options,
		       const struct cli_columns *columns, struct error *err)
{
	struct layout_job job = { view, columns, &options->filters, NULL };
	int r;

	r = columns_table(columns, options->layout != FLAT, &job.table, err);
	if (r < 0)
		return r;
	r = add_all(&job, options->layout);
	if (r == 0)
		r = output_print_table(job.table);
	output_free_table(job.table);
	return r < 0 ? error_oom(err) : 0;
}

static int print_json(const struct cli_view *view, const struct list_options *options,
		      struct error *err)
{
	struct json_object *root = json_root("list");
	struct json_object *devices = json_object_new_array();
	int r = root && devices ? 0 : error_oom(err);

	for (size_t i = 0; r == 0 && i < view->devices.count; i++) {
		struct json_object *device = NULL;

		if (!filters_match(&options->filters, view, &view->devices.items[i]))
			continue;
		r = json_device(view, &view->devices.items[i], &device, err);
		if (r == 0)
			json_object_array_add(devices, device);
	}
	if (r < 0) {
		json_object_put(root);
		json_object_put(devices);
		return r;
	}
	json_object_object_add(root, "iommu", json_iommu(view));
	json_object_object_add(root, "groups", json_groups(view));
	json_object_object_add(root, "devices", devices);
	return output_json(root);
}

/* Values of the long options. */
enum {
	OPTION_FLAT = 1,
	OPTION_TREE,
	OPTION_DOT,
	OPTION_PREDICT,
	OPTION_OVERRIDE,
	OPTION_COLUMNS,
	OPTION_WAKE
};

static const struct option own[] = {
	{ "flat", no_argument, NULL, OPTION_FLAT },
	{ "tree", no_argument, NULL, OPTION_TREE },
	{ "dot", no_argument, NULL, OPTION_DOT },
	{ "predict", no_argument, NULL, OPTION_PREDICT },
	{ "acs-override", required_argument, NULL, OPTION_OVERRIDE },
	{ "columns", required_argument, NULL, OPTION_COLUMNS },
	{ "wake", no_argument, NULL, OPTION_WAKE },
	{ 0 },
};

static int choose_layout(struct list_options *options, enum layout layout,
			 struct error *err)
{
	if (options->layout != BY_GROUP && options->layout != layout)
		return error_usage(err, "",
				   "only one of --flat, --tree, --dot, --predict");
	options->layout = layout;
	return 0;
}

static int take_option(struct list_options *options, struct cli_view *view, int value,
		       struct error *err)
{
	switch (value) {
	case OPTION_FLAT:
		return choose_layout(options, FLAT, err);
	case OPTION_TREE:
		return choose_layout(options, TREE, err);
	case OPTION_DOT:
		return choose_layout(options, DOT, err);
	case OPTION_PREDICT:
		return choose_layout(options, PREDICT, err);
	case OPTION_OVERRIDE:
		options->has_override = true;
		return iommu_acs_override_parse(optarg, &options->override, err);
	case OPTION_COLUMNS:
		options->columns = optarg;
		return 0;
	default:
		view->wake = PCI_WAKE;
		return 0;
	}
}

static int parse_options(struct cli *cli, int argc, char **argv,
			 struct list_options *options, struct cli_view *view,
			 struct error *err)
{
	int r = 0, value;

	while (r == 0) {
		value = cli_next_option(cli, argc, argv, own, err);
		if (value == -1)
			break;
		r = value < 0 ? value : take_option(options, view, value, err);
	}
	if (r == 0)
		r = filters_parse(argc - optind, argv + optind, &options->filters, err);
	if (r < 0)
		return r;
	if (cli->json && options->layout != BY_GROUP && options->layout != PREDICT)
		return error_usage(err, "--json",
				   "it has its own form: not with a layout");
	if (options->columns && (cli->json || options->layout == DOT))
		return error_usage(err, "--columns", "it is for tables");
	if (options->has_override && options->layout != PREDICT) {
		error_usage(err, "--acs-override", "it changes a prediction");
		error_hint(err, "add --predict");
		return -EINVAL;
	}
	if (options->has_override)
		view->override = &options->override;
	return 0;
}

static unsigned int needs_of(const struct cli *cli, enum layout layout,
			     const struct cli_columns *columns)
{
	if (cli->json)
		return JSON_NEEDS;
	switch (layout) {
	case TREE:
		return columns->needs | CLI_NEEDS_TOPOLOGY;
	case DOT:
		return LAYOUT_DOT_NEEDS;
	case PREDICT:
		return columns->needs | CLI_NEEDS_PREDICTION;
	default:
		return columns->needs;
	}
}

static void talk(const struct cli *cli, const struct cli_view *view,
		 const struct list_options *options)
{
	bool any = false;

	for (size_t i = 0; !any && i < view->devices.count; i++)
		any = filters_match(&options->filters, view, &view->devices.items[i]);
	if (cli->quiet || cli->json)
		return;
	if (!any)
		output_talk("No device matches.");
	else if (!view->groups.count && options->layout == BY_GROUP)
		output_talk("No device is in an IOMMU group: the IOMMU is off, or there"
			    " is none. list --predict shows the groups it would make.");
	if (options->layout == PREDICT)
		layout_predicted_talk(view);
}

static int run_list(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	struct list_options options = { .layout = BY_GROUP };
	struct cli_columns columns;
	int r = parse_options(cli, argc, argv, &options, &view, err);

	if (r == 0)
		r = columns_parse(options.layout == PREDICT && !options.columns
					  ? LAYOUT_PREDICTED_COLUMNS
					  : options.columns,
				  &columns, err);
	if (r == 0)
		r = cli_view_open(cli, &view, needs_of(cli, options.layout, &columns),
				  err);
	if (r == 0 && options.layout == PREDICT)
		r = layout_check_predicted(&view, err);
	if (r < 0)
		return r;
	if (cli->json)
		r = print_json(&view, &options, err);
	else if (options.layout == DOT)
		layout_dot(&view, &options.filters);
	else
		r = print_table(&view, &options, &columns, err);
	if (r == 0)
		talk(cli, &view, &options);
	return r;
}

static const char options_help[] =
	"  --flat           one device a line, without groups\n"
	"  --tree           by root bus, bridge and function\n"
	"  --dot            a graph: pciferry list --dot | dot -Tsvg >host.svg\n"
	"  --predict        the groups that the kernel would make with the IOMMU on\n"
	"  --acs-override SPEC  what pcie_acs_override=SPEC would change of them\n"
	"  --columns LIST   which columns; +LIST adds to the usual ones\n"
	"  --wake           read configuration space where that wakes a device, too\n"
	"\n"
	"FILTER is driver=NAME, group=N, vendor=ID|NAME, a part of address, IDs or\n"
	"name, or class=gpu|nvme|net|usb|audio|storage|bridge|accelerator|CODE.\n";

const struct cli_command cli_list = {
	.name = "list",
	.arguments = "[OPTION...] [FILTER...]",
	.summary = "the devices by IOMMU group, the smallest thing that a guest can get",
	.options = options_help,
	.more_help = columns_print_help,
	.run = run_list,
};
