/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/entries.h"

static int replace(char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

/* "boot():/vmlinuz-linux#checksum", before "boot://1/vmlinuz-linux": "/vmlinuz-linux". */
static int take_path(char **ret_path, const char *value)
{
	const char *colon = strstr(value, "):"), *slashes = strstr(value, "://");

	if (colon)
		value = colon + strlen("):");
	else if (slashes)
		value = slashes + strlen("://") + strcspn(slashes + strlen("://"), "/");
	free(*ret_path);
	*ret_path = strndup(value, strcspn(value, "#"));
	return *ret_path ? 0 : -ENOMEM;
}

static bool is_key(const char *key, const char *name, const char *alias)
{
	return !strcasecmp(key, name) || !strcasecmp(key, alias);
}

static int take_setting(struct bootcfg_entry *entry, const char *key, const char *value,
			unsigned int number)
{
	char *initrd = NULL;
	int r;

	if (is_key(key, "path", "kernel_path"))
		return take_path(&entry->kernel, value);
	if (is_key(key, "cmdline", "kernel_cmdline")) {
		entry->line = number;
		entry->uncertain = strstr(value, "${") != NULL;
		return replace(&entry->options, value);
	}
	if (!is_key(key, "module_path", "initrd_path"))
		return 0;
	r = take_path(&initrd, value);
	return r < 0 ? r : string_list_add_owned(&entry->initrds, initrd);
}

/* What has no command line starts another loader, or a system that is not Linux. */
static int close_entry(struct bootcfg_entries *entries, struct bootcfg_entry *entry,
		       const char *file)
{
	int r = entry->kernel && entry->options ? bootcfg_entry_add(entries, entry) : 0;

	bootcfg_entry_free(entry);
	entry->file = file;
	return r;
}

int bootcfg_limine_parse(const char *text, size_t len, const char *file,
			 struct bootcfg_entries *entries)
{
	_cleanup_(bootcfg_entry_free) struct bootcfg_entry entry = { .file = file };
	_cleanup_free_ char *copy = strndup(text, len);
	unsigned int number = 0;
	char *rest = copy;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && rest) {
		char *line = strsep(&rest, "\n"), *value;

		number++;
		line += strspn(line, " \t");
		text_trim_end(line);
		if (*line == '/' || *line == ':') {
			r = close_entry(entries, &entry, file);
			if (r == 0)
				r = replace(&entry.title, line + strspn(line, "/:+ "));
			continue;
		}
		value = line + strcspn(line, ":=");
		if (*line == '#' || !*value)
			continue;
		*value++ = '\0';
		r = take_setting(&entry, line, value + strspn(value, " \t"), number);
	}
	return r < 0 ? r : close_entry(entries, &entry, file);
}
