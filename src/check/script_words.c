/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/script_words.h"

#include <string.h>

bool script_has(const struct script_text *text, size_t count)
{
	return (size_t)(text->end - text->at) >= count;
}

bool script_is_at(const struct script_text *text, const char *word)
{
	size_t len = strlen(word);

	return script_has(text, len) && !memcmp(text->at, word, len);
}

char script_take(struct script_text *text)
{
	char c = *text->at++;

	text->line += c == '\n';
	return c;
}

/* Up to behind the quote that ends it. */
static void skip_quoted(struct script_text *text, char quote)
{
	while (text->at < text->end) {
		char c = script_take(text);

		if (c == quote)
			return;
		if (c == '\\' && quote != '\'' && text->at < text->end)
			script_take(text);
	}
}

void script_skip_bracketed(struct script_text *text, char open, char close)
{
	unsigned int depth = 1;

	while (text->at < text->end && depth) {
		char c = script_take(text);

		if (c == '\\' && text->at < text->end)
			script_take(text);
		else if (c == '\'' || c == '"')
			skip_quoted(text, c);
		else if (c == close)
			depth--;
		else if (c == open)
			depth++;
	}
}

/* Behind a "$". */
static void take_dollar(struct script_text *text)
{
	const char *start = text->at + 1;
	unsigned int line = text->line;

	if (script_is_at(text, "((")) {
		text->at++;
		script_skip_bracketed(text, '(', ')');
	} else if (script_is_at(text, "(")) {
		text->at++;
		script_skip_bracketed(text, '(', ')');
		text->nested(start, text->at, line, text->argument);
	} else if (script_is_at(text, "{")) {
		text->at++;
		script_skip_bracketed(text, '{', '}');
	}
}

static void put(char word[SCRIPT_WORD_SIZE], size_t *len, char c)
{
	if (*len + 1 < SCRIPT_WORD_SIZE)
		word[(*len)++] = c;
	word[*len] = '\0';
}

/* Behind this character, which no single quotes surround: what it leaves in a word. */
static char take_special(struct script_text *text, char c)
{
	if (c == '\\' && text->at < text->end)
		return script_take(text);
	if (c == '$')
		take_dollar(text);
	else if (c == '`')
		skip_quoted(text, '`');
	return c;
}

/* Behind the first double quote. */
static void take_double_quoted(struct script_text *text, char word[SCRIPT_WORD_SIZE],
			       size_t *len)
{
	while (text->at < text->end) {
		char c = script_take(text);

		if (c == '"')
			return;
		put(word, len, take_special(text, c));
	}
}

bool script_ends_word(char c)
{
	return c == '\0' || strchr(" \t\r\n;&|<>()", c) != NULL;
}

void script_take_word(struct script_text *text, char word[SCRIPT_WORD_SIZE])
{
	size_t len = 0;

	word[0] = '\0';
	while (text->at < text->end) {
		char c = *text->at;

		/* "name=(a b)" of bash's arrays. */
		if (c == '(' && len && word[len - 1] == '=') {
			script_take(text);
			script_skip_bracketed(text, '(', ')');
			continue;
		}
		if (script_ends_word(c))
			break;
		script_take(text);
		if (c == '\'') {
			while (text->at < text->end && *text->at != '\'')
				put(word, &len, script_take(text));
			skip_quoted(text, '\'');
		} else if (c == '"') {
			take_double_quoted(text, word, &len);
		} else {
			c = take_special(text, c);
			if (c != '\n')
				put(word, &len, c);
		}
	}
	/* What no shell has in a word either, such as a NUL. */
	if (!len && text->at < text->end && !*text->at)
		text->at++;
}

void script_skip_blanks(struct script_text *text)
{
	while (text->at < text->end) {
		if (script_is_at(text, "\\\n"))
			text->at++;
		else if (!strchr(" \t\r", *text->at) || !*text->at)
			break;
		script_take(text);
	}
}
