/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/view.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/cli.h"
#include "host/recording.h"

int cli_view_open(const struct cli *cli, struct cli_view *view, unsigned int needs,
		  struct error *err)
{
	int r = cli_open_host(cli, &view->host, err);

	return r < 0 ? r : cli_view_look(view, needs, err);
}

int cli_view_look(struct cli_view *view, unsigned int needs, struct error *err)
{
	int r = view->record ? host_record(view->host, err) : 0;

	if (r == 0)
		r = pci_scan(view->host, &view->devices, err);
	if (r == 0)
		r = iommu_scan(&view->devices, &view->groups, err);
	if (r < 0)
		return r;
	view->names = pci_names_open(view->host);
	return view->names ? cli_view_read(view, needs, err) : error_oom(err);
}

void cli_view_close(struct cli_view *view)
{
	iommu_prediction_free(&view->prediction);
	iommu_firmware_free(&view->firmware);
	iommu_registered_free(&view->units);
	pci_configs_free(view->configs, view->devices.count);
	pci_topology_free(&view->topology);
	usage_free(&view->usage);
	pci_names_free(view->names);
	iommu_groups_free(&view->groups);
	pci_devices_free(&view->devices);
	host_free(view->host);
}

static int read_usage(struct cli_view *view, struct error *err)
{
	return usage_scan(view->host, &view->devices, &view->groups, NULL, &view->usage,
			  err);
}

static int read_stuck(struct cli_view *view, struct error *err)
{
	return pci_find_stuck(view->host, &view->devices, err);
}

static int read_overrides(struct cli_view *view, struct error *err)
{
	_cleanup_free_ struct pci_device **all = pci_all(&view->devices);

	if (!all)
		return error_oom(err);
	return pci_read_overrides(view->host, all, view->devices.count, err);
}

static int read_topology(struct cli_view *view, struct error *err)
{
	return pci_topology_read(view->host, &view->devices, &view->topology, err);
}

static int read_configs(struct cli_view *view, struct error *err)
{
	int r = pci_configs_read(view->host, &view->devices, view->wake, &view->configs);

	return r < 0 ? error_oom(err) : 0;
}

static int read_firmware(struct cli_view *view, struct error *err)
{
	return iommu_firmware_read(view->host, &view->firmware, err);
}

static int read_units(struct cli_view *view, struct error *err)
{
	return iommu_registered_read(view->host, &view->units, err);
}

static int read_prediction(struct cli_view *view, struct error *err)
{
	return iommu_predict(&view->topology, view->configs, &view->firmware,
			     view->override, &view->prediction, err);
}

/* In an order in which each finds what it rests on. */
static const struct {
	unsigned int need;
	int (*read)(struct cli_view *view, struct error *err);
} readers[] = {
	/* clang-format off */
	{ CLI_NEEDS_OVERRIDES, read_overrides },
	{ CLI_NEEDS_STUCK, read_stuck },
	{ CLI_NEEDS_TOPOLOGY, read_topology },
	{ CLI_NEEDS_CONFIG, read_configs },
	{ CLI_NEEDS_FIRMWARE, read_firmware },
	{ CLI_NEEDS_UNITS, read_units },
	{ CLI_NEEDS_PREDICTION, read_prediction },
	{ CLI_NEEDS_USAGE, read_usage },
	/* clang-format on */
};

int cli_view_read(struct cli_view *view, unsigned int needs, struct error *err)
{
	if (needs & CLI_NEEDS_PREDICTION)
		needs |= CLI_NEEDS_TOPOLOGY | CLI_NEEDS_CONFIG | CLI_NEEDS_FIRMWARE;
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		int r;

		if (!(needs & ~view->has & readers[i].need))
			continue;
		r = readers[i].read(view, err);
		if (r < 0)
			return r;
		view->has |= readers[i].need;
		if (readers[i].need == CLI_NEEDS_OVERRIDES)
			view->has |= CLI_NEEDS_STUCK;
	}
	return 0;
}

static size_t index_of(const struct cli_view *view, const struct pci_device *device)
{
	return (size_t)(device - view->devices.items);
}

const struct pci_node *cli_view_node(const struct cli_view *view,
				     const struct pci_device *device)
{
	return view->has & CLI_NEEDS_TOPOLOGY
		       ? &view->topology.nodes[index_of(view, device)]
		       : NULL;
}

const struct pci_config *cli_view_config(const struct cli_view *view,
					 const struct pci_device *device)
{
	return view->has & CLI_NEEDS_CONFIG ? &view->configs[index_of(view, device)]
					    : NULL;
}

const struct iommu_predicted *cli_view_predicted(const struct cli_view *view,
						 const struct pci_device *device)
{
	return view->has & CLI_NEEDS_PREDICTION
		       ? &view->prediction.of_device[index_of(view, device)]
		       : NULL;
}
