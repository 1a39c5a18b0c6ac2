/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A loader's entries against what they are made from, and against each other. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

/* Whether an entry ought to have what the setting says. */
static bool is_made_from(const struct bootcfg_entry *entry,
			 const struct bootcfg_source *source)
{
	return !source->spares_recovery || !entry->recovery;
}

/* How many of the entries that are made from it have the parameter. */
static size_t count_having(const struct bootcfg_boot *boot,
			   const struct bootcfg_source *source,
			   const struct bootcfg_parameter *parameter, size_t *ret_all)
{
	size_t having = 0;

	*ret_all = 0;
	for (size_t i = 0; i < boot->entries.count; i++) {
		const struct bootcfg_entry *entry = &boot->entries.items[i];

		if (!is_made_from(entry, source))
			continue;
		(*ret_all)++;
		having += bootcfg_cmdline_has(&entry->cmdline, parameter);
	}
	return having;
}

static int fix_generated(struct check_run *run, const char *text)
{
	const struct bootcfg_boot *boot = &run->facts->boot;

	if (boot->regenerate[0])
		return check_fix(run, "run %s, and reboot", boot->regenerate);
	return check_fix_parameter(run, text);
}

/* A setting that no entry has: the tool that makes them did not run since. */
static int look_at_setting(struct check_run *run, const struct bootcfg_source *source,
			   const struct bootcfg_parameter *parameter)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	char place[PATH_MAX], text[256];
	bool matters = check_parameter_matters(parameter->name);
	size_t all, having = count_having(boot, source, parameter, &all);
	int r;

	if (!all || having == all)
		return 0;
	/* One that was made elsewhere, of another system on the disk, may lack it. */
	if (having && !matters)
		return 0;
	check_parameter_text(parameter, text, sizeof(text));
	check_place(source->file, source->line, place, sizeof(place));
	r = check_tell(run, matters ? CHECK_WARN : CHECK_INFO, NULL,
		       "%s is in %s, and in %zu of the %zu entries in /%s", text, place,
		       having, all, boot->menu);
	if (r == 0)
		r = check_why(run, "what boots are the entries, which were made before"
				   " it was written");
	return r < 0 ? r : fix_generated(run, text);
}

/* Whether any setting has it. */
static bool is_set(const struct bootcfg_boot *boot,
		   const struct bootcfg_parameter *parameter)
{
	for (size_t i = 0; i < boot->n_sources; i++)
		if (boot->sources[i].uncertain ||
		    bootcfg_cmdline_has(&boot->sources[i].cmdline, parameter))
			return true;
	return false;
}

/* What the next run of the tool takes out again. */
static int look_at_entry(struct check_run *run, const struct bootcfg_entry *entry)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	char place[PATH_MAX], text[256];
	int r = 0;

	for (size_t i = 0; r == 0 && i < entry->cmdline.count; i++) {
		const struct bootcfg_parameter *parameter = &entry->cmdline.items[i];

		if (!check_parameter_matters(parameter->name) || is_set(boot, parameter))
			continue;
		check_parameter_text(parameter, text, sizeof(text));
		r = check_tell(run, CHECK_WARN, NULL, "%s is in %s, and not in /%s", text,
			       check_place(entry->file, entry->line, place,
					   sizeof(place)),
			       boot->sources[0].file);
		if (r == 0)
			r = check_why(run,
				      "the entry was edited by hand: it is made anew with"
				      " each new kernel, without that");
		if (r == 0)
			r = check_fix_parameter(run, text);
	}
	return r;
}

static int tell_uncertain(struct check_run *run, const struct bootcfg_source *source)
{
	char place[PATH_MAX];
	int r = check_tell(run, CHECK_INFO, NULL, "%s: %s comes from a command",
			   check_place(source->file, source->line, place, sizeof(place)),
			   source->variable);

	return r < 0 ? r
		     : check_why(run, "only running the file tells the value, so whether"
				      " all entries have it is not known");
}

