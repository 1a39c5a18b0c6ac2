/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's parameters, as each boot loader and tool of a distribution takes them. */
#include "boot/boot.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

static const char drop_in[] = "etc/default/grub.d/pciferry.cfg";
static const char grub_default[] = "GRUB_CMDLINE_LINUX_DEFAULT";

struct work {
	const struct host *host;
	const struct bootcfg_boot *boot;
	const struct boot_parameters *parameters;
	struct change_edits *edits;
	struct string_list *instructions;
	struct error *err;
};

/* A place in a file that is to be edited. */
struct place {
	const char *variable; /* of a shell's file; NULL: a line */
	unsigned int line;
	unsigned int skip; /* words of the line that stay */
	bool quoted;	   /* between the second pair of quotes */
};

static const char *words_of(const struct string_list *list, char *buffer, size_t size)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < list->count && len < size; i++)
		len += (size_t)snprintf(buffer + len, size - len, "%s%s", i ? " " : "",
					list->items[i]);
	return buffer;
}

/* Those that nothing stands in for. */
static const char *dropped_words(const struct boot_parameters *parameters, char *buffer,
				 size_t size)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < parameters->remove.count && len < size; i++)
		if (i >= parameters->instead.count || !parameters->instead.items[i][0])
			len += (size_t)snprintf(buffer + len, size - len, "%s%s",
						len ? " " : "",
						parameters->remove.items[i]);
	return buffer;
}

/* "write a in place of b, add intel_iommu=on, take out intel_iommu=off" */
static const char *wish(const struct boot_parameters *parameters, char *buffer,
			size_t size)
{
	char words[1024];
	size_t len = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < parameters->instead.count && len < size; i++)
		if (parameters->instead.items[i][0])
			len += (size_t)snprintf(buffer + len, size - len,
						"%swrite %s in place of %s",
						len ? ", " : "",
						parameters->instead.items[i],
						parameters->remove.items[i]);
	words_of(&parameters->add, words, sizeof(words));
	if (words[0] && len < size)
		len += (size_t)snprintf(buffer + len, size - len, "%sadd %s",
					len ? ", " : "", words);
	dropped_words(parameters, words, sizeof(words));
	if (words[0] && len < size)
		snprintf(buffer + len, size - len, "%stake out %s", len ? ", and " : "",
			 words);
	return buffer;
}

static int instruct(const struct work *work, const char *path, const char *why)
{
	char words[2304];

	return string_list_addf(work->instructions, "%s%s: %s: %s by hand",
				path[0] ? "/" : "", path[0] ? path : "the boot loader",
				why, wish(work->parameters, words, sizeof(words)));
}

