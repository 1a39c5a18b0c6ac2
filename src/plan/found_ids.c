/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that are bound by their IDs, which takes all of a model. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/ids.h"
#include "plan/found.h"

static const char *const drivers[] = { "vfio-pci", "pci-stub" };

static const char *find_driver(const char *module)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (bootcfg_same_name(drivers[i], module))
			return drivers[i];
	return NULL;
}

/* The IDs that are members'; of others it is noted that they stay. */
static int sort_ids(const struct plan_view *view, const struct plan *plan,
		    const char *list, struct plan_setting *setting,
		    struct plan_settings *settings)
{
	const char *id;
	size_t len;
	int r = 0;

	while (r == 0 && bootcfg_next_id(&list, &id, &len)) {
		size_t before = setting->shown.devices.count;

		for (size_t i = 0; r == 0 && i < plan->count; i++) {
			const struct pci_address *address = &plan->members[i].address;
			char text[PCI_ADDRESS_SIZE];

			if (bootcfg_id_fits(id, len, pci_find(&view->devices, address)))
				r = string_list_add(&setting->shown.devices,
						    pci_address_format(address, text));
		}
		if (r == 0 && setting->shown.devices.count > before)
			r = string_list_add_owned(&setting->items, strndup(id, len));
		else
			settings->keeps_ids = true;
	}
	return r;
}

static int find_others(const struct plan_view *view, const struct plan *plan,
		       struct plan_setting *setting)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->devices.count; i++) {
		const struct pci_device *device = &view->devices.items[i];
		char text[PCI_ADDRESS_SIZE];
		bool fits = false;

		for (size_t j = 0; j < setting->items.count; j++)
			fits |= bootcfg_id_fits(setting->items.items[j],
						strlen(setting->items.items[j]), device);
		if (fits && !plan_has_member(plan, &device->address))
			r = string_list_add(&setting->shown.also,
					    pci_address_format(&device->address, text));
	}
	return r;
}

/* Whether the list has other IDs than those that are taken out. */
static bool has_more(const char *list, const struct string_list *items)
{
	const char *id;
	size_t len, count = 0;

	while (bootcfg_next_id(&list, &id, &len))
		count++;
	return count > items->count;
}

/* Adds the setting if it is about a member; what it holds is taken in any case. */
static int add(const struct plan_view *view, const struct plan *plan, const char *driver,
	       struct plan_setting *setting, struct plan_settings *settings)
{
	_cleanup_free_ char *others = NULL, *members = NULL;

	if (!setting->items.count) {
		plan_setting_free(setting);
		return 0;
	}
	if (find_others(view, plan, setting) == 0) {
		members = string_list_join(&setting->shown.devices, ", ");
		others = string_list_join(&setting->shown.also, ", ");
	}
	if (!members || !others) {
		plan_setting_free(setting);
		return -ENOMEM;
	}
	setting->binds = true;
	setting->shown.can_be_adopted = true;
	return plan_add_setting(settings, setting, "%s takes %s by its IDs%s%s", driver,
				members, others[0] ? ", and takes as well: " : "",
				others);
}

static int add_word(const struct plan_view *view, const struct plan *plan,
		    const struct bootcfg_parameter *word, const char *driver,
		    struct plan_settings *settings)
{
	struct plan_setting setting = { 0 };
	int r;

	if (plan_take_word(settings, word, &setting) < 0)
		return -ENOMEM;
	if (!setting.word)
		return 0;
	r = sort_ids(view, plan, word->value, &setting, settings);
	if (r == 0)
		r = plan_shorten_word(word, &setting);
	if (r < 0) {
		plan_setting_free(&setting);
		return r;
	}
	return add(view, plan, driver, &setting, settings);
}

/* "vfio-pci.ids=...": each such word of a command line. */
static int look_at_words(const struct plan_view *view, const struct plan *plan,
			 const struct bootcfg_cmdline *cmdline,
			 struct plan_settings *settings)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cmdline->count; i++)
		for (size_t j = 0; r == 0 && j < ARRAY_SIZE(drivers); j++) {
			char name[32];

			snprintf(name, sizeof(name), "%s.ids", drivers[j]);
			if (cmdline->items[i].value &&
			    bootcfg_same_name(cmdline->items[i].name, name))
				r = add_word(view, plan, &cmdline->items[i], drivers[j],
					     settings);
		}
	return r;
}

/* "options vfio-pci ids=...", or the same without "options" in a file of modules. */
static int look_at_line(const struct plan_view *view, const struct plan *plan,
			const struct bootcfg_modprobe_line *line,
			struct plan_settings *settings)
{
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline words = { 0 };
	const char *driver = find_driver(line->module);
	const struct bootcfg_parameter *ids;
	struct plan_setting setting = { 0 };
	bool is_options = line->kind == MODPROBE_OPTIONS;

	if (!driver || (!is_options && line->kind != MODPROBE_LOAD))
		return 0;
	if (bootcfg_cmdline_parse(line->rest, strlen(line->rest), &words) < 0)
		return -ENOMEM;
	ids = bootcfg_find_parameter(&words, "ids");
	if (!ids || !ids->value)
		return 0;
	if (plan_take_line(line, is_options ? "options " : "", &setting) < 0)
		return -ENOMEM;
	if (sort_ids(view, plan, ids->value, &setting, settings) < 0) {
		plan_setting_free(&setting);
		return -ENOMEM;
	}
	/* An empty "ids=" would be a setting of its own. */
	if (words.count > 1 || has_more(ids->value, &setting.items))
		setting.list = "ids";
	return add(view, plan, driver, &setting, settings);
}

int plan_find_ids(const struct plan_view *view, const struct plan *plan,
		  struct plan_settings *settings)
{
	const struct bootcfg_modprobe *modprobe = &view->modprobe, *loads = &view->loads;
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->boot.n_sources; i++)
		r = look_at_words(view, plan, &view->boot.sources[i].cmdline, settings);
	for (size_t i = 0; r == 0 && i < view->boot.entries.count; i++)
		if (!view->boot.entries.items[i].recovery)
			r = look_at_words(view, plan,
					  &view->boot.entries.items[i].cmdline, settings);
	for (size_t i = 0; r == 0 && i < modprobe->count; i++)
		r = look_at_line(view, plan, &modprobe->lines[i], settings);
	for (size_t i = 0; r == 0 && i < loads->count; i++)
		if (!strcmp(loads->lines[i].file, "etc/initramfs-tools/modules"))
			r = look_at_line(view, plan, &loads->lines[i], settings);
	return r;
}
