/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_IMAGE_H
#define PCIFERRY_BOOTCFG_IMAGE_H

/*
 * What an initramfs image holds that decides which driver gets a device: modules, the
 * files of modprobe.d, and what is loaded by name. An image may come from anybody.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "bootcfg/modprobe.h"
#include "bootcfg/modules.h"
#include "host/host.h"

enum bootcfg_builder {
	BUILDER_UNKNOWN,
	BUILDER_INITRAMFS_TOOLS,
	BUILDER_DRACUT,
	BUILDER_MKINITCPIO,
	BUILDER_BOOSTER,
};

/* "dracut"; "" for one that is not known. */
const char *bootcfg_builder_name(enum bootcfg_builder builder);

struct bootcfg_image {
	char *problem; /* why it could not be read, in words; NULL: it could */
	enum bootcfg_builder builder;
	struct string_list releases;	  /* of the kernels whose modules it has */
	struct bootcfg_modules modules;	  /* state BOOTCFG_MODULE */
	struct bootcfg_modprobe modprobe; /* as modprobe reads it there */

	/* Modules that are loaded by name, in that order. */
	struct string_list early;   /* before drivers are looked for, for devices */
	struct string_list late;    /* at the same time, or afterwards */
	struct string_list scripts; /* by their names about VFIO; run before that, too */
	char *tab;		    /* its pciferry.tab; NULL: it has none */
	char *text;		    /* that the modules' names are in */
};

/*
 * Reads an image, and says in a text what is in it: for host_read_digest(). What is wrong
 * with an image is a part of the text. The argument is not used.
 */
int bootcfg_image_make(int fd, const struct host_status *status, void *argument,
		       char **ret_text, size_t *ret_len);

/* What that text says. Returns 0, -EINVAL or -ENOMEM. */
int bootcfg_image_parse(const char *text, size_t len, struct bootcfg_image *ret_image);
void bootcfg_image_free(struct bootcfg_image *image); /* takes NULL */

#endif
