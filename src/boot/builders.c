/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tools that make initramfs images: a row for each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/internal.h"

/* The first that is there counts. */
static const struct boot_builder builders[] = {
	{ .name = "initramfs-tools",
	  .mark = "usr/share/initramfs-tools/hook-functions",
	  .program = "usr/sbin/update-initramfs",
	  .arguments = { "-u", "-k", "all", NULL },
	  .hook = "usr/share/initramfs-tools/hooks/pciferry",
	  .one_program = "usr/sbin/mkinitramfs",
	  .one_arguments = { "-o", "%f", "%r", NULL } },
	{ .name = "dracut",
	  .mark = "usr/lib/dracut/dracut-functions.sh",
	  .program = "usr/bin/dracut",
	  .arguments = { "--force", "--regenerate-all", NULL },
	  .hook = "usr/lib/dracut/modules.d/90pciferry/module-setup.sh",
	  .one_program = "usr/bin/dracut",
	  .one_arguments = { "--force", "%f", "%r", NULL } },
	{ .name = "mkinitcpio",
	  .mark = "usr/lib/initcpio/functions",
	  .program = "usr/bin/mkinitcpio",
	  .arguments = { "-P", NULL },
	  .hook = "usr/lib/initcpio/install/pciferry",
	  .config = "etc/mkinitcpio.conf.d/pciferry.conf",
	  .text = "# Written by pciferry; pciferry undo takes it back.\n"
		  "# In front: it has to run before udev.\n"
		  "HOOKS=(pciferry \"${HOOKS[@]}\")\n",
	  .one_program = "usr/bin/mkinitcpio",
	  .one_arguments = { "-k", "%r", "-g", "%f", NULL } },
};

int boot_find_builder(const struct host *host, const struct boot_builder **ret_builder,
		      struct error *err)
{
	char subject[ERROR_SUBJECT_SIZE];
	size_t i = 0;

	while (i < ARRAY_SIZE(builders) && !host_exists(host, builders[i].mark))
		i++;
	*ret_builder = i < ARRAY_SIZE(builders) ? &builders[i] : NULL;
	if (!*ret_builder || host_exists(host, (*ret_builder)->hook))
		return 0;
	snprintf(subject, sizeof(subject), "/%s", (*ret_builder)->hook);
	error_set(err, ENOENT, subject, "pciferry's hook for %s is not installed",
		  (*ret_builder)->name);
	error_hint(err, "install pciferry whole: meson install, or its package");
	return -ENOENT;
}

bool boot_makes_images(const struct change_edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		for (size_t j = 0; j < ARRAY_SIZE(builders); j++)
			if (edits->items[i].kind == EDIT_RUN &&
			    !strcmp(edits->items[i].path, builders[j].program))
				return true;
	return false;
}
