/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drivers that are kept away or put behind, modules that are loaded by name, overrides.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/overrides.h"
#include "bootcfg/precedence.h"
#include "check/images.h"
#include "plan/found.h"

/* Words of the command line that keep modules away: modprobe, dracut, the kernel. */
static const char *const keepers[] = { "modprobe.blacklist", "rd.driver.blacklist",
				       "rdblacklist", "module_blacklist" };

/* Those that VFIO consists of, and did before Linux 6.2. */
static const char *const vfio_modules[] = { "vfio",	     "vfio-pci",
					    "vfio-pci-core", "vfio-iommu-type1",
					    "vfio-virqfd",   "pci-stub" };

static bool is_vfio_module(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(vfio_modules); i++)
		if (bootcfg_same_name(vfio_modules[i], name))
			return true;
	return false;
}

/* Adds the setting if it is about a member; what it holds is taken in any case. */
static int add_kept(struct plan_setting *setting, struct plan_settings *settings)
{
	_cleanup_free_ char *members = string_list_join(&setting->shown.devices, ", ");
	_cleanup_free_ char *others = string_list_join(&setting->shown.also, ", ");
	bool is_left = !setting->shown.can_be_adopted;

	if (!members || !others || !members[0]) {
		plan_setting_free(setting);
		return members && others ? 0 : -ENOMEM;
	}
	return plan_add_setting(settings, setting, "a driver is kept away from %s%s%s%s",
				members, others[0] ? ", and from " : "", others,
				is_left ? ", so it is left alone" : "");
}

static int look_at_blacklist(const struct plan_claims *claims, const struct plan *plan,
			     const struct bootcfg_modprobe_line *line,
			     struct plan_settings *settings)
{
	struct plan_setting setting = { 0 };

	if (plan_take_line(line, "blacklist ", &setting) < 0)
		return -ENOMEM;
	if (plan_claims_find(claims, plan, line->module, &setting.shown.devices,
			     &setting.shown.also) < 0) {
		plan_setting_free(&setting);
		return -ENOMEM;
	}
	/* Kept away from others as well, it may make room for another driver of theirs.
	 */
	setting.shown.can_be_adopted = !setting.shown.also.count;
	return add_kept(&setting, settings);
}

/* Of a list, those that are for members alone are items to be taken out. */
static int sort_modules(const struct plan_claims *claims, const struct plan *plan,
			const char *list, struct plan_setting *setting)
{
	int r = 0;

	while (r == 0 && *list) {
		size_t len = strcspn(list, ",");
		_cleanup_(string_list_free) struct string_list members = { 0 };
		_cleanup_(string_list_free) struct string_list others = { 0 };
		_cleanup_free_ char *name = strndup(list, len);

		r = name ? plan_claims_find(claims, plan, name, &members, &others)
			 : -ENOMEM;
		for (size_t i = 0; r == 0 && i < members.count; i++)
			if (!string_list_has(&setting->shown.devices, members.items[i]))
				r = string_list_add(&setting->shown.devices,
						    members.items[i]);
		for (size_t i = 0; r == 0 && i < others.count; i++)
			if (!string_list_has(&setting->shown.also, others.items[i]))
				r = string_list_add(&setting->shown.also,
						    others.items[i]);
		if (r == 0 && members.count && !others.count)
			r = string_list_add(&setting->items, name);
		list += len + (list[len] == ',');
	}
	return r;
}

static int look_at_word(const struct plan_claims *claims, const struct plan *plan,
			const struct bootcfg_parameter *word,
			struct plan_settings *settings)
{
	struct plan_setting setting = { 0 };
	int r;

	if (plan_take_word(settings, word, &setting) < 0)
		return -ENOMEM;
	if (!setting.word)
		return 0;
	r = sort_modules(claims, plan, word->value, &setting);
	if (r == 0)
		r = plan_shorten_word(word, &setting);
	if (r < 0) {
		plan_setting_free(&setting);
		return r;
	}
	setting.shown.can_be_adopted = setting.items.count > 0;
	return add_kept(&setting, settings);
}

static int look_at_words(const struct plan_claims *claims, const struct plan *plan,
			 const struct bootcfg_cmdline *cmdline,
			 struct plan_settings *settings)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cmdline->count; i++)
		for (size_t j = 0; r == 0 && j < ARRAY_SIZE(keepers); j++)
			if (cmdline->items[i].value &&
			    bootcfg_same_name(cmdline->items[i].name, keepers[j]))
				r = look_at_word(claims, plan, &cmdline->items[i],
						 settings);
	return r;
}

