/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_IMAGE_ORDER_H
#define PCIFERRY_BOOTCFG_IMAGE_ORDER_H

/* Which modules are loaded while an initramfs image runs, and which of them first. */
#include <stdbool.h>

#include "bootcfg/cmdline.h"
#include "bootcfg/image.h"

/* What reads pciferry.tab in an image, "lib/pciferry/pciferry-early". */
extern const char bootcfg_early_script[];

/* Whether a list has this module, and where; ret_at may be NULL. */
bool bootcfg_find_module(const struct string_list *names, const char *module,
			 size_t *ret_at);

bool bootcfg_image_has(const struct bootcfg_image *image, const char *module);

/* Whether the module is loaded by name before drivers are looked for. */
bool bootcfg_image_loads_early(const struct bootcfg_image *image,
			       const struct bootcfg_cmdline *cmdline, const char *module);

/* Whether anything loads it there: by name, or as what another one waits for. */
bool bootcfg_image_loads(const struct bootcfg_image *image,
			 const struct bootcfg_cmdline *cmdline, const char *module);

/* Whether the command line has it left alone; by each builder's own words, too. */
bool bootcfg_cmdline_keeps_away(const struct bootcfg_cmdline *cmdline,
				enum bootcfg_builder builder, const char *module);

/* "install MODULE /bin/false": nothing is loaded. Any other command is somebody's own. */
bool bootcfg_is_false(const char *command);

/* Whether the module is not loaded there for a device, though the image has it. */
bool bootcfg_image_keeps_away(const struct bootcfg_image *image,
			      const struct bootcfg_cmdline *cmdline, const char *module);

/* Whether the image sees to it that `first` is loaded before `module`. */
bool bootcfg_image_comes_after(const struct bootcfg_image *image,
			       const struct bootcfg_cmdline *cmdline, const char *module,
			       const char *first);

/* A script about VFIO that is not pciferry's, and may do anything; NULL: none. */
const char *bootcfg_image_foreign_script(const struct bootcfg_image *image);

#endif
