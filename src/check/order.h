/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_ORDER_H
#define PCIFERRY_CHECK_ORDER_H

/* Which driver comes first when a kernel boots with an initramfs image. */
#include <limits.h>

#include "bootcfg/tab.h"
#include "check/images.h"

/* One image at work. */
struct check_order {
	struct check_run *run;
	const struct check_wanted *wanted;
	struct bootcfg_kernel *kernel;
	const struct bootcfg_image *image;
	char subject[PATH_MAX]; /* "/boot/initrd.img-6.1.0-56-amd64" */

	/* Its pciferry.tab, where it has the script that reads it. */
	struct bootcfg_tab tab;
	size_t n_by_address; /* devices in that, bound before any driver is loaded */
	const char *script;  /* about VFIO, and somebody else's; NULL: none */

	struct string_list rivals;  /* drivers that are for what vfio-pci is to have */
	bool is_unknown;	    /* what the kernel has of them, or of vfio-pci */
	bool vfio_is_builtin;	    /* then nothing of an image comes before it */
	struct check_names builtin; /* rivals in the kernel */
	struct check_names first;   /* rivals that may be first */
	struct check_names second;  /* rivals that come after vfio-pci, or not at all */
	struct check_names scripts; /* rivals that a line "install" is about */
	bool is_known; /* modprobe.d of the host says what each of `first` lacks here */
};

/*
 * Finds the rivals and sorts them, once the first four members are set. Returns 0 or
 * -ENOMEM.
 */
int check_order_read(struct check_order *order);

/* What makes all images of its builder anew: a command. */
const char *check_order_rebuild(const struct check_order *order);

/* Tells what is wrong with its pciferry.tab, beside the host's. Returns 0 or -ENOMEM. */
int check_order_tab(struct check_order *order);

void check_order_free(struct check_order *order);

#endif
