/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Early binding: /etc/pciferry.tab, and the images that get a copy of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/internal.h"

static const char fresh_tab[] =
	"# What pciferry hands over at each boot, a line each.\n"
	"# After an edit: pciferry apply, and for vf and pages lines pciferry bind --tab\n"
	"# what   where          identity   to\n";

/* As it is before these edits, or after those that are there. */
static int parse_lines(const struct host *host, const struct change_edit *edit,
		       struct bootcfg_tab *tab)
{
	int r;

	if (edit)
		return bootcfg_tab_parse(edit->bytes, edit->len, tab);
	r = bootcfg_tab_read(host, BOOTCFG_TAB, tab);
	return r == -ENOENT ? bootcfg_tab_parse(fresh_tab, strlen(fresh_tab), tab) : r;
}

/* Takes the text. */
static int write_lines(struct change_edits *edits, struct change_edit *edit,
		       const char *path, const char *purpose, char *text, size_t len)
{
	int r;

	if (edit) {
		free(edit->bytes);
		edit->bytes = text;
		edit->len = len;
		return 0;
	}
	r = change_edit_write(edits, path, purpose, text, len);
	free(text);
	return r;
}

static bool is_removal(const struct bootcfg_tab_entry *entry)
{
	return entry->kind == TAB_SET
		       ? !*entry->to
		       : (entry->kind == TAB_VF || entry->kind == TAB_PAGES) &&
				 !entry->count;
}

int boot_edit_lines(const struct host *host, const char *path, const char *purpose,
		    const struct bootcfg_tab_entry *entries, size_t count,
		    struct change_edits *edits, struct error *err)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	struct change_edit *edit = change_edit_find(edits, path);
	char *after;
	size_t len;
	int r = parse_lines(host, edit, &tab);

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (is_removal(&entries[i]))
			bootcfg_tab_remove(&tab, &entries[i]);
		else
			r = bootcfg_tab_set(&tab, &entries[i]);
	}
	if (r == 0)
		r = bootcfg_tab_write(&tab, &after, &len);
	if (r == 0)
		r = write_lines(edits, edit, path, purpose, after, len);
	if (r == -ENOMEM)
		return error_oom(err);
	return r < 0 ? error_set(err, -r, "/etc/pciferry.tab", "%s", strerror(-r)) : 0;
}

int boot_edit_tab(const struct host *host, const char *path,
		  const struct boot_builder *builder, const struct boot_binding *bindings,
		  size_t count, struct change_edits *edits, struct error *err)
{
	_cleanup_free_ struct bootcfg_tab_entry *entries =
		calloc(count + 1, sizeof(*entries));
	int r;

	if (!entries)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct bootcfg_tab_entry){
			.kind = TAB_DEVICE,
			.address = bindings[i].address,
			.identity = bindings[i].identity,
			.to = bindings[i].driver,
		};
	r = boot_edit_lines(host, path, "bind them by their addresses", entries, count,
			    edits, err);
	if (r == 0 && builder && builder->config &&
	    change_edit_write(edits, builder->config, "run pciferry's hook",
			      builder->text, strlen(builder->text)) < 0)
		r = error_oom(err);
	return r;
}

int boot_edit_bindings(const struct host *host, const struct boot_binding *bindings,
		       size_t count, struct change_edits *edits,
		       struct string_list *ret_instructions, struct error *err)
{
	const struct boot_builder *builder;
	int r = boot_find_builder(host, &builder, err);

	if (r < 0)
		return r;
	if (!builder && !count)
		return 0;
	if (!builder)
		return string_list_add(ret_instructions,
				       "no initramfs-tools, dracut or mkinitcpio: nothing"
				       " here binds by address: add --by-id to bind by"
				       " IDs") < 0
			       ? error_oom(err)
			       : 0;
	r = count ? boot_edit_tab(host, BOOTCFG_TAB, builder, bindings, count, edits, err)
		  : 0;
	if (r == 0 && change_edit_run(edits, builder->program, builder->arguments,
				      "make the initramfs images anew") < 0)
		r = error_oom(err);
	return r;
}
