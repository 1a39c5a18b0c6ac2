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
#include "boot/places.h"

static const char drop_in[] = "etc/default/grub.d/pciferry.cfg";
static const char grub_default[] = "GRUB_CMDLINE_LINUX_DEFAULT";

/* Whether the setting has a word that is replaced by this one. */
static bool will_have(const struct boot_work *work, const struct bootcfg_source *source,
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
static int find_unset(const struct boot_work *work, struct boot_parameters *ret_unset)
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
static int remove_from_sources(const struct boot_work *work)
{
	struct boot_parameters remove = { .remove = work->parameters->remove,
					  .instead = work->parameters->instead };
	int r = 0;

	for (size_t i = 0; r == 0 && remove.remove.count && i < work->boot->n_sources;
	     i++) {
		const struct bootcfg_source *source = &work->boot->sources[i];
		struct boot_place place = { source->variable, source->line, 0, false };

		r = boot_edit_file(work, source->file, &place, 1, NULL, &remove);
	}
	return r;
}

static int edit_grub(const struct boot_work *work)
{
	static const char fresh[] =
		"# Written by pciferry; pciferry undo takes it back.\n"
		"GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT\"\n";
	_cleanup_(boot_parameters_free) struct boot_parameters unset = { 0 };
	struct boot_place place = { .variable = grub_default };
	int r = remove_from_sources(work);

	if (r == 0 && find_unset(work, &unset) < 0)
		r = error_oom(work->err);
	if (r == 0 && unset.add.count)
		r = work->boot->reads_drop_ins
			    ? boot_edit_file(work, drop_in, &place, 1, fresh, &unset)
			    : boot_edit_file(work, "etc/default/grub", &place, 1, "",
					     &unset);
	return r < 0 ? r : boot_run_tool(work);
}

/* /etc/kernel/cmdline, from which entries of kernels to come are made. */
static int edit_kernel_cmdline(const struct boot_work *work)
{
	struct boot_place place = { .line = 1 };

	for (size_t i = 0; i < work->boot->n_sources; i++)
		if (!work->boot->sources[i].variable[0])
			return boot_edit_file(work, work->boot->sources[i].file, &place,
					      1, NULL, work->parameters);
	return 0;
}

static int edit_grubby(const struct boot_work *work)
{
	struct boot_place place = { .variable = "GRUB_CMDLINE_LINUX" };
	struct boot_place whole = { .line = 1 };
	int r = boot_edit_entries(work, 1, false);

	if (r == 0 && host_exists(work->host, "etc/kernel/cmdline"))
		r = boot_edit_file(work, "etc/kernel/cmdline", &whole, 1, NULL,
				   work->parameters);
	if (r == 0 && host_exists(work->host, "etc/default/grub"))
		r = boot_edit_file(work, "etc/default/grub", &place, 1, NULL,
				   work->parameters);
	return r;
}

static int edit_kernel_install(const struct boot_work *work)
{
	bool has_images = false;
	int r = edit_kernel_cmdline(work);

	for (size_t i = 0; i < work->boot->entries.count; i++)
		has_images |= !work->boot->entries.items[i].line;
	if (r == 0)
		r = boot_edit_entries(work, 1, false);
	/* Entries that are files are edited; images have to be built. */
	return r < 0 || !has_images ? r : boot_run_tool(work);
}

static int edit_proxmox(const struct boot_work *work)
{
	int r = edit_kernel_cmdline(work);

	return r < 0 ? r : boot_run_tool(work);
}

static int edit_limine_default(const struct boot_work *work)
{
	const struct bootcfg_source *source = &work->boot->sources[0];
	struct boot_place place = { source->variable, source->line, 0, false };
	int r = boot_edit_file(work, source->file, &place, 1, NULL, work->parameters);

	return r < 0 ? r : boot_run_tool(work);
}

static int edit_lines_behind_kernel(const struct boot_work *work)
{
	return boot_edit_entries(work, 2, false);
}

static int edit_options(const struct boot_work *work)
{
	return boot_edit_entries(work, 1, false);
}

static int edit_refind(const struct boot_work *work)
{
	return boot_edit_entries(work, 0, true);
}

static int tell_ostree(const struct boot_work *work)
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

static int tell_words(const struct boot_work *work, const char *option,
		      const struct string_list *words)
{
	_cleanup_free_ char *text = string_list_join(words, " ");

	if (!text ||
	    (text[0] && string_list_addf(work->instructions, "run: kernelstub %s \"%s\"",
					 option, text) < 0))
		return error_oom(work->err);
	return 0;
}

static int tell_kernelstub(const struct boot_work *work)
{
	int r = tell_words(work, "--add-options", &work->parameters->add);

	return r < 0 ? r
		     : tell_words(work, "--delete-options", &work->parameters->remove);
}

static int tell_nixos(const struct boot_work *work)
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

static int tell_unknown(const struct boot_work *work)
{
	return boot_instruct(work, work->boot->menu, "this boot loader is not known") < 0
		       ? error_oom(work->err)
		       : 0;
}

static int (*const methods[])(const struct boot_work *work) = {
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
	struct boot_work work = { host, boot, parameters, &made, ret_instructions, err };
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
