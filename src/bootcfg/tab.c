/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/tab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/internal.h"

struct bootcfg_tab_line *bootcfg_tab_append(struct bootcfg_tab *tab, const char *text,
					    size_t len)
{
	struct bootcfg_tab_line *line;

	if (tab->count == tab->room) {
		size_t room = tab->room ? 2 * tab->room : 16;

		line = reallocarray(tab->lines, room, sizeof(*line));
		if (!line)
			return NULL;
		tab->lines = line;
		tab->room = room;
	}
	line = &tab->lines[tab->count];
	memset(line, 0, sizeof(*line));
	line->text = malloc(len + 1);
	if (!line->text)
		return NULL;
	memcpy(line->text, text, len);
	line->text[len] = '\0';
	line->len = len;
	tab->count++;
	return line;
}

static void free_line(struct bootcfg_tab_line *line)
{
	free(line->to);
	free(line->bad);
	free(line->text);
}

void bootcfg_tab_free(struct bootcfg_tab *tab)
{
	if (!tab)
		return;
	for (size_t i = 0; i < tab->count; i++)
		free_line(&tab->lines[i]);
	free(tab->lines);
	memset(tab, 0, sizeof(*tab));
}

int bootcfg_tab_read(const struct host *host, const char *path,
		     struct bootcfg_tab *ret_tab)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read_file(host, path, &text, &len);

	return r < 0 ? r : bootcfg_tab_parse(text, len, ret_tab);
}

int bootcfg_tab_write(const struct bootcfg_tab *tab, char **ret_text, size_t *ret_len)
{
	size_t len = 0, at = 0;
	char *text;

	for (size_t i = 0; i < tab->count; i++)
		len += tab->lines[i].len + tab->lines[i].has_end;
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < tab->count; i++) {
		const struct bootcfg_tab_line *line = &tab->lines[i];

		memcpy(text + at, line->text, line->len);
		at += line->len;
		if (line->has_end)
			text[at++] = '\n';
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

static bool same_place(const struct bootcfg_tab_entry *a,
		       const struct bootcfg_tab_entry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == TAB_PAGES)
		return a->node == b->node && a->page_kib == b->page_kib;
	return pci_address_compare(&a->address, &b->address) == 0;
}

/* Of a bad line nothing but its kind may be known; one that comes twice is whole. */
static bool is_for(const struct bootcfg_tab_line *line,
		   const struct bootcfg_tab_entry *place)
{
	bool is_whole = !line->bad || line->repeats;

	return is_whole && same_place(&line->entry, place);
}

const struct bootcfg_tab_line *bootcfg_tab_find(const struct bootcfg_tab *tab,
						const struct bootcfg_tab_entry *place)
{
	for (size_t i = 0; i < tab->count; i++)
		if (!tab->lines[i].bad && same_place(&tab->lines[i].entry, place))
			return &tab->lines[i];
	return NULL;
}

static bool has_line(enum bootcfg_tab_kind kind)
{
	return kind == TAB_DEVICE || kind == TAB_VF || kind == TAB_SET ||
	       kind == TAB_PAGES;
}

const char *bootcfg_page_size(unsigned int kib, char text[BOOTCFG_PAGE_SIZE])
{
	static const char units[] = "KMG";
	size_t unit = 0;

	for (; kib % 1024 == 0 && kib && units[unit + 1]; unit++)
		kib /= 1024;
	snprintf(text, BOOTCFG_PAGE_SIZE, "%u%c", kib, units[unit]);
	return text;
}

/* NULL: no memory, or no kind that has a line. */
static char *write_entry(const struct bootcfg_tab_entry *entry)
{
	char address[PCI_ADDRESS_SIZE], identity[PCI_IDENTITY_TEXT_SIZE], *text = NULL;
	char size[BOOTCFG_PAGE_SIZE];
	const char *to = entry->to ? entry->to : "";
	int r = -1;

	pci_address_format(&entry->address, address);
	pci_identity_write(&entry->identity, identity);
	if (entry->kind == TAB_DEVICE)
		r = asprintf(&text, "device %s %s %s", address, identity, to);
	else if (entry->kind == TAB_SET)
		r = asprintf(&text, "set %s %s %s", address, identity, to);
	else if (entry->kind == TAB_VF)
		r = asprintf(&text, "vf %s %s %u%s%s", address, identity, entry->count,
			     *to ? " " : "", to);
	else if (entry->kind == TAB_PAGES)
		r = asprintf(&text, "pages node%u %s %u", entry->node,
			     bootcfg_page_size(entry->page_kib, size), entry->count);
	return r < 0 ? NULL : text;
}

