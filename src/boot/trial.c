/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/trial.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/trial_entry.h"
#include "boot/trial_internal.h"
#include "bootcfg/confd.h"

static const char suffix[] = ".pciferry-trial";

bool boot_trial_of(const struct bootcfg_cmdline *cmdline, unsigned int *ret_id)
{
	const char *word = bootcfg_trial_word(cmdline);
	uint64_t id;

	if (!word || text_parse_number(word, UINT_MAX, &id) < 0)
		return false;
	*ret_id = (unsigned int)id;
	return true;
}

struct work {
	const struct host *host;
	const struct bootcfg_boot *boot;
	const struct boot_trial *trial;
	const struct boot_builder *builder;
	struct change_edits *edits;
	struct error *err;
};

/* What only the trial's entry says. */
static int add_words(const struct work *work, struct boot_parameters *words)
{
	const struct boot_parameters *wanted = work->trial->parameters;
	int r = string_list_addf(&words->add, "pciferry=trial:%u", work->trial->id);

	/* A kernel that panics, and an initramfs-tools that would ask somebody, reboot.
	 */
	if (r == 0)
		r = string_list_add(&words->add, "panic=30");
	/* dracut.cmdline(7): no shell that waits for somebody. */
	if (r == 0 && !strcmp(work->builder->name, "dracut"))
		r = string_list_add(&words->add, "rd.shell=0");
	if (r == 0 && !strcmp(work->builder->name, "dracut"))
		r = string_list_add(&words->add, "rd.emergency=reboot");
	/* systemd(1), since 250: it keeps the watchdog quiet for as long as it lives. */
	if (r == 0 && host_exists(work->host, "sys/class/watchdog/watchdog0"))
		r = string_list_add(&words->add, "systemd.watchdog_sec=60");
	for (size_t i = 0; r == 0 && i < wanted->add.count; i++)
		r = string_list_add(&words->add, wanted->add.items[i]);
	for (size_t i = 0; r == 0 && i < wanted->remove.count; i++)
		r = string_list_add(&words->remove, wanted->remove.items[i]);
	return r;
}

/* The arguments of the tool, with the file and the release in their places. */
static int edit_image(const struct work *work)
{
	static const char remover[] = "usr/bin/rm";
	const char *arguments[ARRAY_SIZE(work->builder->one_arguments)] = { NULL };
	char file[PATH_MAX];
	const char *const undo[] = { remover, "-f", file, NULL };
	struct change_edit *edit;

	snprintf(file, sizeof(file), "/%s%s", work->trial->image, suffix);
	for (size_t i = 0; work->builder->one_arguments[i]; i++) {
		const char *one = work->builder->one_arguments[i];

		arguments[i] = !strcmp(one, "%f")   ? file
			       : !strcmp(one, "%r") ? work->trial->release
						    : one;
	}
	if (change_edit_run_undone_by(work->edits, work->builder->one_program, arguments,
				      undo, "make an initramfs for the trial alone") < 0)
		return -ENOMEM;
	edit = &work->edits->items[work->edits->count - 1];
	edit->made_like = strdup(work->trial->image);
	return edit->made_like ? 0 : -ENOMEM;
}

/* Reads the file with the old entry, and makes the new one of it. */
static int make_entry(const struct work *work, const char *name,
		      int (*make)(const char *, size_t, const struct boot_trial_entry *,
				  char **, const char **),
		      char **ret_text)
{
	const struct bootcfg_entry *old = work->trial->entry;
	_cleanup_(boot_parameters_free) struct boot_parameters words = { 0 };
	_cleanup_free_ char *text = NULL;
	char title[256], subject[ERROR_SUBJECT_SIZE];
	struct boot_trial_entry entry = {
		.name = name,
		.title = title,
		.initrd = bootcfg_confd_name(old->initrds.items[old->initrds.count - 1]),
		.suffix = suffix,
		.line = old->line,
		.parameters = &words,
	};
	const char *why = "";
	size_t len;
	int r = host_read_file(work->host, old->file, &text, &len);

	snprintf(subject, sizeof(subject), "/%s", old->file);
	snprintf(title, sizeof(title), "pciferry trial %u (Linux %s)", work->trial->id,
		 work->trial->release);
	if (r < 0)
		return error_set(work->err, -r, subject, "%s", strerror(-r));
	r = add_words(work, &words);
	if (r == 0)
		r = make(text, len, &entry, ret_text, &why);
	if (r == -EINVAL) {
		error_refuse(work->err, subject, "no entry for a trial can be made: %s",
			     why);
		error_hint(work->err, "without --trial it can be applied all the same");
		return -EPERM;
	}
	return r < 0 ? error_oom(work->err) : 0;
}

const char *boot_beside_menu(const struct bootcfg_boot *boot, const char *name,
			     char buffer[PATH_MAX])
{
	snprintf(buffer, PATH_MAX, "%.*s%s",
		 (int)(bootcfg_confd_name(boot->menu) - boot->menu), boot->menu, name);
	return buffer;
}

