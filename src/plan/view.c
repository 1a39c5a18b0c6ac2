/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/config.h"
#include "plan/internal.h"

/*
 * While the IOMMU is off the kernel has no groups; the rules for them are known. Where a
 * device sits, and its serial number, are a part of its identity in any case.
 */
static int read_places(struct plan_view *view, struct error *err)
{
	int r = pci_topology_read(view->host, &view->devices, &view->topology, err);

	if (r == 0 && pci_configs_read(view->host, &view->devices, PCI_LET_SLEEP,
				       &view->configs) < 0)
		r = error_oom(err);
	if (r < 0 || view->groups.count)
		return r;
	return iommu_predict(&view->topology, view->configs, &view->firmware, NULL,
			     &view->prediction, err);
}

static int read_boot(struct plan_view *view, struct error *err)
{
	bootcfg_distro_read(view->host, &view->distro);
	view->kernels = calloc(1, sizeof(*view->kernels));
	if (!view->kernels || bootcfg_kernels_read(view->host, view->kernels) < 0 ||
	    bootcfg_boot_read(view->host, &view->distro, &view->boot) < 0 ||
	    bootcfg_images_read(view->host, view->kernels, &view->boot.entries,
				&view->images) < 0 ||
	    bootcfg_modprobe_read(view->host, &view->modprobe) < 0 ||
	    bootcfg_loads_read(view->host, &view->loads) < 0)
		return error_oom(err);
	bootcfg_cmdline_read(view->host, &view->cmdline);
	return 0;
}

int plan_view_open(const struct host *host, struct plan_view *view, struct error *err)
{
	int r;

	view->host = host;
	r = pci_scan(host, &view->devices, err);
	if (r == 0)
		r = iommu_scan(&view->devices, &view->groups, err);
	if (r == 0)
		r = iommu_firmware_read(host, &view->firmware, err);
	if (r == 0)
		r = iommu_registered_read(host, &view->units, err);
	if (r == 0)
		r = read_places(view, err);
	if (r == 0)
		r = usage_scan(host, &view->devices, &view->groups, NULL, &view->usage,
			       err);
	return r < 0 ? r : read_boot(view, err);
}

void plan_view_close(struct plan_view *view)
{
	bootcfg_cmdline_free(&view->cmdline);
	bootcfg_modprobe_free(&view->modprobe);
	bootcfg_modprobe_free(&view->loads);
	bootcfg_images_free(&view->images);
	bootcfg_boot_free(&view->boot);
	bootcfg_kernels_free(view->kernels);
	free(view->kernels);
	usage_free(&view->usage);
	iommu_prediction_free(&view->prediction);
	pci_configs_free(view->configs, view->devices.count);
	pci_topology_free(&view->topology);
	iommu_registered_free(&view->units);
	iommu_firmware_free(&view->firmware);
	iommu_groups_free(&view->groups);
	pci_devices_free(&view->devices);
}

bool plan_go_together(const struct plan_view *view, const struct pci_device *a,
		      const struct pci_device *b)
{
	const struct iommu_predicted *of = view->prediction.of_device;
	size_t i = (size_t)(a - view->devices.items),
	       j = (size_t)(b - view->devices.items);

	if (a == b)
		return true;
	if (!view->groups.count)
		return of[i].group >= 0 && of[i].group == of[j].group;
	return a->group_fact == FACT_KNOWN && b->group_fact == FACT_KNOWN &&
	       a->group_number == b->group_number;
}
