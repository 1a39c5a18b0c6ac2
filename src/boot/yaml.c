/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One key of /etc/booster.yaml: only what stands in a line of its own is changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/text.h"

struct line {
	const char *start, *end; /* without its newline */
};

static bool next_line(const struct boot_text *text, struct line *line)
{
	const char *end = text->bytes + text->len, *newline;

	line->start = line->start ? line->end + 1 : text->bytes;
	if (line->start >= end)
		return false;
	newline = memchr(line->start, '\n', (size_t)(end - line->start));
	line->end = newline ? newline : end;
	return true;
}

static bool begins_with(const struct line *line, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(line->end - line->start) >= len &&
	       !memcmp(line->start, text, len);
}

/* Several documents, or all of it in braces: not as a person writes this file. */
static bool is_odd(const struct boot_text *text, const struct line *line)
{
	if (begins_with(line, "---"))
		return line->start > text->bytes;
	return line->end > line->start && strchr("{[.-%", *line->start);
}

static bool has_key(const struct line *line, const char *key)
{
	return begins_with(line, key) && line->start + strlen(key) < line->end &&
	       line->start[strlen(key)] == ':';
}

/* Where the value stands; at its end nothing but blanks or a comment follows. */
static const char *take_value(const struct line *line, const char *at,
			      const char **ret_start, const char **ret_end)
{
	static const char odd[] = "[{|>&*!%@`";
	const char *end;
	char quote = '\0';

	while (at < line->end && (*at == ' ' || *at == '\t'))
		at++;
	if (at == line->end || *at == '#' || *at == '\r')
		return "its value does not stand in its line";
	if (strchr(odd, *at))
		return "its value is no plain list";
	if (*at == '"' || *at == '\'')
		quote = *at++;
	for (end = at; end < line->end; end++)
		if (quote ? *end == quote
			  : *end == '\r' || (*end == '#' && end[-1] == ' '))
			break;
	if (quote && (end == line->end || memchr(at, '\\', (size_t)(end - at))))
		return "its value is no plain list";
	while (!quote && end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*ret_start = at;
	*ret_end = end;
	return NULL;
}

/* "a, b": whether it has the item. */
static bool has_item(const char *at, const char *end, const char *item)
{
	size_t len = strlen(item);

	while (at < end) {
		size_t n = 0;

		while (at < end && strchr(" ,", *at))
			at++;
		while (at + n < end && !strchr(" ,", at[n]))
			n++;
		if (n == len && !memcmp(at, item, n))
			return true;
		at += n;
	}
	return false;
}

static int append(struct boot_text *text, const char *key, const char *item)
{
	bool ended = !text->len || text->bytes[text->len - 1] == '\n';
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, "%s%s: %s\n", ended ? "" : "\n", key, item) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return boot_text_splice(text, text->len, text->len, line, strlen(line));
}

int boot_text_add_yaml_item(struct boot_text *text, const char *key, const char *item,
			    const char **ret_why)
{
	const char *start = NULL, *end = NULL;
	_cleanup_free_ char *more = NULL;
	struct line line = { 0 };
	size_t at;

	while (next_line(text, &line)) {
		bool is_it = has_key(&line, key);

		if (is_odd(text, &line) || (is_it && start)) {
			*ret_why = "it is not written as one plain list of keys";
			return -EINVAL;
		}
		*ret_why = is_it ? take_value(&line, line.start + strlen(key) + 1, &start,
					      &end)
				 : NULL;
		if (*ret_why)
			return -EINVAL;
	}
	if (!start)
		return append(text, key, item);
	if (has_item(start, end, item))
		return 0;
	at = (size_t)(end - text->bytes);
	if (asprintf(&more, "%s%s", end > start ? "," : "", item) < 0) {
		more = NULL;
		return -ENOMEM;
	}
	return boot_text_splice(text, at, at, more, strlen(more));
}
