/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/places.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Those that nothing stands in for. */
static void write_dropped(FILE *stream, const struct boot_parameters *parameters,
			  bool is_first)
{
	const char *before = is_first ? "take out " : ", and take out ";

	for (size_t i = 0; i < parameters->remove.count; i++)
		if (i >= parameters->instead.count || !parameters->instead.items[i][0]) {
			fprintf(stream, "%s%s", before, parameters->remove.items[i]);
			before = " ";
		}
}

/*
 * "write a in place of b, add intel_iommu=on, and take out intel_iommu=off". NULL: no
 * memory.
 */
static char *write_wish(const struct boot_parameters *parameters)
{
	_cleanup_free_ char *added = string_list_join(&parameters->add, " ");
	size_t len = 0;
	char *wish = NULL;
	FILE *stream = added ? open_memstream(&wish, &len) : NULL;
	const char *before = "";

	if (!stream)
		return NULL;
	for (size_t i = 0; i < parameters->instead.count; i++)
		if (parameters->instead.items[i][0]) {
			fprintf(stream, "%swrite %s in place of %s", before,
				parameters->instead.items[i],
				parameters->remove.items[i]);
			before = ", ";
		}
	if (added[0]) {
		fprintf(stream, "%sadd %s", before, added);
		before = ", ";
	}
	write_dropped(stream, parameters, !before[0]);
	if (fclose(stream) == 0)
		return wish;
	free(wish);
	return NULL;
}

int boot_instruct(const struct boot_work *work, const char *path, const char *why)
{
	_cleanup_free_ char *wish = write_wish(work->parameters);

	if (!wish)
		return -ENOMEM;
	return string_list_addf(work->instructions, "%s%s: %s: %s by hand",
				path[0] ? "/" : "", path[0] ? path : "the boot loader",
				why, wish);
}

static int edit_place(struct boot_text *text, const struct boot_place *place,
		      const struct boot_parameters *parameters, const char **ret_why)
{
	if (place->variable)
		return boot_text_edit_variable(text, place->variable, place->line,
					       parameters, ret_why);
	if (place->quoted)
		return boot_text_edit_quoted(text, place->line, 1, parameters);
	return boot_text_edit_line(text, place->line, place->skip, parameters, ret_why);
}

/* The file as it is, or as an edit before this one makes it. */
static int take_text(const struct boot_work *work, const char *path, const char *fresh,
		     struct boot_text *text, struct change_edit **ret_edit)
{
	int r;

	*ret_edit = change_edit_find(work->edits, path);
	if (*ret_edit) {
		text->bytes = strndup((*ret_edit)->bytes, (*ret_edit)->len);
		text->len = (*ret_edit)->len;
		return text->bytes ? 0 : -ENOMEM;
	}
	r = host_read_file(work->host, path, &text->bytes, &text->len);
	if (r != -ENOENT || !fresh)
		return r;
	text->bytes = strdup(fresh);
	text->len = strlen(fresh);
	return text->bytes ? 0 : -ENOMEM;
}

static int put_text(const struct boot_work *work, const char *path,
		    struct boot_text *text, struct change_edit *edit,
		    const struct boot_parameters *parameters)
{
	_cleanup_free_ char *purpose = write_wish(edit ? work->parameters : parameters);

	if (!purpose)
		return -ENOMEM;
	if (!edit)
		return change_edit_write(work->edits, path, purpose, text->bytes,
					 text->len);
	free(edit->bytes);
	edit->bytes = steal(text->bytes);
	edit->len = text->len;
	free(edit->purpose);
	edit->purpose = steal(purpose);
	return 0;
}

/* All places of one file, which is read once; what is not there begins with `fresh`. */
int boot_edit_file(const struct boot_work *work, const char *path,
		   const struct boot_place *places, size_t count, const char *fresh,
		   const struct boot_parameters *parameters)
{
	_cleanup_(boot_text_free) struct boot_text text = { 0 };
	_cleanup_free_ char *before = NULL;
	const char *why = "the line is not there any more";
	struct change_edit *edit;
	int r = take_text(work, path, fresh, &text, &edit);

	if (r == -ENOMEM)
		return error_oom(work->err);
	if (r < 0) {
		char subject[ERROR_SUBJECT_SIZE];

		snprintf(subject, sizeof(subject), "/%s", path);
		return error_set(work->err, -r, subject, "%s", strerror(-r));
	}
	before = strndup(text.bytes, text.len);
	if (!before)
		return error_oom(work->err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = edit_place(&text, &places[i], parameters, &why);
	if (r == -EINVAL || r == -ENOENT)
		return boot_instruct(work, path, why);
	if (r == 0 && strcmp(before, text.bytes) != 0)
		r = put_text(work, path, &text, edit, parameters);
	return r < 0 ? error_oom(work->err) : 0;
}

/* Of this system, and not for repairs. */
static bool is_edited(const struct bootcfg_boot *boot, const struct bootcfg_entry *entry)
{
	const struct bootcfg_entry *first = NULL;
	const struct bootcfg_parameter *root;

	for (size_t i = 0; !first && i < boot->entries.count; i++)
		if (!boot->entries.items[i].recovery)
			first = &boot->entries.items[i];
	if (entry->recovery || !first)
		return false;
	root = bootcfg_find_parameter(&first->cmdline, "root");
	return !root || bootcfg_cmdline_has(&entry->cmdline, root);
}

/* The entries of each file together: what one edit moves, the next must not miss. */
int boot_edit_entries(const struct boot_work *work, unsigned int skip, bool quoted)
{
	const struct bootcfg_entries *entries = &work->boot->entries;
	_cleanup_free_ struct boot_place *places = NULL;
	int r = 0;

	places = calloc(entries->count + 1, sizeof(*places));
	if (!places)
		return error_oom(work->err);
	for (size_t i = 0; r == 0 && i < entries->count;) {
		const char *file = entries->items[i].file;
		size_t count = 0;

		for (; i < entries->count && entries->items[i].file == file; i++)
			if (is_edited(work->boot, &entries->items[i]) &&
			    entries->items[i].line)
				places[count++] =
					(struct boot_place){ NULL, entries->items[i].line,
							     skip, quoted };
		if (count)
			r = boot_edit_file(work, file, places, count, NULL,
					   work->parameters);
	}
	return r;
}

/* "grub2-mkconfig -o /boot/grub2/grub.cfg": the tool, where this host has it. */
int boot_run_tool(const struct boot_work *work)
{
	static const char *const folders[] = { "usr/sbin", "usr/bin", "sbin", "bin" };
	_cleanup_free_ char *command = strdup(work->boot->regenerate);
	const char *arguments[8] = { NULL };
	char path[PATH_MAX], *rest = command, *name;
	size_t count = 0;

	if (!command)
		return error_oom(work->err);
	name = strsep(&rest, " ");
	while (rest && count + 1 < ARRAY_SIZE(arguments))
		arguments[count++] = strsep(&rest, " ");
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (host_exists(work->host, path))
			return change_edit_run(work->edits, path, arguments,
					       "make the boot entries anew") < 0
				       ? error_oom(work->err)
				       : 0;
	}
	error_set(work->err, ENOENT, name, "this host boots by it, and does not have it");
	error_hint(work->err, "install it");
	return -ENOENT;
}
