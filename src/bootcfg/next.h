/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_NEXT_H
#define PCIFERRY_BOOTCFG_NEXT_H

/*
 * Which driver a device will have once a kernel has booted: docs/design/next-boot.md.
 * What decides is given, and nothing of it is guessed.
 */
#include <stdbool.h>
#include <stddef.h>

#include "bootcfg/cmdline.h"
#include "bootcfg/image.h"
#include "bootcfg/kernels.h"
#include "bootcfg/overrides.h"
#include "bootcfg/tab.h"
#include "pci/config.h"
#include "pci/topology.h"

/* What one kernel starts with. */
struct bootcfg_next_boot {
	const struct host *host;
	struct bootcfg_kernel *kernel;

	enum fact words; /* UNREADABLE: what the boot loader gives it is not certain */
	const struct bootcfg_cmdline *cmdline;

	enum fact image_fact;		   /* ABSENT: it starts without an image */
	const struct bootcfg_image *image; /* NULL unless known */
	const char *image_problem;	   /* why not, in words */
	/* It is to be made anew: of what will be in it, pciferry's part alone is known.
	 */
	bool remade;
	bool unsettled; /* what else decides what is loaded first is about to change */

	const struct bootcfg_tab *tab; /* of the host; it will be in a new image */
	const struct bootcfg_modprobe *modprobe, *loads; /* of the root file system */
	const struct bootcfg_overrides *overrides;
	enum fact iommu;  /* whether it will be on */
	bool has_service; /* pciferry.service binds what is left of the tab, later */
};

enum { BOOTCFG_NO_GROUP = -1, BOOTCFG_GROUP_UNKNOWN = -2 };

/* The functions of the host, each array by the device's index. */
struct bootcfg_next_devices {
	const struct pci_devices *devices;
	const struct pci_topology *topology;
	const struct pci_config *configs;
	const long *groups; /* equal within an IOMMU group; or one of these */
};

/* Why the tab, which lists the device, does not bring it about. */
enum bootcfg_next_cause {
	NEXT_NO_CAUSE,
	NEXT_DISARMED, /* by the kernel's command line */
	NEXT_IOMMU_OFF,
	NEXT_IMAGE_OLD,	   /* what is in the image, or is not */
	NEXT_OTHER_DEVICE, /* the line is not this device's, or one of its group's is not
			    */
};

struct bootcfg_next {
	enum bootcfg_next_cause cause;
	enum fact fact;	  /* ABSENT: no driver; UNREADABLE: which one cannot be told */
	char driver[64];  /* "" unless known */
	char reason[400]; /* one clause, for a person */
};

/* Returns 0, also where it cannot be told, or -ENOMEM. */
int bootcfg_next_driver(const struct bootcfg_next_boot *boot,
			const struct bootcfg_next_devices *devices, size_t index,
			struct bootcfg_next *ret_next);

#endif
