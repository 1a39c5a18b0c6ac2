/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/layout.h"
#include "cli/output.h"
#include "cli/page.h"

static int print_json(const struct cli_view *view, struct pci_device *const *devices,
		      size_t count, struct error *err)
{
	struct json_object *root = json_root("show");
	struct json_object *array = json_object_new_array();
	int r = root && array ? 0 : error_oom(err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct json_object *device = NULL;

		r = json_device(view, devices[i], &device, err);
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

static int print_pages(const struct cli_view *view, struct pci_device *const *devices,
		       size_t count, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (i)
			output_line("%s", "");
		r = page_print(view, devices[i], err);
	}
	return r;
}

static int parse_options(struct cli *cli, int argc, char **argv,
			 struct iommu_acs_override *override, struct cli_view *view,
			 struct error *err)
{
	static const struct option own[] = {
		{ "predict", no_argument, NULL, 'p' },
		{ "acs-override", required_argument, NULL, 'a' },
		{ "wake", no_argument, NULL, 'w' },
		{ 0 },
	};
	int value;

	while ((value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		if (value == 'w')
			view->wake = PCI_WAKE;
		if (value == 'p' || value == 'a')
			view->predict = true;
		if (value != 'a')
			continue;
		if (iommu_acs_override_parse(optarg, override, err) < 0)
			return -EINVAL;
		view->override = override;
	}
	if (optind < argc)
		return 0;
	error_usage(err, "", "show needs a DEVICE");
	error_hint(err, "pciferry list shows what there is");
	return -EINVAL;
}

static int run_show(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	_cleanup_free_ struct pci_device **devices = NULL;
	struct iommu_acs_override override = { 0 };
	size_t count = 0;
	bool several;
	int r = parse_options(cli, argc, argv, &override, &view, err);

	if (r == 0)
		r = cli_view_open(cli, &view, 0, err);
	for (int i = optind; r == 0 && i < argc; i++)
		r = cli_select(&view, argv[i], &devices, &count, &several, err);
	if (r == 0)
		r = cli_view_read(&view, PAGE_NEEDS, err);
	if (r == 0)
		r = pci_read_overrides(view.host, devices, count, err);
	if (r < 0)
		return r;
	r = cli->json ? print_json(&view, devices, count, err)
		      : print_pages(&view, devices, count, err);
	if (r == 0 && view.override && !cli->quiet && !cli->json)
		layout_predicted_talk(&view);
	return r;
}

static const char options_help[] =
	"  --predict        the group that the kernel would make, beside the real one\n"
	"  --acs-override SPEC  the same with pcie_acs_override=SPEC\n"
	"  --wake           read configuration space where that wakes a device, too\n";

const struct cli_command cli_show = {
	.name = "show",
	.arguments = "DEVICE... [OPTION...]",
	.summary = "all about a device, and whether it can go to a guest",
	.options = options_help,
	.run = run_show,
};
