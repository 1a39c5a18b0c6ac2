/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Binding by IDs: what makes vfio-pci come before other drivers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/internal.h"
#include "bootcfg/tab.h"

static const char regenerate[] = "usr/lib/booster/regenerate_images";
static const char config[] = "etc/booster.yaml";
static const char softdeps[] = "etc/modprobe.d/pciferry.conf";
static const char loads[] = "etc/modules-load.d/pciferry.conf";
static const char head[] = "# Written by pciferry; pciferry undo takes it back.\n";

enum boot_early boot_find_early(const struct host *host)
{
	const struct boot_builder *builder;

	/* Where the hook is not installed, the tool still is. */
	boot_find_builder(host, &builder, NULL);
	if (builder)
		return EARLY_BUILDER;
	return host_exists(host, regenerate) ? EARLY_BOOSTER : EARLY_NONE;
}

static int edit_booster(const struct host *host, struct change_edits *edits,
			struct string_list *instructions, struct error *err)
{
	_cleanup_(boot_text_free) struct boot_text text = { 0 };
	const char *why = NULL;
	int r = host_read_file(host, config, &text.bytes, &text.len);

	if (r == -ENOENT) {
		text.bytes = strdup("");
		r = text.bytes ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = boot_text_add_yaml_item(&text, "modules_force_load", "vfio_pci",
					    &why);
	if (r == -EINVAL)
		r = string_list_addf(instructions,
				     "/%s: %s: add vfio_pci to modules_force_load by"
				     " hand",
				     config, why);
	else if (r == 0)
		r = change_edit_write(edits, config, "load vfio-pci first", text.bytes,
				      text.len);
	if (r == -ENOMEM)
		return error_oom(err);
	return r < 0 ? error_set(err, -r, "/etc/booster.yaml", "%s", strerror(-r)) : 0;
}

/* "softdep nouveau pre: vfio-pci", a line each. */
static int edit_softdeps(const struct string_list *behind, struct change_edits *edits)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);
	int r;

	if (!stream)
		return -ENOMEM;
	fputs(head, stream);
	for (size_t i = 0; i < behind->count; i++)
		fprintf(stream, "softdep %s pre: vfio-pci\n", behind->items[i]);
	r = fclose(stream) == 0
		    ? change_edit_write(edits, softdeps,
					"load vfio-pci before these drivers", text, len)
		    : -ENOMEM;
	free(text);
	return r;
}

/* Without another driver nothing would load it: it claims no device by itself. */
static int edit_loads(struct change_edits *edits)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%svfio-pci\n", head);

	return change_edit_write(edits, loads, "load vfio-pci", text, (size_t)len);
}

static int run_builder(const struct host *host, struct change_edits *edits)
{
	static const char *const none[] = { NULL };
	const struct boot_builder *builder;

	boot_find_builder(host, &builder, NULL);
	return change_edit_run(edits, builder ? builder->program : regenerate,
			       builder ? builder->arguments : none,
			       "make the initramfs images anew");
}

int boot_edit_by_id(const struct host *host, const struct boot_by_id *wish,
		    struct change_edits *edits, struct string_list *ret_instructions,
		    struct error *err)
{
	enum boot_early early = boot_find_early(host);
	int r = boot_edit_tab(host, BOOTCFG_TAB, NULL, wish->bindings, wish->count, edits,
			      err);

	if (r == 0 && wish->is_module && early == EARLY_BOOSTER)
		r = edit_booster(host, edits, ret_instructions, err);
	if (r < 0)
		return r;
	/* booster heeds neither of these files. */
	if (wish->is_module && early != EARLY_BOOSTER) {
		r = wish->behind->count ? edit_softdeps(wish->behind, edits) : 0;
		if (r == 0)
			r = edit_loads(edits);
	}
	if (r == 0 && early != EARLY_NONE)
		r = run_builder(host, edits);
	return r < 0 ? error_oom(err) : 0;
}
