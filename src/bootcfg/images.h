/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_IMAGES_H
#define PCIFERRY_BOOTCFG_IMAGES_H

/* Which initramfs images a host has, and for which of its kernels. */
#include <stdbool.h>
#include <stddef.h>

#include "bootcfg/entries.h"
#include "bootcfg/image.h"
#include "bootcfg/kernels.h"
#include "host/host.h"

struct bootcfg_image_file {
	char *path;		      /* "boot/initrd.img-6.1.0-56-amd64" */
	const char *release;	      /* of a kernel in the list, whose own it is */
	enum bootcfg_builder builder; /* as far as its name tells */
	struct host_status status;
};

struct bootcfg_images {
	enum fact fact; /* KNOWN: a folder where they are kept was read */
	struct bootcfg_image_file *items;
	size_t count;
	struct string_list unreadable; /* folders, and images without a status */
};

/*
 * Looks where each builder puts them, and where entries of the boot loader have them.
 * Returns 0 or -ENOMEM.
 */
int bootcfg_images_read(const struct host *host, const struct bootcfg_kernels *kernels,
			const struct bootcfg_entries *entries,
			struct bootcfg_images *ret_images);

/* Whether it is named as what holds microcode alone, for the loader to put in front. */
bool bootcfg_is_microcode(const char *path);
void bootcfg_images_free(struct bootcfg_images *images); /* takes NULL */

#endif