const char *boot_find_env_tool(const struct host *host)
{
	static const char *const tools[] = { "usr/bin/grub-editenv",
					     "usr/bin/grub2-editenv" };

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (host_exists(host, tools[i]))
			return tools[i];
	return NULL;
}

/* Behind what somebody has in custom.cfg already. */
static int edit_custom(const struct work *work, const char *name, const char *entry)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	char path[PATH_MAX];
	size_t len;
	int r = host_read_file(work->host,
			       boot_beside_menu(work->boot, "custom.cfg", path), &before,
			       &len);
	int n;

	if (r < 0 && r != -ENOENT)
		return r;
	/* The fallback is what starts when the entry cannot be loaded: else GRUB would
	 * wait at its menu. */
	n = asprintf(&after,
		     "%s%s# Written by pciferry; pciferry undo takes it back.\n"
		     "if [ \"${default}\" = %s ]; then set fallback=0; fi\n%s",
		     before ? before : "",
		     before && len && before[len - 1] != '\n' ? "\n" : "", name, entry);
	if (n < 0) {
		after = NULL;
		return -ENOMEM;
	}
	return change_edit_write(work->edits, path, "add an entry for the trial", after,
				 (size_t)n);
}

static int edit_grub(const struct work *work)
{
	_cleanup_free_ char *entry = NULL;
	char name[64], choice[128], path[PATH_MAX], file[PATH_MAX + 1];
	const char *tool = boot_find_env_tool(work->host);
	const char *const arguments[] = { file, "set", choice, NULL };
	const char *const undo[] = { tool, file, "unset", "next_entry", NULL };
	int r;

	snprintf(name, sizeof(name), "pciferry-trial-%u", work->trial->id);
	r = make_entry(work, name, boot_trial_grub_entry, &entry);
	if (r < 0)
		return r;
	snprintf(choice, sizeof(choice), "next_entry=%s", name);
	snprintf(file, sizeof(file), "/%s",
		 boot_beside_menu(work->boot, "grubenv", path));
	r = edit_custom(work, name, entry);
	if (r == 0)
		r = change_edit_run_undone_by(work->edits, tool, arguments, undo,
					      "choose it for the next boot alone");
	return r == -ENOMEM ? error_oom(work->err)
	       : r < 0	    ? error_set(work->err, -r, "custom.cfg", "%s", strerror(-r))
			    : 0;
}

/*
 * The name begins as the old one's does, and goes on with a "-", which sorts behind the
 * "." there: so the new entry is not the first, that is, the default
 * (src/boot/efi/boot.c in systemd, boot_entry_compare).
 */
static void name_bls(const struct boot_trial *trial, char *name, size_t size)
{
	const char *old = bootcfg_confd_name(trial->entry->file);
	size_t len = strlen(old);

	if (text_ends_with(old, ".conf"))
		len -= strlen(".conf");
	snprintf(name, size, "%.*s-pciferry%u.conf", (int)len, old, trial->id);
}

static int edit_systemd_boot(const struct work *work)
{
	const char *old = work->trial->entry->file;
	_cleanup_free_ char *entry = NULL;
	char name[NAME_MAX], path[PATH_MAX];
	const char *const arguments[] = { "set-oneshot", name, NULL };
	const char *const undo[] = { BOOT_BOOTCTL, "set-oneshot", "", NULL };
	int r;

	name_bls(work->trial, name, sizeof(name));
	snprintf(path, sizeof(path), "%.*s%s", (int)(bootcfg_confd_name(old) - old), old,
		 name);
	r = make_entry(work, name, boot_trial_bls_entry, &entry);
	if (r < 0)
		return r;
	if (change_edit_write(work->edits, path, "add an entry for the trial", entry,
			      strlen(entry)) < 0 ||
	    change_edit_run_undone_by(work->edits, BOOT_BOOTCTL, arguments, undo,
				      "choose it for the next boot alone") < 0)
		return error_oom(work->err);
	return 0;
}

int boot_edit_trial(const struct host *host, const struct bootcfg_boot *boot,
		    const struct boot_trial *trial, const struct boot_binding *bindings,
		    size_t count, struct change_edits *edits, struct error *err)
{
	_cleanup_(change_edits_free) struct change_edits made = { 0 };
	struct work work = { host, boot, trial, NULL, &made, err };
	char path[64];
	int r = boot_find_builder(host, &work.builder, err);

	if (r == 0 && !work.builder)
		r = error_refuse(err, "",
				 "there is no initramfs-tools, dracut or mkinitcpio:"
				 " nothing could be tried");
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), BOOT_TRIAL_TABS "/%u.tab", trial->id);
	r = boot_edit_tab(host, path, work.builder, bindings, count, &made, err);
	if (r == 0 && edit_image(&work) < 0)
		r = error_oom(err);
	if (r == 0)
		r = boot->loader.kind == LOADER_SYSTEMD_BOOT ? edit_systemd_boot(&work)
							     : edit_grub(&work);
	if (r < 0)
		return r;
	return change_edits_move(edits, &made) < 0 ? error_oom(err) : 0;
}