/* "softdep X pre: vfio-pci", with no other module in it. */
static int look_at_softdep(const struct plan_claims *claims, const struct plan *plan,
			   const struct bootcfg_modprobe_line *line,
			   struct plan_settings *settings)
{
	struct plan_setting setting = { .serves_others = true };
	_cleanup_free_ char *copy = strdup(line->rest);
	char *rest = copy, *word;
	bool alone = true;

	if (!copy)
		return -ENOMEM;
	while ((word = strsep(&rest, " \t")))
		alone &= !*word || !strcmp(word, "pre:") || is_vfio_module(word);
	if (plan_take_line(line, "softdep ", &setting) < 0)
		return -ENOMEM;
	if (plan_claims_find(claims, plan, line->module, &setting.shown.devices,
			     &setting.shown.also) < 0) {
		plan_setting_free(&setting);
		return -ENOMEM;
	}
	if (!setting.shown.devices.count) {
		plan_setting_free(&setting);
		return 0;
	}
	setting.shown.can_be_adopted = alone;
	return plan_add_setting(settings, &setting,
				"vfio-pci is loaded before this driver, which by address"
				" it need not be");
}

/* Debian's file of modules, in which people write what belongs into modprobe.d, too. */
static int look_at_load(const struct bootcfg_modprobe_line *line,
			struct plan_settings *settings)
{
	struct plan_setting setting = { .serves_others = true };
	bool is_misplaced =
		(!strcmp(line->module, "softdep") || !strcmp(line->module, "options")) &&
		strstr(line->rest, "vfio");

	if (strcmp(line->file, "etc/initramfs-tools/modules") != 0 ||
	    (!is_misplaced && !is_vfio_module(line->module)) ||
	    strstr(line->rest, "ids="))
		return 0;
	if (plan_take_line(line, "", &setting) < 0)
		return -ENOMEM;
	setting.serves_others = !is_misplaced;
	setting.shown.can_be_adopted = true;
	return plan_add_setting(settings, &setting, "%s",
				is_misplaced
					? "it has no effect here"
					: "loaded in the initramfs by its name, which"
					  " the tab does for what it needs");
}

int plan_find_modules(const struct plan_view *view, const struct plan *plan,
		      struct plan_settings *settings)
{
	const struct bootcfg_modprobe *modprobe = &view->modprobe, *loads = &view->loads;
	_cleanup_(plan_claims_free) struct plan_claims claims = { 0 };
	int r = 0;

	plan_claims_read(view, &claims);
	for (size_t i = 0; r == 0 && i < view->boot.n_sources; i++)
		r = look_at_words(&claims, plan, &view->boot.sources[i].cmdline,
				  settings);
	for (size_t i = 0; r == 0 && i < view->boot.entries.count; i++)
		if (!view->boot.entries.items[i].recovery)
			r = look_at_words(&claims, plan,
					  &view->boot.entries.items[i].cmdline, settings);
	for (size_t i = 0; r == 0 && i < modprobe->count; i++)
		if (modprobe->lines[i].kind == MODPROBE_BLACKLIST)
			r = look_at_blacklist(&claims, plan, &modprobe->lines[i],
					      settings);
		else if (bootcfg_is_softdep(&modprobe->lines[i], "vfio-pci"))
			r = look_at_softdep(&claims, plan, &modprobe->lines[i], settings);
	for (size_t i = 0; r == 0 && i < loads->count; i++)
		r = look_at_load(&loads->lines[i], settings);
	return r;
}

static int look_at_override(const struct plan_view *view,
			    const struct plan_member *member,
			    struct plan_settings *settings)
{
	struct plan_setting setting = { 0 };
	char path[BOOTCFG_DRIVERCTL_SIZE], driver[64], address[PCI_ADDRESS_SIZE];
	enum fact fact;

	pci_address_format(&member->address, address);
	bootcfg_driverctl_path(address, path);
	fact = host_read(view->host, path, driver, sizeof(driver));
	if (fact == FACT_ABSENT)
		return 0;
	if (fact != FACT_KNOWN)
		snprintf(driver, sizeof(driver), "?");
	setting.shown.fights = !bootcfg_same_name(driver, member->driver);
	setting.shown.can_be_adopted = !setting.shown.fights;
	setting.file = strdup(path);
	setting.shown.text = strdup(driver);
	if (asprintf(&setting.shown.place, "/%s", path) < 0)
		setting.shown.place = NULL;
	if (!setting.file || string_list_add(&setting.shown.devices, address) < 0) {
		plan_setting_free(&setting);
		return -ENOMEM;
	}
	return plan_add_setting(settings, &setting,
				"driverctl gives %s to %s at each boot", address, driver);
}

int plan_find_overrides(const struct plan_view *view, const struct plan *plan,
			struct plan_settings *settings)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = look_at_override(view, &plan->members[i], settings);
	return r;
}