static bool same_entry(const struct bootcfg_tab_entry *a,
		       const struct bootcfg_tab_entry *b)
{
	char left[PCI_IDENTITY_TEXT_SIZE], right[PCI_IDENTITY_TEXT_SIZE];

	return same_place(a, b) && pci_address_compare(&a->address, &b->address) == 0 &&
	       !strcmp(pci_identity_write(&a->identity, left),
		       pci_identity_write(&b->identity, right)) &&
	       !strcmp(a->to ? a->to : "", b->to ? b->to : "") && a->count == b->count;
}

/* What is behind a line's words: its comment, and a carriage return. */
static char *with_rest(const char *words, const struct bootcfg_tab_line *old)
{
	size_t at = bootcfg_tab_comment(old->text, old->len);
	bool returns = old->len && old->text[old->len - 1] == '\r';
	char *text;

	if (asprintf(&text, "%s%s%s%s", words, at < old->len ? " " : "", old->text + at,
		     at == old->len && returns ? "\r" : "") < 0)
		return NULL;
	return text;
}

/* Puts a line that was made apart in the place of the one that counted, or at the end. */
static int put_line(struct bootcfg_tab *tab, struct bootcfg_tab_line *made,
		    struct bootcfg_tab_line *old)
{
	if (old) {
		made->has_end = old->has_end;
		free_line(old);
		*old = *made;
	} else {
		if (!bootcfg_tab_append(tab, "", 0))
			return -ENOMEM;
		if (tab->count > 1)
			tab->lines[tab->count - 2].has_end = true;
		old = &tab->lines[tab->count - 1];
		free_line(old);
		*old = *made;
		old->has_end = true;
	}
	memset(made, 0, sizeof(*made));
	return 0;
}

int bootcfg_tab_set(struct bootcfg_tab *tab, const struct bootcfg_tab_entry *entry)
{
	const struct bootcfg_tab_line *found = bootcfg_tab_find(tab, entry);
	struct bootcfg_tab_line *old = found ? &tab->lines[found - tab->lines] : NULL;
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab alone = { 0 };
	_cleanup_free_ char *words = write_entry(entry), *text = NULL;

	if (old && same_entry(&old->entry, entry))
		return 0;
	if (words)
		text = old ? with_rest(words, old) : strdup(words);
	if (!text)
		return has_line(entry->kind) ? -ENOMEM : -EINVAL;
	if (bootcfg_tab_parse(text, strlen(text), &alone) < 0)
		return -ENOMEM;
	if (alone.count != 1 || alone.lines[0].bad ||
	    !same_entry(&alone.lines[0].entry, entry))
		return -EINVAL;
	alone.lines[0].number = old ? old->number : 0;
	return put_line(tab, &alone.lines[0], old);
}

/* The word of `settings` that has the name of this one; NULL: none. */
static const char *find_setting(const char *settings, const char *word)
{
	size_t name = strcspn(word, "=") + 1;

	for (const char *at = settings; *at; at += strcspn(at, " "), at += *at == ' ')
		if (!strncmp(at, word, name))
			return at;
	return NULL;
}

char *bootcfg_settings_merge(const char *settings, const char *with)
{
	size_t room = strlen(settings) + strlen(with) + 2, len = 0;
	char *merged = calloc(room, 1);
	const char *word;

	for (int pass = 0; merged && pass < 2; pass++)
		for (word = pass ? with : settings; *word;
		     word += strcspn(word, " "), word += *word == ' ') {
			const char *other = find_setting(pass ? settings : with, word);

			/* Those that are in both stand where they stood. */
			if (pass && other)
				continue;
			other = other ? other : word;
			len += (size_t)snprintf(merged + len, room - len, "%s%.*s",
						len ? " " : "", (int)strcspn(other, " "),
						other);
		}
	return merged;
}

/* The next line from *at on that binds a device; NULL: none does. */
static const struct bootcfg_tab_entry *next_device(const struct bootcfg_tab *tab,
						   size_t *at)
{
	while (*at < tab->count) {
		const struct bootcfg_tab_line *line = &tab->lines[(*at)++];

		if (!line->bad && line->entry.kind == TAB_DEVICE)
			return &line->entry;
	}
	return NULL;
}

bool bootcfg_tab_same_devices(const struct bootcfg_tab *a, const struct bootcfg_tab *b)
{
	const struct bootcfg_tab_entry *one, *other;
	size_t i = 0, j = 0;

	do {
		one = next_device(a, &i);
		other = next_device(b, &j);
	} while (one && other && same_entry(one, other));
	return !one && !other;
}

bool bootcfg_tab_remove(struct bootcfg_tab *tab, const struct bootcfg_tab_entry *place)
{
	/* It may be in one of the lines. */
	const struct bootcfg_tab_entry wanted = *place;
	size_t kept = 0, count = tab->count;

	for (size_t i = 0; i < count; i++) {
		if (is_for(&tab->lines[i], &wanted))
			free_line(&tab->lines[i]);
		else
			tab->lines[kept++] = tab->lines[i];
	}
	tab->count = kept;
	return kept < count;
}
