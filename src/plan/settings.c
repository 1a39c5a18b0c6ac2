/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/function_settings.h"
#include "bind/settings.h"
#include "plan/internal.h"
#include "plan/trial.h"
#include "plan/verify.h"

int plan_own_words(const char *settings, struct string_list *words)
{
	_cleanup_free_ char *copy = strdup(settings);
	char *rest = copy, *word;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (word = strsep(&rest, " ")))
		if (!bind_is_function_setting(word))
			r = string_list_add(words, word);
	return r;
}

/* Whether they can be set; why not goes to the expectation, behind its driver. */
static bool make_sense(const struct plan_view *view,
		       const struct bootcfg_tab_entry *entry, const char *settings,
		       struct bind_settings *ret_wanted, char why[400])
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	char misfit[300];

	if (!plan_find_listed(view, entry, misfit, sizeof(misfit))) {
		snprintf(why, 400, "its set line: %s", misfit);
		return false;
	}
	if (bind_settings_parse(settings, ret_wanted, &failure) < 0) {
		snprintf(why, 400, "its set line: %s", failure.message);
		return false;
	}
	return true;
}

int plan_verify_settings(const struct plan_view *view, const struct bootcfg_tab *tab,
			 struct plan_expected *expected)
{
	const struct bootcfg_tab_entry place = { .kind = TAB_SET,
						 .address = expected->address };
	const struct bootcfg_tab_line *line = bootcfg_tab_find(tab, &place);
	_cleanup_(string_list_free) struct string_list words = { 0 };
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	_cleanup_free_ char *settings = NULL;
	struct bind_settings wanted, now;
	char why[400] = "";

	if (line && plan_own_words(line->entry.to, &words) < 0)
		return -ENOMEM;
	if (!words.count)
		return 0;
	settings = string_list_join(&words, " ");
	if (!settings)
		return -ENOMEM;
	if (!make_sense(view, &line->entry, settings, &wanted, why))
		expected->bad_settings = true;
	else if (bind_settings_read(view->host, &expected->address, &wanted, &now,
				    &failure) < 0)
		snprintf(why, sizeof(why), "its set line: %s", failure.message);
	else if (!bind_settings_hold(&wanted, &now))
		snprintf(why, sizeof(why),
			 "it is not set to %.200s: pciferry bind --tab does it",
			 settings);
	/* Its driver is the reason that comes first. */
	if (expected->holds && why[0])
		memcpy(expected->why, why, sizeof(expected->why));
	expected->holds &= !why[0];
	if (!expected->bad_settings)
		expected->settings = steal(settings);
	return 0;
}

/* One device's line: what there is already stays, but for what is set anew. */
static int make_entry(const struct bootcfg_tab *tab, const struct pci_address *address,
		      const char *settings, struct bootcfg_tab_entry *entry,
		      char **ret_text, struct error *err)
{
	const struct bootcfg_tab_entry place = { .kind = TAB_SET, .address = *address };
	const struct bootcfg_tab_line *line = bootcfg_tab_find(tab, &place);
	const struct bootcfg_tab_entry *device = plan_tab_find(tab, address);
	char text[PCI_ADDRESS_SIZE];

	if (!device) {
		error_set(err, ENOENT, pci_address_format(address, text),
			  "/etc/pciferry.tab does not give it to guests, so nothing of it"
			  " is set at boot: nothing was changed");
		error_hint(err, "first pciferry apply %s", text);
		return -ENOENT;
	}
	*ret_text = bootcfg_settings_merge(line ? line->entry.to : "", settings);
	if (!*ret_text)
		return error_oom(err);
	*entry = (struct bootcfg_tab_entry){ .kind = TAB_SET,
					     .address = *address,
					     .identity = device->identity,
					     .to = *ret_text };
	return 0;
}

int plan_keep_settings(const struct host *host, const struct pci_address *addresses,
		       size_t count, const char *settings, struct change_edits *ret_edits,
		       struct string_list *ret_instructions, struct error *err)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_free_ struct bootcfg_tab_entry *entries =
		calloc(count + 1, sizeof(*entries));
	_cleanup_free_ char **texts = calloc(count + 1, sizeof(*texts));
	int r = plan_refuse_pending(host, err);

	if (!entries || !texts)
		return error_oom(err);
	if (r == 0)
		r = plan_tab_read_or_empty(host, &tab, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = make_entry(&tab, &addresses[i], settings, &entries[i], &texts[i],
			       err);
	if (r == 0)
		r = boot_edit_settings(host, entries, count, ret_edits, ret_instructions,
				       err);
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	return r == 0 ? change_edits_look(host, ret_edits, err) : r;
}
