/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of modprobe.d, and of files of modules to load. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/text.h"

/* Behind a line's end, which a backslash hides (libkmod's getline_wrapped()). */
static size_t skip_line(const struct boot_text *text, size_t at, bool goes_on)
{
	while (at < text->len && text->bytes[at] != '\n')
		at += goes_on && text->bytes[at] == '\\' && at + 1 < text->len ? 2 : 1;
	return at < text->len ? at + 1 : text->len;
}

static int find_line(const struct boot_text *text, unsigned int line, bool goes_on,
		     size_t *ret_start, size_t *ret_end)
{
	size_t start = 0;

	/* The number counts lines as an editor does. */
	while (--line && start < text->len)
		start = skip_line(text, start, false);
	if (start >= text->len)
		return -ENOENT;
	*ret_start = start;
	*ret_end = skip_line(text, start, goes_on);
	return 0;
}

int boot_text_drop_line(struct boot_text *text, unsigned int line, bool goes_on)
{
	size_t start, end;
	int r = find_line(text, line, goes_on, &start, &end);

	return r < 0 ? r : boot_text_splice(text, start, end, "", 0);
}

static bool parts_words(char c)
{
	return strchr(" \t\r\n\\", c) != NULL;
}

/* Where "NAME=" begins that stands at the beginning of a word; SIZE_MAX: nowhere. */
static size_t find_word(const struct boot_text *text, size_t start, size_t end,
			const char *name)
{
	size_t len = strlen(name);

	for (size_t at = start; at + len < end; at++)
		if ((at == start || parts_words(text->bytes[at - 1])) &&
		    !memcmp(text->bytes + at, name, len) && text->bytes[at + len] == '=')
			return at;
	return SIZE_MAX;
}

static bool is_item(const struct string_list *items, const char *item, size_t len)
{
	for (size_t i = 0; i < items->count; i++)
		if (strlen(items->items[i]) == len && !memcmp(items->items[i], item, len))
			return true;
	return false;
}

char *boot_list_without(const char *list, size_t len, const struct string_list *items)
{
	char *copy = malloc(len + 1);
	const char *end = list + len;
	size_t n = 0;

	if (!copy)
		return NULL;
	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t item = (size_t)((comma ? comma : end) - list);

		if (!is_item(items, list, item)) {
			if (n)
				copy[n++] = ',';
			memcpy(copy + n, list, item);
			n += item;
		}
		list += item + 1;
	}
	copy[n] = '\0';
	return copy;
}

int boot_text_drop_items(struct boot_text *text, unsigned int line, bool goes_on,
			 const char *name, const struct string_list *items)
{
	_cleanup_free_ char *list = NULL;
	size_t start, end, word, value;
	int r = find_line(text, line, goes_on, &start, &end);

	if (r < 0)
		return r;
	word = find_word(text, start, end, name);
	if (word == SIZE_MAX)
		return -ENOENT;
	value = word + strlen(name) + 1;
	end = value;
	while (end < text->len && !parts_words(text->bytes[end]))
		end++;
	list = boot_list_without(text->bytes + value, end - value, items);
	if (!list)
		return -ENOMEM;
	if (list[0])
		return boot_text_splice(text, value, end, list, strlen(list));
	while (word > start && strchr(" \t", text->bytes[word - 1]))
		word--;
	return boot_text_splice(text, word, end, "", 0);
}
