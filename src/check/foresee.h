/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_FORESEE_H
#define PCIFERRY_CHECK_FORESEE_H

/*
 * Which driver each device will have after the next boot of each installed kernel, from
 * what this host has: docs/design/next-boot.md.
 */
#include "bootcfg/boot.h"
#include "bootcfg/images.h"
#include "bootcfg/next.h"
#include "iommu/predict.h"
#include "iommu/units.h"

/* What is known of the host, read before, and what a plan would make of it. */
struct check_view {
	const struct host *host;
	const struct pci_devices *devices;
	const struct pci_topology *topology;
	const struct pci_config *configs;
	bool has_groups;			   /* the kernel's own */
	const struct iommu_prediction *prediction; /* where it has none */
	const struct iommu_firmware *firmware;
	const struct bootcfg_boot *boot;
	struct bootcfg_kernels *kernels;
	const struct bootcfg_cmdline *running;
	const struct bootcfg_modprobe *modprobe, *loads;
	const struct bootcfg_images *images;

	/* Not the next boot, but this one: of the running kernel alone. */
	bool this_boot;

	/* After a plan's edits; all zero: as it is. */
	const char *tab; /* /etc/pciferry.tab */
	bool remade;	 /* the images are made anew */
	bool unsettled;	 /* so is what else decides what is loaded first */
	/* Words of the kernel's command line; `instead` by the number of the removed one.
	 */
	const struct string_list *add, *remove, *instead;
};

/* What one kernel starts with. */
struct check_start {
	struct bootcfg_next_boot boot;
	struct bootcfg_cmdline cmdline;
	struct bootcfg_image image;
	char *image_path; /* "" without */
	char *problem;
};

struct check_foresight {
	struct bootcfg_next_devices devices;
	long *groups;
	struct bootcfg_tab tab;
	struct bootcfg_overrides overrides;
	struct check_start *starts; /* of each kernel */
	size_t count;
};

/* Reads rules, and what is in the images. The view must outlive it. 0 or -ENOMEM. */
int check_foresight_open(const struct check_view *view,
			 struct check_foresight *ret_foresight);
void check_foresight_close(struct check_foresight *foresight); /* takes NULL */

/* Of the device with this index and the kernel with that one. Returns 0 or -ENOMEM. */
int check_foresee(const struct check_foresight *foresight, size_t device, size_t kernel,
		  struct bootcfg_next *ret_next);

/* The driver, "no driver" or "unknown". */
const char *check_next_name(const struct bootcfg_next *next);

/* Whether two kernels come to the same end for the same reason. */
bool check_next_is_same(const struct bootcfg_next *one, const struct bootcfg_next *other);

#endif
