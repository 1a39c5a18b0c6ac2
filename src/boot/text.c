/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void boot_parameters_free(struct boot_parameters *parameters)
{
	if (!parameters)
		return;
	string_list_free(&parameters->add);
	string_list_free(&parameters->remove);
	string_list_free(&parameters->instead);
}

void boot_text_free(struct boot_text *text)
{
	if (!text)
		return;
	free(text->bytes);
	*text = (struct boot_text){ 0 };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A word ends at a blank or an end of line that does not stand in double quotes. */
static size_t word_length(const char *at, const char *end)
{
	bool quoted = false;
	const char *start = at;

	for (; at < end && (quoted || !isspace((unsigned char)*at)); at++)
		if (*at == '"')
			quoted = !quoted;
	return (size_t)(at - start);
}

/* Its number in the list, or SIZE_MAX. */
static size_t find_word(const struct string_list *list, const char *word, size_t len)
{
	for (size_t i = 0; i < list->count; i++)
		if (strlen(list->items[i]) == len && !memcmp(list->items[i], word, len))
			return i;
	return SIZE_MAX;
}

static bool has_word(const char *at, const char *end, const char *word)
{
	while (at < end) {
		size_t len = word_length(at, end);

		if (strlen(word) == len && !memcmp(word, at, len))
			return true;
		at += len ? len : 1;
	}
	return false;
}

/* What stands in the place of a word: itself, another one, or, NULL, nothing. */
static const char *find_instead(const struct boot_parameters *parameters,
				const char *word, size_t *len)
{
	size_t found = *len ? find_word(&parameters->remove, word, *len) : SIZE_MAX;

	if (found == SIZE_MAX)
		return word;
	if (found >= parameters->instead.count || !parameters->instead.items[found][0])
		return NULL;
	*len = strlen(parameters->instead.items[found]);
	return parameters->instead.items[found];
}

/* A word that is taken out goes with the blanks before it, the first with those behind.
 */
static void write_kept(const char *at, const char *end,
		       const struct boot_parameters *parameters, FILE *stream)
{
	bool first = true;

	while (at < end) {
		const char *word = at, *instead;
		size_t len, n;

		while (word < end && isspace((unsigned char)*word))
			word++;
		len = n = word_length(word, end);
		instead = find_instead(parameters, word, &n);
		if (!instead) {
			at = word + len;
			while (first && at < end && is_blank(*at))
				at++;
			continue;
		}
		fwrite(at, 1, (size_t)(word - at), stream);
		fwrite(instead, 1, n, stream);
		first = first && !len;
		at = word + len;
	}
}

/* The region's new text; NULL: no memory. */
static char *edit_region(const char *at, const char *end,
			 const struct boot_parameters *parameters, size_t *ret_len)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&bytes, &len);
	const char *stop = end;

	if (!stream)
		return NULL;
	/* What is added stands before blanks at the end. */
	while (stop > at && isspace((unsigned char)stop[-1]))
		stop--;
	write_kept(at, stop, parameters, stream);
	for (size_t i = 0; i < parameters->add.count; i++) {
		const char *word = parameters->add.items[i];

		fflush(stream);
		if (has_word(bytes, bytes + len, word))
			continue;
		fprintf(stream, "%s%s", len && !is_blank(bytes[len - 1]) ? " " : "",
			word);
	}
	fwrite(stop, 1, (size_t)(end - stop), stream);
	if (fclose(stream) != 0) {
		free(bytes);
		return NULL;
	}
	*ret_len = len;
	return bytes;
}

int boot_text_splice(struct boot_text *text, size_t start, size_t end, const char *bytes,
		     size_t len)
{
	size_t rest = text->len - end;
	char *joined = malloc(start + len + rest + 1);

	if (!joined)
		return -ENOMEM;
	memcpy(joined, text->bytes, start);
	memcpy(joined + start, bytes, len);
	memcpy(joined + start + len, text->bytes + end, rest);
	joined[start + len + rest] = '\0';
	free(text->bytes);
	text->bytes = joined;
	text->len = start + len + rest;
	return 0;
}

bool boot_text_is_done(const struct boot_text *text, size_t start, size_t end,
		       const struct boot_parameters *parameters)
{
	const char *at = text->bytes + start, *stop = text->bytes + end;

	for (size_t i = 0; i < parameters->add.count; i++)
		if (!has_word(at, stop, parameters->add.items[i]))
			return false;
	for (size_t i = 0; i < parameters->remove.count; i++)
		if (has_word(at, stop, parameters->remove.items[i]))
			return false;
	return true;
}

int boot_text_edit_words(struct boot_text *text, size_t start, size_t end,
			 const struct boot_parameters *parameters)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len;

	bytes = edit_region(text->bytes + start, text->bytes + end, parameters, &len);
	return bytes ? boot_text_splice(text, start, end, bytes, len) : -ENOMEM;
}

/* Where a line begins and ends, without its end and that of a file of DOS. */
static bool find_line(const struct boot_text *text, unsigned int line, size_t *ret_start,
		      size_t *ret_end)
{
	const char *at = text->bytes, *end = text->bytes + text->len, *newline;

	for (; --line; at = newline + 1) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return false;
	}
	if (at == end)
		return false;
	newline = memchr(at, '\n', (size_t)(end - at));
	*ret_start = (size_t)(at - text->bytes);
	*ret_end = (size_t)((newline ? newline : end) - text->bytes);
	if (*ret_end > *ret_start && text->bytes[*ret_end - 1] == '\r')
		--*ret_end;
	return true;
}

int boot_text_edit_line(struct boot_text *text, unsigned int line, unsigned int skip,
			const struct boot_parameters *parameters, const char **ret_why)
{
	size_t start, end;

	if (!line || !find_line(text, line, &start, &end))
		return -ENOENT;
	if (end > start && text->bytes[end - 1] == '\\') {
		*ret_why = "the line goes on in the next one";
		return -EINVAL;
	}
	while (start < end && is_blank(text->bytes[start]))
		start++;
	for (; skip; skip--) {
		size_t len = word_length(text->bytes + start, text->bytes + end);

		if (!len)
			return -ENOENT;
		start += len;
		while (start < end && is_blank(text->bytes[start]))
			start++;
	}
	/* "linux /vmlinuz": the first parameter must not become part of that. */
	if (start == end && parameters->add.count && start &&
	    !isspace((unsigned char)text->bytes[start - 1])) {
		if (boot_text_splice(text, start, end, " ", 1) < 0)
			return -ENOMEM;
		start = ++end;
	}
	return boot_text_edit_words(text, start, end, parameters);
}

int boot_text_edit_quoted(struct boot_text *text, unsigned int line, unsigned int n,
			  const struct boot_parameters *parameters)
{
	size_t start, end;
	const char *open, *close;

	if (!find_line(text, line, &start, &end))
		return -ENOENT;
	for (;; n--, start = (size_t)(close - text->bytes) + 1) {
		open = memchr(text->bytes + start, '"', end - start);
		close = open ? memchr(open + 1, '"',
				      (size_t)(text->bytes + end - (open + 1)))
			     : NULL;
		if (!close)
			return -ENOENT;
		if (!n)
			return boot_text_edit_words(text,
						    (size_t)(open + 1 - text->bytes),
						    (size_t)(close - text->bytes),
						    parameters);
	}
}
