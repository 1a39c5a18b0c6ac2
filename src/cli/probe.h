/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_PROBE_H
#define PCIFERRY_CLI_PROBE_H

/* What probe found, for a person and for a program. */
#include "cli/view.h"
#include "vfio/probe.h"

struct json_object;

struct probe_report {
	const struct cli_view *view;
	const struct pci_device *device;
	const struct iommu_group *group; /* NULL: none */
	const struct vfio_probe *probe;
	uint64_t memory; /* of the guest that was asked for; 0: none was */
	bool bound;	 /* for the time of the probe alone */
};

void probe_page_print(const struct probe_report *report);

/* Returns 0 or -ENOMEM. */
int probe_json_print(const struct probe_report *report);

/* "came", "lost", "refused"; NULL: not tried. */
const char *probe_loop_name(enum vfio_loop loop);

/* Of --dma-test; nothing, and NULL, where it was not asked for. */
void probe_dma_print(const struct vfio_dma_test *test);
struct json_object *probe_dma_json(const struct vfio_dma_test *test);

#endif
