/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VIEW_H
#define PCIFERRY_CLI_VIEW_H

/* What a reading command looks at: the host, and of it as much as the command needs. */
#include "host/host.h"
#include "iommu/groups.h"
#include "iommu/predict.h"
#include "iommu/registered.h"
#include "iommu/units.h"
#include "pci/config.h"
#include "pci/device.h"
#include "pci/names.h"
#include "pci/topology.h"
#include "usage/usage.h"

struct cli;
struct error;

/* Devices and their groups are always there. */
enum {
	CLI_NEEDS_USAGE = 1 << 0,
	CLI_NEEDS_STUCK = 1 << 1,
	CLI_NEEDS_OVERRIDES = 1 << 2, /* and which are stuck */
	CLI_NEEDS_TOPOLOGY = 1 << 3,
	CLI_NEEDS_CONFIG = 1 << 4,
	CLI_NEEDS_FIRMWARE = 1 << 5,
	CLI_NEEDS_UNITS = 1 << 6,      /* the IOMMUs that the kernel drives */
	CLI_NEEDS_PREDICTION = 1 << 7, /* and topology, configuration space, firmware */
};

struct cli_view {
	struct host *host;
	struct pci_devices devices;
	struct iommu_groups groups;
	struct pci_names *names;
	unsigned int has; /* of CLI_NEEDS_... */
	struct usage usage;
	struct pci_topology topology;
	struct pci_config *configs; /* by the device's index */
	struct iommu_firmware firmware;
	struct iommu_registered units;
	struct iommu_prediction prediction;

	/* May be set before cli_view_open(). */
	enum pci_wake wake;
	const struct iommu_acs_override *override;
	bool record;  /* keep what is read (host/recording.h) */
	bool predict; /* tell the prediction beside the real group */
};

int cli_view_open(const struct cli *cli, struct cli_view *view, unsigned int needs,
		  struct error *err);

/* The same of a host that is open: view->host. */
int cli_view_look(struct cli_view *view, unsigned int needs, struct error *err);
void cli_view_close(struct cli_view *view);

/* Reads what is not there yet. Returns 0 or -errno. */
int cli_view_read(struct cli_view *view, unsigned int needs, struct error *err);

/* NULL unless CLI_NEEDS_TOPOLOGY, _CONFIG or _PREDICTION was asked for. */
const struct pci_node *cli_view_node(const struct cli_view *view,
				     const struct pci_device *device);
const struct pci_config *cli_view_config(const struct cli_view *view,
					 const struct pci_device *device);
const struct iommu_predicted *cli_view_predicted(const struct cli_view *view,
						 const struct pci_device *device);

#endif
