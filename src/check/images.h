/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_IMAGES_H
#define PCIFERRY_CHECK_IMAGES_H

/* What the checks of initramfs images have in common. */
#include "bootcfg/images.h"
#include "check/internal.h"

/* What this host's configuration wants vfio-pci to have when a kernel boots. */
struct check_wanted {
	bool anything;	      /* it speaks of vfio-pci at all */
	char *ids;	      /* of modprobe.d; NULL: none */
	const char *ids_file; /* where they stand */
	const struct bootcfg_cmdline *cmdline;
	const char *cmdline_ids;	   /* of that; NULL: none */
	const struct pci_device **devices; /* of those IDs */
	size_t n_devices;
};

/*
 * Of a kernel's usual entry, or, where no loader has one, with the running kernel's
 * command line. Returns 0 or -ENOMEM.
 */
int check_wanted_read(const struct check_facts *facts, const char *release,
		      struct check_wanted *ret_wanted);
void check_wanted_free(struct check_wanted *wanted);

/*
 * What is in an image, read anew or remembered. Returns 0, or -errno when the file could
 * not be read; what is wrong inside is *ret_image's problem.
 */
int check_read_image(const struct host *host, const char *path,
		     struct bootcfg_image *ret_image);

/* How all images of a builder are made anew; of one that is not known, as check_rebuild()
 * has it. */
const char *check_rebuild_image(const struct check_facts *facts,
				enum bootcfg_builder builder);

/* Tells that there are no images to look at, or why they are not known. */
int check_tell_no_images(struct check_run *run);

#endif