static int edit_place(struct boot_text *text, const struct place *place,
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
static int take_text(const struct work *work, const char *path, const char *fresh,
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

static int put_text(const struct work *work, const char *path, struct boot_text *text,
		    struct change_edit *edit, const struct boot_parameters *parameters)
{
	char purpose[2304];

	if (!edit)
		return change_edit_write(work->edits, path,
					 wish(parameters, purpose, sizeof(purpose)),
					 text->bytes, text->len);
	free(edit->bytes);
	edit->bytes = steal(text->bytes);
	edit->len = text->len;
	free(edit->purpose);
	edit->purpose = strdup(wish(work->parameters, purpose, sizeof(purpose)));
	return edit->purpose ? 0 : -ENOMEM;
}

/* All places of one file, which is read once; what is not there begins with `fresh`. */
static int edit_file(const struct work *work, const char *path,
		     const struct place *places, size_t count, const char *fresh,
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
		return instruct(work, path, why);
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
static int edit_entries(const struct work *work, unsigned int skip, bool quoted)
{
	const struct bootcfg_entries *entries = &work->boot->entries;
	_cleanup_free_ struct place *places = NULL;
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
					(struct place){ NULL, entries->items[i].line,
							skip, quoted };
		if (count)
			r = edit_file(work, file, places, count, NULL, work->parameters);
	}
	return r;
}

/* "grub2-mkconfig -o /boot/grub2/grub.cfg": the tool, where this host has it. */
static int run_tool(const struct work *work)
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

/* Whether the setting has a word that is replaced by this one. */
static bool will_have(const struct work *work, const struct bootcfg_source *source,
		      const char *word)
{
	const struct boot_parameters *parameters = work->parameters;

	for (size_t i = 0; i < parameters->instead.count; i++) {
		const char *old = parameters->remove.items[i];
		_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline one = { 0 };

		if (!strcmp(parameters->instead.items[i], word) &&
		    bootcfg_cmdline_parse(old, strlen(old), &one) == 0 && one.count &&
		    bootcfg_cmdline_has(&source->cmdline, &one.items[0]))
			return true;
	}
	return false;
}

/* Those that no setting says yet. */
static int find_unset(const struct work *work, struct boot_parameters *ret_unset)
{
	for (size_t i = 0; i < work->parameters->add.count; i++) {
		const char *word = work->parameters->add.items[i];
		_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline one = { 0 };
		bool set = false;

		if (bootcfg_cmdline_parse(word, strlen(word), &one) < 0)
			return -ENOMEM;
		for (size_t j = 0; one.count && j < work->boot->n_sources; j++)
			set |= bootcfg_cmdline_has(&work->boot->sources[j].cmdline,
						   &one.items[0]) ||
			       will_have(work, &work->boot->sources[j], word);
		if (!set && string_list_add(&ret_unset->add, word) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Out of each setting that has them. */
static int remove_from_sources(const struct work *work)
{
	struct boot_parameters remove = { .remove = work->parameters->remove,
					  .instead = work->parameters->instead };
	int r = 0;

	for (size_t i = 0; r == 0 && remove.remove.count && i < work->boot->n_sources;
	     i++) {
		const struct bootcfg_source *source = &work->boot->sources[i];
		struct place place = { source->variable, source->line, 0, false };

		r = edit_file(work, source->file, &place, 1, NULL, &remove);
	}
	return r;
}

static int edit_grub(const struct work *work)
{
	static const char fresh[] =
		"# Written by pciferry; pciferry undo takes it back.\n"
		"GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT\"\n";
	_cleanup_(boot_parameters_free) struct boot_parameters unset = { 0 };
	struct place place = { .variable = grub_default };
	int r = remove_from_sources(work);

	if (r == 0 && find_unset(work, &unset) < 0)
		r = error_oom(work->err);
	if (r == 0 && unset.add.count)
		r = work->boot->reads_drop_ins
			    ? edit_file(work, drop_in, &place, 1, fresh, &unset)
			    : edit_file(work, "etc/default/grub", &place, 1, "", &unset);
	return r < 0 ? r : run_tool(work);
}

/* /etc/kernel/cmdline, from which entries of kernels to come are made. */
static int edit_kernel_cmdline(const struct work *work)
{
	struct place place = { .line = 1 };

	for (size_t i = 0; i < work->boot->n_sources; i++)
		if (!work->boot->sources[i].variable[0])
			return edit_file(work, work->boot->sources[i].file, &place, 1,
					 NULL, work->parameters);
	return 0;
}

static int edit_grubby(const struct work *work)
{
	struct place place = { .variable = "GRUB_CMDLINE_LINUX" };
	struct place whole = { .line = 1 };
	int r = edit_entries(work, 1, false);

	if (r == 0 && host_exists(work->host, "etc/kernel/cmdline"))
		r = edit_file(work, "etc/kernel/cmdline", &whole, 1, NULL,
			      work->parameters);
	if (r == 0 && host_exists(work->host, "etc/default/grub"))
		r = edit_file(work, "etc/default/grub", &place, 1, NULL,
			      work->parameters);
	return r;
}

static int edit_kernel_install(const struct work *work)
{
	bool has_images = false;
	int r = edit_kernel_cmdline(work);

	for (size_t i = 0; i < work->boot->entries.count; i++)
		has_images |= !work->boot->entries.items[i].line;
	if (r == 0)
		r = edit_entries(work, 1, false);
	/* Entries that are files are edited; images have to be built. */
	return r < 0 || !has_images ? r : run_tool(work);
}

static int edit_proxmox(const struct work *work)
{
	int r = edit_kernel_cmdline(work);

	return r < 0 ? r : run_tool(work);
}

static int edit_limine_default(const struct work *work)
{
	const struct bootcfg_source *source = &work->boot->sources[0];
	struct place place = { source->variable, source->line, 0, false };
	int r = edit_file(work, source->file, &place, 1, NULL, work->parameters);

	return r < 0 ? r : run_tool(work);
}

static int edit_lines_behind_kernel(const struct work *work)
{
	return edit_entries(work, 2, false);
}

static int edit_options(const struct work *work)
{
	return edit_entries(work, 1, false);
}

static int edit_refind(const struct work *work)
{
	return edit_entries(work, 0, true);
}

static int tell_ostree(const struct work *work)
{
	for (size_t i = 0; i < work->parameters->add.count; i++)
		if (string_list_addf(work->instructions,
				     "run: rpm-ostree kargs --append-if-missing=%s",
				     work->parameters->add.items[i]) < 0)
			return error_oom(work->err);
	for (size_t i = 0; i < work->parameters->remove.count; i++)
		if (string_list_addf(work->instructions,
				     "run: rpm-ostree kargs --delete-if-present=%s",
				     work->parameters->remove.items[i]) < 0)
			return error_oom(work->err);
	return 0;
}

static int tell_kernelstub(const struct work *work)
{
	char words[1024];

	words_of(&work->parameters->add, words, sizeof(words));
	if (words[0] &&
	    string_list_addf(work->instructions, "run: kernelstub --add-options \"%s\"",
			     words) < 0)
		return error_oom(work->err);
	words_of(&work->parameters->remove, words, sizeof(words));
	if (words[0] &&
	    string_list_addf(work->instructions,
			     "run: kernelstub --delete-options \"%s\"", words) < 0)
		return error_oom(work->err);
	return 0;
}

static int tell_nixos(const struct work *work)
{
	for (size_t i = 0; i < work->parameters->add.count; i++)
		if (string_list_addf(
			    work->instructions,
			    "write into the configuration: boot.kernelParams = [ "
			    "\"%s\" ]; then run: nixos-rebuild boot",
			    work->parameters->add.items[i]) < 0)
			return error_oom(work->err);
	for (size_t i = 0; i < work->parameters->remove.count; i++)
		if (string_list_addf(work->instructions,
				     "take \"%s\" out of boot.kernelParams in the"
				     " configuration; then run: nixos-rebuild boot",
				     work->parameters->remove.items[i]) < 0)
			return error_oom(work->err);
	return 0;
}

static int tell_unknown(const struct work *work)
{
	return instruct(work, work->boot->menu, "this boot loader is not known") < 0
		       ? error_oom(work->err)
		       : 0;
}

static int (*const methods[])(const struct work *work) = {
	[METHOD_UNKNOWN] = tell_unknown,
	[METHOD_GRUB] = edit_grub,
	[METHOD_GRUB_BY_HAND] = edit_lines_behind_kernel,
	[METHOD_GRUBBY] = edit_grubby,
	[METHOD_ENTRIES] = edit_options,
	[METHOD_KERNEL_INSTALL] = edit_kernel_install,
	[METHOD_PROXMOX] = edit_proxmox,
	[METHOD_KERNELSTUB] = tell_kernelstub,
	[METHOD_LIMINE] = edit_options,
	[METHOD_LIMINE_DEFAULT] = edit_limine_default,
	[METHOD_REFIND] = edit_refind,
	[METHOD_OSTREE] = tell_ostree,
	[METHOD_NIXOS] = tell_nixos,
};

/* A person who runs a tool takes one word out, and adds the other. */
static int part(const struct boot_parameters *parameters, struct boot_parameters *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < parameters->add.count; i++)
		r = string_list_add(&ret->add, parameters->add.items[i]);
	for (size_t i = 0; r == 0 && i < parameters->instead.count; i++)
		if (parameters->instead.items[i][0])
			r = string_list_add(&ret->add, parameters->instead.items[i]);
	for (size_t i = 0; r == 0 && i < parameters->remove.count; i++)
		r = string_list_add(&ret->remove, parameters->remove.items[i]);
	return r;
}

static bool is_told(enum bootcfg_method method)
{
	return method == METHOD_OSTREE || method == METHOD_KERNELSTUB ||
	       method == METHOD_NIXOS;
}

int boot_edit_parameters(const struct host *host, const struct bootcfg_boot *boot,
			 const struct boot_parameters *parameters,
			 struct change_edits *edits, struct string_list *ret_instructions,
			 struct error *err)
{
	_cleanup_(change_edits_free) struct change_edits made = { 0 };
	_cleanup_(boot_parameters_free) struct boot_parameters parted = { 0 };
	struct work work = { host, boot, parameters, &made, ret_instructions, err };
	size_t before = ret_instructions->count;
	int r;

	if (!parameters->add.count && !parameters->remove.count)
		return 0;
	if (is_told(boot->method)) {
		if (part(parameters, &parted) < 0)
			return error_oom(err);
		work.parameters = &parted;
	}
	r = methods[boot->method](&work);
	/* Half of it by hand and half by us would be hard to follow, and to undo. */
	if (r < 0 || ret_instructions->count > before)
		return r;
	return change_edits_move(edits, &made) < 0 ? error_oom(err) : 0;
}
