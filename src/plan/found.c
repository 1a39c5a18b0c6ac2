/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/found.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

static void free_shown(struct plan_found *found)
{
	free(found->place);
	free(found->text);
	free(found->meaning);
	string_list_free(&found->devices);
	string_list_free(&found->also);
}

void plan_found_free(struct plan_found *found, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free_shown(&found[i]);
	free(found);
}

void plan_setting_free(struct plan_setting *setting)
{
	free_shown(&setting->shown);
	free(setting->word);
	free(setting->instead);
	free(setting->file);
	string_list_free(&setting->items);
	memset(setting, 0, sizeof(*setting));
}

void plan_settings_free(struct plan_settings *settings)
{
	if (!settings)
		return;
	for (size_t i = 0; i < settings->count; i++)
		plan_setting_free(&settings->items[i]);
	free(settings->items);
	string_list_free(&settings->seen);
	memset(settings, 0, sizeof(*settings));
}

int plan_take_line(const struct bootcfg_modprobe_line *line, const char *command,
		   struct plan_setting *setting)
{
	struct plan_found *shown = &setting->shown;

	setting->line = line->number;
	setting->file = strdup(line->file);
	if (asprintf(&shown->place, "/%s:%u", line->file, line->number) < 0)
		shown->place = NULL;
	if (asprintf(&shown->text, "%s%s%s%s", command, line->module,
		     line->rest[0] ? " " : "", line->rest) < 0)
		shown->text = NULL;
	if (setting->file && shown->place && shown->text)
		return 0;
	plan_setting_free(setting);
	return -ENOMEM;
}

int plan_take_word(struct plan_settings *settings, const struct bootcfg_parameter *word,
		   struct plan_setting *setting)
{
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "%s=%s", word->name, word->value) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (string_list_has(&settings->seen, text))
		return 0;
	if (string_list_add(&settings->seen, text) < 0)
		return -ENOMEM;
	setting->word = strdup(text);
	setting->shown.text = steal(text);
	setting->shown.place = strdup("the kernel's command line");
	if (setting->word && setting->shown.place)
		return 0;
	plan_setting_free(setting);
	return -ENOMEM;
}

int plan_shorten_word(const struct bootcfg_parameter *word, struct plan_setting *setting)
{
	_cleanup_free_ char *rest = NULL;

	rest = boot_list_without(word->value, strlen(word->value), &setting->items);
	if (!rest)
		return -ENOMEM;
	if (asprintf(&setting->instead, "%s%s%s", rest[0] ? word->name : "",
		     rest[0] ? "=" : "", rest) >= 0)
		return 0;
	setting->instead = NULL;
	return -ENOMEM;
}

int plan_add_setting(struct plan_settings *settings, struct plan_setting *setting,
		     const char *format, ...)
{
	struct plan_setting *larger =
		reallocarray(settings->items, settings->count + 1, sizeof(*larger));
	va_list arguments;
	int n;

	if (larger)
		settings->items = larger;
	va_start(arguments, format);
	n = vasprintf(&setting->shown.meaning, format, arguments);
	va_end(arguments);
	if (n < 0)
		setting->shown.meaning = NULL;
	if (!larger || !setting->shown.meaning || !setting->shown.place ||
	    !setting->shown.text) {
		plan_setting_free(setting);
		return -ENOMEM;
	}
	settings->items[settings->count++] = *setting;
	memset(setting, 0, sizeof(*setting));
	return 0;
}

/* A package's files come again with its next version; those of /run, at each boot. */
static bool is_ours_to_edit(const struct plan_setting *setting)
{
	return !setting->file || !strncmp(setting->file, "etc/", 4);
}

/* What would be taken over, but where it stands nothing can be changed. */
static int instruct(const struct plan_setting *setting, struct plan *plan)
{
	return string_list_addf(&plan->instructions,
				"%s: it is not for a person to edit: hide it with a file"
				" of that name in /etc/modprobe.d, without \"%s\"",
				setting->shown.place, setting->shown.text);
}

/* Two tools that want different drivers for a device undo each other's work. */
static int tell_fights(const struct plan_settings *settings, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < settings->count; i++) {
		const struct plan_found *found = &settings->items[i].shown;

		if (found->fights)
			r = string_list_addf(&plan->instructions,
					     "%s: %s: run: driverctl unset-override %s",
					     found->place, found->meaning,
					     found->devices.items[0]);
	}
	return r;
}

/* What the others lose, who were bound with it. */
static int tell_others(const struct plan_setting *setting, struct plan *plan)
{
	_cleanup_free_ char *others = string_list_join(&setting->shown.also, ", ");

	if (!others)
		return -ENOMEM;
	return setting->binds && setting->shown.also.count
		       ? string_list_addf(&plan->risks,
					  "no more bound by their IDs, and the host's"
					  " again: %s; name them, too, if they are for"
					  " guests",
					  others)
		       : 0;
}

static int decide(struct plan_settings *settings, const struct plan_options *options,
		  struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < settings->count; i++) {
		struct plan_setting *setting = &settings->items[i];

		/* Where the wish is to bind by IDs they are that wish. */
		if (options->by_id || (setting->serves_others && settings->keeps_ids))
			setting->shown.can_be_adopted = false;
		if (!options->adopt || !setting->shown.can_be_adopted)
			continue;
		setting->shown.adopted = is_ours_to_edit(setting);
		r = setting->shown.adopted ? tell_others(setting, plan)
					   : instruct(setting, plan);
	}
	return r < 0 ? r : tell_fights(settings, plan);
}

int plan_settings_find(const struct plan_view *view, const struct plan_options *options,
		       struct plan *plan, struct plan_settings *ret_settings,
		       struct error *err)
{
	int r = plan_find_ids(view, plan, ret_settings);

	if (r == 0)
		r = plan_find_modules(view, plan, ret_settings);
	if (r == 0)
		r = plan_find_overrides(view, plan, ret_settings);
	if (r == 0)
		r = decide(ret_settings, options, plan);
	return r < 0 ? error_oom(err) : 0;
}

int plan_adopt_files(const struct plan_view *view, const struct plan_settings *settings,
		     struct plan *plan, struct error *err)
{
	_cleanup_free_ struct boot_removal *removals = NULL;
	size_t count = 0;

	removals = calloc(settings->count + 1, sizeof(*removals));
	if (!removals)
		return error_oom(err);
	for (size_t i = 0; i < settings->count; i++) {
		const struct plan_setting *setting = &settings->items[i];

		if (setting->shown.adopted && setting->file)
			removals[count++] =
				(struct boot_removal){ setting->file, setting->line,
						       setting->list, setting->items };
	}
	return boot_edit_removals(view->host, removals, count,
				  "taken over into /etc/pciferry.tab", &plan->edits, err);
}

int plan_adopt_words(const struct plan_settings *settings,
		     struct boot_parameters *parameters)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < settings->count; i++) {
		const struct plan_setting *setting = &settings->items[i];

		if (!setting->shown.adopted || setting->file)
			continue;
		r = string_list_add(&parameters->remove, setting->word);
		if (r == 0)
			r = string_list_add(&parameters->instead, setting->instead);
	}
	return r;
}

int plan_show_settings(struct plan_settings *settings, struct plan *plan)
{
	plan->found = calloc(settings->count + 1, sizeof(*plan->found));
	if (!plan->found)
		return -ENOMEM;
	for (size_t i = 0; i < settings->count; i++) {
		plan->found[plan->n_found++] = settings->items[i].shown;
		memset(&settings->items[i].shown, 0, sizeof(settings->items[i].shown));
	}
	return 0;
}
