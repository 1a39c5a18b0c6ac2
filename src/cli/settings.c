/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/settings.h"

#include <json-c/json.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "change/edit.h"
#include "cli/edits.h"
#include "cli/json.h"
#include "cli/output.h"
#include "plan/settings.h"

int settings_keep(const struct cli *cli, const struct host *host,
		  const struct take_options *options, const struct pci_address *addresses,
		  size_t count, bool only_look, unsigned int *ret_id, struct error *err)
{
	_cleanup_(string_list_free) struct string_list instructions = { 0 };
	_cleanup_(change_edits_free) struct change_edits edits = { 0 };
	struct change *change = NULL;
	char title[160];
	int r = 0;

	*ret_id = 0;
	if (!only_look)
		r = edits_begin(cli, host, &change, err);
	if (r == 0 && change)
		r = change_refuse_interrupted(change, err);
	if (r == 0)
		r = plan_keep_settings(host, addresses, count, options->settings, &edits,
				       &instructions, err);
	if (r == 0 && change && edits.count) {
		snprintf(title, sizeof(title), "%.120s at each boot", options->settings);
		r = edits_apply(cli, change, title, addresses, count, &edits, ret_id,
				err);
		if (r < 0)
			error_evidence(err,
				       "it is so now, and is not kept for the next boot");
	}
	change_end(change);
	for (size_t i = 0; r == 0 && !only_look && i < instructions.count; i++)
		output_talk("%s", instructions.items[i]);
	return r;
}

int settings_print_edits(const struct host *host, const struct take_options *options,
			 const struct pci_address *addresses, size_t count,
			 struct error *err)
{
	_cleanup_(string_list_free) struct string_list instructions = { 0 };
	_cleanup_(change_edits_free) struct change_edits edits = { 0 };
	int r = plan_keep_settings(host, addresses, count, options->settings, &edits,
				   &instructions, err);

	return r < 0 ? r : edits_print_all(&edits, &instructions, err);
}

void settings_print(const struct bind_member *member, struct json_object *item)
{
	char now[BIND_SETTINGS_TEXT_SIZE], before[BIND_SETTINGS_TEXT_SIZE];
	bool held = bind_settings_hold(&member->wanted.settings, &member->now.settings);

	bind_settings_format(&member->wanted.settings, now);
	bind_settings_format(&member->now.settings, before);
	if (item) {
		json_add_text_or_null(item, "settings", now);
		json_add_text_or_null(item, "settings_before", before);
	} else if (now[0] && held) {
		output_line("  %s, already", now);
	} else if (now[0]) {
		output_line("  %s, was %s", now, before[0] ? before : "unknown");
	}
}
