/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which images the tools of a plan make anew. */
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "bootcfg/confd.h"

/*
 * By their names. update-initramfs of Debian writes initrd.img-X.new and renames it;
 * dracut copies over the old one, and so does mkinitcpio. What booster does is not known
 * here, so there has to be room for both.
 */
static const struct {
	const char *name;
	bool beside;
	bool unified; /* it makes unified kernel images, too */
	bool booster; /* it makes those that are named as booster's, and no others */
} tools[] = {
	{ "update-initramfs", true, false, false },
	{ "dracut", false, true, false },
	{ "mkinitcpio", false, true, false },
	{ "regenerate_images", true, false, true },
};

/* Files that the firmware or its loader starts: they have no line of parameters. */
static int add_unified(const struct bootcfg_entries *entries, struct change_edit *edit)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < entries->count; i++)
		if (!entries->items[i].line && entries->items[i].file)
			r = string_list_add(&edit->makes, entries->items[i].file);
	return r;
}

static int tell(const struct bootcfg_images *images,
		const struct bootcfg_entries *entries, struct change_edit *edit)
{
	const char *name = bootcfg_confd_name(edit->path);
	size_t i = 0;
	int r = 0;

	while (i < ARRAY_SIZE(tools) && strcmp(name, tools[i].name) != 0)
		i++;
	if (i == ARRAY_SIZE(tools))
		return 0;
	string_list_free(&edit->makes);
	edit->makes_beside = tools[i].beside;
	for (size_t j = 0; r == 0 && j < images->count; j++)
		if ((images->items[j].builder == BUILDER_BOOSTER) == tools[i].booster)
			r = string_list_add(&edit->makes, images->items[j].path);
	return r == 0 && tools[i].unified ? add_unified(entries, edit) : r;
}

int boot_tell_images(const struct bootcfg_images *images,
		     const struct bootcfg_entries *entries, struct change_edits *edits,
		     struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < edits->count; i++)
		if (edits->items[i].kind == EDIT_RUN)
			r = tell(images, entries, &edits->items[i]);
	return r < 0 ? error_oom(err) : 0;
}
