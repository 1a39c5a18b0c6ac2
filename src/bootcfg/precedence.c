/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/precedence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/cmdline.h"

int bootcfg_find_ids(const struct bootcfg_modprobe *modprobe, const char *module,
		     char **ret_ids, const char **ret_file)
{
	*ret_ids = NULL;
	for (size_t i = modprobe->count; i-- > 0;) {
		const struct bootcfg_modprobe_line *line = &modprobe->lines[i];
		_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline words = { 0 };
		const struct bootcfg_parameter *ids;

		if (line->kind != MODPROBE_OPTIONS ||
		    !bootcfg_same_name(line->module, module))
			continue;
		if (bootcfg_cmdline_parse(line->rest, strlen(line->rest), &words) < 0)
			return -ENOMEM;
		ids = bootcfg_find_parameter(&words, "ids");
		if (!ids || !ids->value || !*ids->value)
			continue;
		*ret_file = line->file;
		*ret_ids = strdup(ids->value);
		return *ret_ids ? 0 : -ENOMEM;
	}
	return 0;
}

/* "pre: a b post: c": whether it is among those before. */
bool bootcfg_is_softdep(const struct bootcfg_modprobe_line *line, const char *first)
{
	const char *rest = line->rest;
	bool before = false;
	char word[64];

	if (line->kind != MODPROBE_SOFTDEP)
		return false;
	while (*rest) {
		size_t len = strcspn(rest, " \t");

		snprintf(word, sizeof(word), "%.*s", (int)len, rest);
		if (len && word[strlen(word) - 1] == ':')
			before = !strcmp(word, "pre:");
		else if (before && bootcfg_same_name(word, first))
			return true;
		rest += len + strspn(rest + len, " \t");
	}
	return false;
}

bool bootcfg_comes_after(const struct bootcfg_modprobe *modprobe, const char *module,
			 const char *first)
{
	for (size_t i = 0; i < modprobe->count; i++)
		if (bootcfg_is_softdep(&modprobe->lines[i], first) &&
		    bootcfg_same_name(modprobe->lines[i].module, module))
			return true;
	return false;
}

bool bootcfg_names_module(const char *list, const char *module)
{
	char word[64];

	while (list && *list) {
		size_t len = strcspn(list, ",");

		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		if (bootcfg_same_name(word, module))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}
