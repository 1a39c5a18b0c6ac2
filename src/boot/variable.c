/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings in a file that a shell reads: only values in the plain forms are changed. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/text.h"

/* Where a value stands in a file, and how it is quoted. */
struct place {
	size_t start, end; /* without the quotes */
	char quote;	   /* '\0': none */
};

/* "NAME=" or "NAME+=" at the start of a line, behind "export": where the value begins. */
static const char *find_value(const char *line, const char *end, const char *name)
{
	size_t len = strlen(name);

	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	if ((size_t)(end - line) > 7 && !memcmp(line, "export ", 7))
		line += 7;
	if ((size_t)(end - line) <= len || memcmp(line, name, len) != 0)
		return NULL;
	line += len;
	if (line + 1 < end && *line == '+')
		line++;
	return line < end && *line == '=' ? line + 1 : NULL;
}

/* Up to the same quote; a backslash hides one in double quotes. */
static const char *find_quote(const char *at, const char *end, char quote)
{
	for (; at < end && *at != quote; at++)
		if (*at == '\\' && quote == '"' && at + 1 < end)
			at++;
	return at < end ? at : NULL;
}

/* What only a shell would work out. */
static bool is_plain(const char *at, const char *end)
{
	for (; at < end; at++)
		if (*at == '`' || (*at == '$' && at + 1 < end && at[1] == '('))
			return false;
	return true;
}

/* Behind a value nothing may stand but a comment. */
static bool ends_there(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	return at == end || *at == '\n' || *at == '#' || *at == ';';
}

static int take_value(const struct boot_text *text, const char *value,
		      struct place *ret_place, const char **ret_why)
{
	const char *end = text->bytes + text->len, *stop;
	char quote = value < end && (*value == '"' || *value == '\'') ? *value : '\0';

	if (quote) {
		stop = find_quote(++value, end, quote);
		if (!stop) {
			*ret_why = "its quotes are not closed";
			return -EINVAL;
		}
	} else {
		stop = value;
		while (stop < end && !isspace((unsigned char)*stop) && *stop != ';')
			stop++;
	}
	if (quote != '\'' && !is_plain(value, stop)) {
		*ret_why = "a command makes its value";
		return -EINVAL;
	}
	if (!ends_there(stop + (quote != '\0'), end) ||
	    (!quote && memchr(value, '\\', (size_t)(stop - value)))) {
		*ret_why = "its value is put together of several parts";
		return -EINVAL;
	}
	*ret_place = (struct place){ (size_t)(value - text->bytes),
				     (size_t)(stop - text->bytes), quote };
	return 0;
}

/* 0 and the place, or -ENOENT: it is not set there, or -EINVAL. */
static int find_place(const struct boot_text *text, const char *name, unsigned int line,
		      struct place *ret_place, const char **ret_why)
{
	const char *at = text->bytes, *end = text->bytes + text->len, *found = NULL;

	for (unsigned int number = 1; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *value = find_value(at, newline ? newline : end, name);

		if (value && (!line || number == line))
			found = value;
		at = newline ? newline + 1 : end;
	}
	return found ? take_value(text, found, ret_place, ret_why) : -ENOENT;
}

/* Whether a line has "NAME=" or "NAME+=" somewhere in it. */
static bool has_assignment(const char *at, const char *stop, const char *name)
{
	size_t len = strlen(name);

	for (const char *start = at;
	     (at = memmem(at, (size_t)(stop - at), name, len)) && at + len < stop; at++)
		if ((at[len] == '=' || at[len] == '+') &&
		    (at == start || !(isalnum((unsigned char)at[-1]) || at[-1] == '_')))
			return true;
	return false;
}

/*
 * Whether it may be set all the same, where find_place() does not look: in a condition
 * that is one line, or in another file that this one reads.
 */
static bool may_be_set(const struct boot_text *text, const char *name)
{
	const char *at = text->bytes, *end = text->bytes + text->len;

	while (at && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;

		while (at < stop && isblank((unsigned char)*at))
			at++;
		if (at < stop && *at != '#' &&
		    (has_assignment(at, stop, name) || !strncmp(at, ". ", 2) ||
		     !strncmp(at, "source ", 7)))
			return true;
		at = newline ? newline + 1 : end;
	}
	return false;
}

/* What may be set before stays a part of it. */
static int append(struct boot_text *text, const char *name,
		  const struct boot_parameters *parameters)
{
	bool ended = !text->len || text->bytes[text->len - 1] == '\n';
	bool set = may_be_set(text, name);
	char *bytes = NULL;

	if (asprintf(&bytes, "%s%s%s=\"%s%s\"\n", text->bytes ? text->bytes : "",
		     ended ? "" : "\n", name, set ? "$" : "", set ? name : "") < 0)
		return -ENOMEM;
	free(text->bytes);
	text->bytes = bytes;
	text->len = strlen(bytes);
	return boot_text_edit_words(text, text->len - 2 - (set ? 1 + strlen(name) : 0),
				    text->len - 2, parameters);
}

/* A value without quotes gets some, so that it can have several words. */
static int quote_value(struct boot_text *text, struct place *place)
{
	size_t len = place->end - place->start;
	char *bytes = malloc(text->len + 3);

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, text->bytes, place->start);
	bytes[place->start] = '"';
	memcpy(bytes + place->start + 1, text->bytes + place->start, len);
	bytes[place->end + 1] = '"';
	memcpy(bytes + place->end + 2, text->bytes + place->end, text->len - place->end);
	free(text->bytes);
	text->bytes = bytes;
	text->len += 2;
	text->bytes[text->len] = '\0';
	place->start++;
	place->end++;
	return 0;
}

int boot_text_edit_variable(struct boot_text *text, const char *name, unsigned int line,
			    const struct boot_parameters *parameters,
			    const char **ret_why)
{
	struct place place;
	int r = find_place(text, name, line, &place, ret_why);

	if (r == -ENOENT && !line)
		return parameters->add.count ? append(text, name, parameters) : 0;
	if (r == 0 && boot_text_is_done(text, place.start, place.end, parameters))
		return 0;
	if (r == 0 && !place.quote)
		r = quote_value(text, &place);
	return r < 0 ? r : boot_text_edit_words(text, place.start, place.end, parameters);
}
