/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* https://uapi-group.org/specifications/specs/boot_loader_specification/, type #1. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/entries.h"

/* "$kernelopts": as GRUB's blscfg does it, an unset variable is nothing. */
static char *expand(const char *text, const struct bootcfg_variables *variables,
		    bool *uncertain)
{
	size_t size = 0;
	char *expanded = NULL;
	FILE *stream = open_memstream(&expanded, &size);

	if (!stream)
		return NULL;
	while (*text) {
		size_t len = strcspn(text, "$"), name;
		const struct bootcfg_variable *variable = NULL;
		char *copy;

		fwrite(text, 1, len, stream);
		text += len;
		if (!*text)
			break;
		name = 1;
		while (isalnum((unsigned char)text[name]) || text[name] == '_')
			name++;
		copy = strndup(text + 1, name - 1);
		if (copy)
			variable = bootcfg_variable_find(variables, copy);
		free(copy);
		if (variable)
			fputs(variable->value, stream);
		*uncertain |= variable && variable->uncertain;
		text += name;
	}
	if (fclose(stream) != 0) {
		free(expanded);
		return NULL;
	}
	return expanded;
}

/* Adds the value to what a key had before: there may be several lines of options. */
static int join(char **text, const char *value)
{
	char *joined = NULL;

	if (asprintf(&joined, "%s%s%s", *text ? *text : "", *text ? " " : "", value) < 0)
		return -ENOMEM;
	free(*text);
	*text = joined;
	return 0;
}

static int add_initrds(struct string_list *initrds, const char *value)
{
	while (*value) {
		size_t len = strcspn(value, " \t");

		if (len && *value != '$' &&
		    string_list_addf(initrds, "%.*s", (int)len, value) < 0)
			return -ENOMEM;
		value += len + strspn(value + len, " \t");
	}
	return 0;
}

static int take_line(struct bootcfg_entry *entry, const char *key, const char *value,
		     unsigned int number)
{
	if (!strcmp(key, "title")) {
		free(steal(entry->title));
		return join(&entry->title, value);
	}
	if (!strcmp(key, "linux")) {
		free(steal(entry->kernel));
		return join(&entry->kernel, value);
	}
	if (!strcmp(key, "version")) {
		free(steal(entry->release));
		return join(&entry->release, value);
	}
	if (!strcmp(key, "initrd"))
		return add_initrds(&entry->initrds, value);
	if (strcmp(key, "options") != 0)
		return 0;
	if (!entry->line)
		entry->line = number;
	return join(&entry->options, value);
}

static int take_lines(struct bootcfg_entry *entry, char *text)
{
	unsigned int number = 0;
	int r = 0;

	while (r == 0 && text) {
		char *key = strsep(&text, "\n"), *value;

		number++;
		key += strspn(key, " \t");
		value = key + strcspn(key, " \t");
		if (*key == '#' || !*value)
			continue;
		*value++ = '\0';
		value += strspn(value, " \t");
		r = take_line(entry, key, text_trim_end(value), number);
	}
	return r;
}

int bootcfg_bls_parse(const char *text, size_t len, const char *file,
		      const struct bootcfg_variables *variables,
		      struct bootcfg_entries *entries)
{
	_cleanup_(bootcfg_entry_free) struct bootcfg_entry entry = { .file = file };
	_cleanup_free_ char *copy = strndup(text, len);
	char *expanded;
	int r = copy ? take_lines(&entry, copy) : -ENOMEM;

	if (r == 0 && variables && entry.options) {
		expanded = expand(entry.options, variables, &entry.uncertain);
		if (!expanded)
			return -ENOMEM;
		free(entry.options);
		entry.options = expanded;
	}
	/* Without a kernel it starts another program. */
	return r < 0 || !entry.kernel ? r : bootcfg_entry_add(entries, &entry);
}
