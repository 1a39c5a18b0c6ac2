/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drivers that are loaded while the image runs. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/image_order.h"
#include "bootcfg/next_internal.h"

/* The drivers of the device that the image has, and does not keep away. */
static int find_rivals(struct next_search *search, struct string_list *ret_rivals)
{
	const struct bootcfg_next_boot *boot = search->boot;
	int r = 0;

	for (size_t i = 0; r == 0 && i < search->modules.count; i++) {
		const char *module = search->modules.items[i];

		if (!bootcfg_image_has(boot->image, module) ||
		    bootcfg_image_keeps_away(boot->image, boot->cmdline, module))
			continue;
		if (boot->image->builder != BUILDER_BOOSTER &&
		    bootcfg_modprobe_find(&boot->image->modprobe, MODPROBE_INSTALL,
					  module))
			return next_is_unknown(search,
					       "a line install in the image's modprobe.d"
					       " decides what is loaded for %s",
					       module);
		r = string_list_add(ret_rivals, module);
	}
	return r;
}

/* What comes first is what the rest waits for. */
static bool all_come_after(const struct bootcfg_next_boot *boot,
			   const struct string_list *rivals, const char *stub)
{
	for (size_t i = 0; i < rivals->count; i++)
		if (!bootcfg_image_comes_after(boot->image, boot->cmdline,
					       rivals->items[i], stub))
			return false;
	return true;
}

/* init of initramfs-tools loads those behind all that udev has found. */
static bool is_loaded_beside(const struct bootcfg_image *image, const char *stub)
{
	return image->builder != BUILDER_INITRAMFS_TOOLS &&
	       bootcfg_find_module(&image->late, stub, NULL);
}

static int look_at_stub(struct next_search *search, const char *stub,
			const struct string_list *rivals, const char *by)
{
	const struct bootcfg_next_boot *boot = search->boot;

	if (!bootcfg_image_loads(boot->image, boot->cmdline, stub))
		return 0;
	if (!rivals->count)
		return next_is(search, stub,
			       "%s is loaded in the image, no other driver for it is, and"
			       " %s",
			       stub, by);
	/* booster begins with those, and waits for none. */
	if (boot->image->builder == BUILDER_BOOSTER &&
	    bootcfg_image_loads_early(boot->image, boot->cmdline, stub))
		return next_is_unknown(
			search,
			"booster begins to load %s first, and does not wait"
			" for it before %s",
			stub, rivals->items[0]);
	if (all_come_after(boot, rivals, stub))
		return next_is(search, stub,
			       "%s is loaded in the image before %s, and %s", stub,
			       rivals->items[0], by);
	if (is_loaded_beside(boot->image, stub))
		return next_is_unknown(search,
				       "%s and %s are loaded at the same time in the"
				       " image",
				       stub, rivals->items[0]);
	return 0;
}

static int look_at_stubs(struct next_search *search, const struct string_list *rivals,
			 const char **ret_wanted)
{
	const struct bootcfg_next_boot *boot = search->boot;
	int r = 0;

	for (size_t i = 0; r == 0 && i < NEXT_STUBS; i++) {
		const char *by, *stub = next_stubs[i];

		if (bootcfg_module(boot->kernel, stub) == BOOTCFG_BUILTIN)
			continue;
		search->loaded[i] = bootcfg_image_loads(boot->image, boot->cmdline, stub);
		r = next_is_wanted(search, stub, &boot->image->modprobe,
				   "the image's modprobe.d has its IDs", &by);
		if (r == 1) {
			*ret_wanted = stub;
			r = look_at_stub(search, stub, rivals, by);
		}
	}
	return r;
}

int next_in_image(struct next_search *search)
{
	_cleanup_(string_list_free) struct string_list rivals = { 0 };
	const struct bootcfg_image *image = search->boot->image;
	const char *script = bootcfg_image_foreign_script(image), *wanted = NULL;
	int r;

	if (script)
		return next_is_unknown(
			search, "the image's own script /%.200s may bind it", script);
	r = find_rivals(search, &rivals);
	if (r == 0)
		r = look_at_stubs(search, &rivals, &wanted);
	if (r != 0 || !rivals.count)
		return r;
	if (image->builder == BUILDER_UNKNOWN)
		return next_is_unknown(search,
				       "%s is in the image, and what runs there is not"
				       " known",
				       rivals.items[0]);
	if (rivals.count > 1)
		return next_is_one_of(search, "in the image", &rivals);
	if (!wanted)
		return next_is(search, rivals.items[0], "%s is in the image",
			       rivals.items[0]);
	return next_is(search, rivals.items[0],
		       bootcfg_image_has(image, wanted)
			       ? "%s is in the image, and nothing there makes %s come"
				 " first"
			       : "%s is in the image, and %s is not",
		       rivals.items[0], wanted);
}
