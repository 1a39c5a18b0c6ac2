/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int string_list_add_owned(struct string_list *list, char *text)
{
	if (!text)
		return -ENOMEM;
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 8;
		char **items = reallocarray(list->items, room, sizeof(*items));

		if (!items) {
			free(text);
			return -ENOMEM;
		}
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = text;
	return 0;
}

int string_list_add(struct string_list *list, const char *text)
{
	return string_list_add_owned(list, strdup(text));
}

int string_list_addf(struct string_list *list, const char *format, ...)
{
	va_list args;
	char *text;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	return r < 0 ? -ENOMEM : string_list_add_owned(list, text);
}

bool string_list_has(const struct string_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], text))
			return true;
	return false;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void string_list_sort(struct string_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_text);
}

char *string_list_lines(const struct string_list *list, size_t *ret_len)
{
	size_t len = 0;
	char *text, *at;

	for (size_t i = 0; i < list->count; i++)
		len += strlen(list->items[i]) + 1;
	text = at = malloc(len + 1);
	if (!text)
		return NULL;
	for (size_t i = 0; i < list->count; i++) {
		at = stpcpy(at, list->items[i]);
		*at++ = '\n';
	}
	*at = '\0';
	*ret_len = len;
	return text;
}

char *string_list_join(const struct string_list *list, const char *between)
{
	size_t len = 0;
	char *text, *at;

	for (size_t i = 0; i < list->count; i++)
		len += strlen(list->items[i]) + strlen(between);
	text = at = malloc(len + 1);
	if (!text)
		return NULL;
	*at = '\0';
	for (size_t i = 0; i < list->count; i++)
		at = stpcpy(stpcpy(at, i ? between : ""), list->items[i]);
	return text;
}

void string_list_free(struct string_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

bool text_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

char *text_trim_end(char *text)
{
	size_t len = strlen(text);

	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

int text_parse_hex(const char *text, size_t len, uint32_t *ret_value)
{
	uint32_t value = 0;

	if (len == 0 || len > 8)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!isxdigit(c))
			return -EINVAL;
		value = value << 4 |
			(uint32_t)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
	}
	*ret_value = value;
	return 0;
}

int text_parse_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return -ERANGE;
	}
	if (value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/*
 * The length of the well-formed UTF-8 sequence at text, 0 for a stray byte. Overlong
 * forms, surrogates and code points above U+10FFFF are not well-formed (Unicode 15, table
 * 3-7).
 */
static size_t utf8_length(const unsigned char *text)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		len = 2;
	else if ((text[0] & 0xf0) == 0xe0)
		len = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static bool is_harmless(const unsigned char *text, size_t len)
{
	if (len == 1)
		return text[0] >= 0x20 && text[0] != 0x7f;
	/* U+0080 to U+009F: an 8-bit terminal takes U+009B for the start of a sequence.
	 */
	if (len == 2 && text[0] == 0xc2 && text[1] < 0xa0)
		return false;
	/* U+202A-E, U+2066-9: they reorder the line for the eye (bidirectional
	 * overrides). */
	if (len == 3 && text[0] == 0xe2 &&
	    ((text[1] == 0x80 && text[2] >= 0xaa && text[2] <= 0xae) ||
	     (text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9)))
		return false;
	return true;
}

char *text_escape(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	char *escaped, *out;

	out = escaped = malloc(strlen(text) * 4 + 1);
	if (!escaped)
		return NULL;
	while (*in) {
		size_t len = utf8_length(in);

		if (len && is_harmless(in, len)) {
			memcpy(out, in, len);
			out += len;
			in += len;
			continue;
		}
		for (size_t i = 0; i < (len ? len : 1); i++)
			out += sprintf(out, "\\x%02x", *in++);
	}
	*out = '\0';
	return escaped;
}