static int tell_ignored(struct check_run *run, const char *path)
{
	int r = check_tell(run, CHECK_WARN, NULL,
			   "/%s is not read: its name does not end with .cfg", path);

	if (r == 0)
		r = check_why(run, "grub-mkconfig passes over it: nothing in it takes"
				   " effect");
	return r < 0 ? r
		     : check_fix(run, "mv -n /%s /%s.cfg; then %s", path, path,
				 run->facts->boot.regenerate);
}

static int look_at_settings(struct check_run *run)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	int r = 0;

	for (size_t i = 0; r == 0 && i < boot->ignored.count; i++)
		r = tell_ignored(run, boot->ignored.items[i]);
	for (size_t i = 0; r == 0 && i < boot->n_sources; i++) {
		const struct bootcfg_source *source = &boot->sources[i];

		if (source->uncertain)
			r = tell_uncertain(run, source);
		for (size_t j = 0; r == 0 && j < source->cmdline.count; j++)
			if (!bootcfg_is_added_by_loader(&source->cmdline.items[j]))
				r = look_at_setting(run, source,
						    &source->cmdline.items[j]);
	}
	return r;
}

int check_boot_generated(struct check_run *run)
{
	const struct bootcfg_boot *boot = &run->facts->boot;
	size_t before = run->findings->count;
	int r = 0;

	if (!check_has_entries(run, &r))
		return r;
	if (!boot->n_sources)
		return check_tell(run, CHECK_PASS, NULL,
				  "the entries in /%s are not made from other files",
				  boot->menu);
	r = look_at_settings(run);
	/* The entries of one kernel tell of all. */
	if (r == 0 && boot->method != METHOD_GRUBBY)
		r = look_at_entry(run, &boot->entries.items[0]);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL, "the entries in /%s have what /%s says",
			  boot->menu, boot->sources[0].file);
}

/* Of this system, not of another on the same disk. */
static bool has_same_root(const struct bootcfg_entry *a, const struct bootcfg_entry *b)
{
	const struct bootcfg_parameter *one = bootcfg_find_parameter(&a->cmdline, "root");

	return !one || bootcfg_cmdline_has(&b->cmdline, one);
}

static int tell_lacking(struct check_run *run, const struct bootcfg_entry *entry,
			const struct bootcfg_entry *usual,
			const struct bootcfg_parameter *parameter)
{
	char place[PATH_MAX], other[PATH_MAX], text[256];
	int r;

	check_parameter_text(parameter, text, sizeof(text));
	r = check_tell(run, CHECK_WARN, entry->title, "%s lacks %s, which %s has",
		       check_place(entry->file, entry->line, place, sizeof(place)), text,
		       check_place(usual->file, usual->line, other, sizeof(other)));
	if (r == 0)
		r = check_why(run, "booted with it, the host is another one than the"
				   " one that was set up");
	return r < 0 ? r : fix_generated(run, text);
}

int check_boot_kernels(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	const struct bootcfg_entries *entries = &facts->boot.entries;
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(facts->kernels);
	const struct bootcfg_entry *usual;
	size_t before = run->findings->count;
	int r = 0;

	if (!check_has_entries(run, &r))
		return r;
	usual = bootcfg_boot_running(&facts->boot, kernel ? kernel->release : "",
				     &facts->cmdline);
	if (!usual)
		usual = &entries->items[0];
	for (size_t i = 0; r == 0 && i < entries->count; i++) {
		const struct bootcfg_entry *entry = &entries->items[i];

		if (entry == usual || entry->recovery || !has_same_root(usual, entry))
			continue;
		for (size_t j = 0; r == 0 && j < usual->cmdline.count; j++) {
			const struct bootcfg_parameter *one = &usual->cmdline.items[j];

			if (check_parameter_matters(one->name) &&
			    !bootcfg_cmdline_has(&entry->cmdline, one))
				r = tell_lacking(run, entry, usual, one);
		}
	}
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "the entries in /%s agree on IOMMUs and VFIO",
			  facts->boot.menu);
}
