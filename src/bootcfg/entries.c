/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/entries.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/uki.h"

void bootcfg_entry_free(struct bootcfg_entry *entry)
{
	if (!entry)
		return;
	free(entry->title);
	free(entry->kernel);
	free(entry->release);
	free(entry->options);
	string_list_free(&entry->initrds);
	bootcfg_cmdline_free(&entry->cmdline);
	memset(entry, 0, sizeof(*entry));
}

void bootcfg_entries_free(struct bootcfg_entries *entries)
{
	if (!entries)
		return;
	for (size_t i = 0; i < entries->count; i++)
		bootcfg_entry_free(&entries->items[i]);
	free(entries->items);
	memset(entries, 0, sizeof(*entries));
}

/* "/boot/vmlinuz-6.1.0-56-amd64", "/ID/6.1.0-56-amd64/linux": "6.1.0-56-amd64". */
static char *find_release(const char *kernel)
{
	const char *name = strrchr(kernel, '/'), *folder;

	name = name ? name + 1 : kernel;
	for (const char *dash = strchr(name, '-'); dash; dash = strchr(dash + 1, '-'))
		if (isdigit((unsigned char)dash[1]) && strchr(dash, '.')) {
			size_t len = strlen(dash + 1);

			if (bootcfg_is_efi(dash + 1))
				len -= 4;
			return strndup(dash + 1, len);
		}
	folder = name - (name > kernel);
	while (folder > kernel && folder[-1] != '/')
		folder--;
	if (isdigit((unsigned char)*folder) &&
	    memchr(folder, '.', (size_t)(name - folder)))
		return strndup(folder, (size_t)(name - 1 - folder));
	return strdup("");
}

static bool says_recovery(const char *text)
{
	return strcasestr(text, "recovery") || strcasestr(text, "rescue") ||
	       strcasestr(text, "fallback");
}

static bool is_recovery(const struct bootcfg_entry *entry)
{
	static const char *const words[] = { "single", "recovery", "emergency", "rescue",
					     "systemd.unit" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (bootcfg_find_parameter(&entry->cmdline, words[i]))
			return true;
	return says_recovery(entry->title) || says_recovery(entry->kernel);
}

/* A text that was not given is "". */
static bool complete(char **text)
{
	if (!*text)
		*text = strdup("");
	return *text != NULL;
}

int bootcfg_entry_add(struct bootcfg_entries *entries, struct bootcfg_entry *entry)
{
	struct bootcfg_entry *larger;

	if (!complete(&entry->title) || !complete(&entry->kernel) ||
	    !complete(&entry->options))
		goto fail;
	if (!entry->release)
		entry->release = find_release(entry->kernel);
	larger = reallocarray(entries->items, entries->count + 1, sizeof(*larger));
	if (larger)
		entries->items = larger;
	if (!larger || !entry->release ||
	    bootcfg_cmdline_parse(entry->options, strlen(entry->options),
				  &entry->cmdline) < 0)
		goto fail;
	entry->recovery = is_recovery(entry);
	entries->items[entries->count++] = *entry;
	memset(entry, 0, sizeof(*entry));
	return 0;
fail:
	bootcfg_entry_free(entry);
	return -ENOMEM;
}
