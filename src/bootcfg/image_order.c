/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/image_order.h"

#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/precedence.h"

const char bootcfg_early_script[] = "lib/pciferry/pciferry-early";

bool bootcfg_find_module(const struct string_list *names, const char *module,
			 size_t *ret_at)
{
	for (size_t i = 0; i < names->count; i++)
		if (bootcfg_same_name(names->items[i], module)) {
			if (ret_at)
				*ret_at = i;
			return true;
		}
	return false;
}

bool bootcfg_image_has(const struct bootcfg_image *image, const char *module)
{
	return bootcfg_modules_find(&image->modules, module) != NULL;
}

static bool is_listed(const struct bootcfg_cmdline *cmdline, const char *parameter,
		      const char *module)
{
	const struct bootcfg_parameter *found =
		bootcfg_find_parameter(cmdline, parameter);

	return found && bootcfg_names_module(found->value, module);
}

/* Each of them reads the command line for modules to leave alone. */
bool bootcfg_cmdline_keeps_away(const struct bootcfg_cmdline *cmdline,
				enum bootcfg_builder builder, const char *module)
{
	static const struct {
		const char *parameter;
		enum bootcfg_builder builder; /* UNKNOWN: any */
	} rows[] = {
		{ "module_blacklist", BUILDER_UNKNOWN },   /* the kernel itself */
		{ "modprobe.blacklist", BUILDER_UNKNOWN }, /* libkmod */
		{ "rd.driver.blacklist", BUILDER_DRACUT },
		{ "rdblacklist", BUILDER_DRACUT },
		{ "blacklist", BUILDER_INITRAMFS_TOOLS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((!rows[i].builder || rows[i].builder == builder) &&
		    is_listed(cmdline, rows[i].parameter, module))
			return true;
	return false;
}

bool bootcfg_is_false(const char *command)
{
	return strstr(command, "/false") || strstr(command, "/true");
}

/* booster has no modprobe, and heeds its options alone. */
bool bootcfg_image_keeps_away(const struct bootcfg_image *image,
			      const struct bootcfg_cmdline *cmdline, const char *module)
{
	const struct bootcfg_modprobe_line *line =
		bootcfg_modprobe_find(&image->modprobe, MODPROBE_INSTALL, module);

	if (bootcfg_cmdline_keeps_away(cmdline, image->builder, module))
		return true;
	if (image->builder == BUILDER_BOOSTER)
		return false;
	return (line && bootcfg_is_false(line->rest)) ||
	       bootcfg_modprobe_find(&image->modprobe, MODPROBE_BLACKLIST, module);
}

bool bootcfg_image_loads_early(const struct bootcfg_image *image,
			       const struct bootcfg_cmdline *cmdline, const char *module)
{
	if (bootcfg_find_module(&image->early, module, NULL))
		return true;
	switch (image->builder) {
	case BUILDER_DRACUT:
		return is_listed(cmdline, "rd.driver.pre", module);
	case BUILDER_MKINITCPIO:
		return is_listed(cmdline, "earlymodules", module);
	default:
		return false;
	}
}

bool bootcfg_image_loads(const struct bootcfg_image *image,
			 const struct bootcfg_cmdline *cmdline, const char *module)
{
	if (!bootcfg_image_has(image, module))
		return false;
	if (bootcfg_image_loads_early(image, cmdline, module) ||
	    bootcfg_find_module(&image->late, module, NULL))
		return true;
	for (size_t i = 0; i < image->modprobe.count; i++) {
		const struct bootcfg_modprobe_line *line = &image->modprobe.lines[i];

		if (bootcfg_is_softdep(line, module) &&
		    bootcfg_image_has(image, line->module))
			return true;
	}
	return false;
}

bool bootcfg_image_comes_after(const struct bootcfg_image *image,
			       const struct bootcfg_cmdline *cmdline, const char *module,
			       const char *first)
{
	size_t first_at, at;

	if (!bootcfg_image_has(image, first))
		return false;
	if (image->builder != BUILDER_BOOSTER &&
	    bootcfg_comes_after(&image->modprobe, module, first))
		return true;
	if (!bootcfg_image_loads_early(image, cmdline, first))
		return false;
	return !bootcfg_find_module(&image->early, module, &at) ||
	       (bootcfg_find_module(&image->early, first, &first_at) && first_at < at);
}

const char *bootcfg_image_foreign_script(const struct bootcfg_image *image)
{
	for (size_t i = image->scripts.count; i-- > 0;)
		if (!strstr(image->scripts.items[i], "pciferry"))
			return image->scripts.items[i];
	return NULL;
}
