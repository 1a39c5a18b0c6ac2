/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Early binding: /etc/pciferry.tab, and the images that get a copy of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "bootcfg/tab.h"

static const char tab_path[] = "etc/pciferry.tab";
static const char fresh_tab[] =
	"# What pciferry hands over at each boot; see pciferry.tab(5).\n"
	"# After an edit: pciferry apply\n"
	"# what   where          identity   to\n";

/* A tool that makes initramfs images: a row for each, the first that is there counts. */
static const struct {
	const char *name;
	const char *mark; /* a file that only this one has */
	const char *program;
	const char *arguments[4];
	const char *hook; /* pciferry's part of it */
	const char *config,
		*text; /* what makes it use the hook; NULL: nothing is needed */
} builders[] = {
	{ "initramfs-tools",
	  "usr/share/initramfs-tools/hook-functions",
	  "usr/sbin/update-initramfs",
	  { "-u", "-k", "all", NULL },
	  "usr/share/initramfs-tools/hooks/pciferry",
	  NULL,
	  NULL },
	{ "dracut",
	  "usr/lib/dracut/dracut-functions.sh",
	  "usr/bin/dracut",
	  { "--force", "--regenerate-all", NULL },
	  "usr/lib/dracut/modules.d/90pciferry/module-setup.sh",
	  NULL,
	  NULL },
	{ "mkinitcpio",
	  "usr/lib/initcpio/functions",
	  "usr/bin/mkinitcpio",
	  { "-P", NULL },
	  "usr/lib/initcpio/install/pciferry",
	  "etc/mkinitcpio.conf.d/pciferry.conf",
	  "# Written by pciferry; pciferry undo takes it back.\n"
	  "# In front: it has to run before udev.\n"
	  "HOOKS=(pciferry \"${HOOKS[@]}\")\n" },
};

static int edit_tab(const struct host *host, const struct boot_binding *bindings,
		    size_t count, struct change_edits *edits, struct error *err)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_free_ char *before = NULL, *after = NULL;
	size_t len;
	int r = host_read_file(host, tab_path, &before, &len);

	if (r == -ENOENT) {
		before = strdup(fresh_tab);
		len = strlen(fresh_tab);
		r = before ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = bootcfg_tab_parse(before, len, &tab);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct bootcfg_tab_entry entry = { .kind = TAB_DEVICE,
						   .address = bindings[i].address,
						   .identity = bindings[i].identity,
						   .to = bindings[i].driver };

		r = bootcfg_tab_set(&tab, &entry);
	}
	if (r == 0)
		r = bootcfg_tab_write(&tab, &after, &len);
	if (r == 0)
		r = change_edit_write(edits, tab_path, "bind them by their addresses",
				      after, len);
	if (r == -ENOMEM)
		return error_oom(err);
	return r < 0 ? error_set(err, -r, "/etc/pciferry.tab", "%s", strerror(-r)) : 0;
}

int boot_edit_bindings(const struct host *host, const struct boot_binding *bindings,
		       size_t count, struct change_edits *edits,
		       struct string_list *ret_instructions, struct error *err)
{
	size_t i = 0;
	int r;

	while (i < ARRAY_SIZE(builders) && !host_exists(host, builders[i].mark))
		i++;
	if (i == ARRAY_SIZE(builders) && !count)
		return 0;
	if (i == ARRAY_SIZE(builders))
		return string_list_add(ret_instructions,
				       "no initramfs-tools, dracut or mkinitcpio: bind by"
				       " IDs, with vfio-pci.ids= on the kernel's command"
				       " line") < 0
			       ? error_oom(err)
			       : 0;
	if (!host_exists(host, builders[i].hook)) {
		char subject[ERROR_SUBJECT_SIZE];

		snprintf(subject, sizeof(subject), "/%s", builders[i].hook);
		error_set(err, ENOENT, subject, "pciferry's hook for %s is not installed",
			  builders[i].name);
		error_hint(err, "install pciferry whole: meson install, or its package");
		return -ENOENT;
	}
	r = count ? edit_tab(host, bindings, count, edits, err) : 0;
	if (r == 0 && count && builders[i].config &&
	    change_edit_write(edits, builders[i].config, "run pciferry's hook",
			      builders[i].text, strlen(builders[i].text)) < 0)
		r = error_oom(err);
	if (r == 0 && change_edit_run(edits, builders[i].program, builders[i].arguments,
				      "make the initramfs images anew") < 0)
		r = error_oom(err);
	return r;
}
