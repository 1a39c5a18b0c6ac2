/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct bootcfg_variable *bootcfg_variable_find(const struct bootcfg_variables *variables,
					       const char *name)
{
	for (size_t i = 0; i < variables->count; i++)
		if (!strcmp(variables->items[i].name, name))
			return &variables->items[i];
	return NULL;
}

static struct bootcfg_variable *add_variable(struct bootcfg_variables *variables,
					     const char *name)
{
	struct bootcfg_variable *larger =
		reallocarray(variables->items, variables->count + 1, sizeof(*larger));

	if (!larger)
		return NULL;
	variables->items = larger;
	larger += variables->count;
	*larger = (struct bootcfg_variable){ .name = strdup(name), .value = strdup("") };
	if (!larger->name || !larger->value) {
		free(larger->name);
		free(larger->value);
		return NULL;
	}
	variables->count++;
	return larger;
}

int bootcfg_variable_set(struct bootcfg_variables *variables,
			 const struct bootcfg_variable *variable, bool append)
{
	struct bootcfg_variable *old = bootcfg_variable_find(variables, variable->name);
	char *value = NULL;

	if (!old)
		old = add_variable(variables, variable->name);
	if (!old ||
	    asprintf(&value, "%s%s", append ? old->value : "", variable->value) < 0)
		return -ENOMEM;
	free(old->value);
	old->value = value;
	old->uncertain = variable->uncertain || (append && old->uncertain);
	old->file = variable->file;
	old->line = variable->line;
	return 0;
}

void bootcfg_variables_free(struct bootcfg_variables *variables)
{
	if (!variables)
		return;
	for (size_t i = 0; i < variables->count; i++) {
		free(variables->items[i].name);
		free(variables->items[i].value);
	}
	free(variables->items);
	memset(variables, 0, sizeof(*variables));
}

static int put(struct bootcfg_words *words, const char *text, size_t len)
{
	if (words->len + len >= words->room) {
		size_t room = 2 * (words->len + len) + 64;
		char *larger = realloc(words->word, room);

		if (!larger)
			return -ENOMEM;
		words->word = larger;
		words->room = room;
	}
	memcpy(words->word + words->len, text, len);
	words->len += len;
	words->word[words->len] = '\0';
	return 0;
}

/* Moves on by one character, and counts lines. */
static char take(struct bootcfg_words *words)
{
	char c = *words->at++;

	words->next_line += c == '\n';
	return c;
}

static bool is_at(const struct bootcfg_words *words, char c)
{
	return words->at < words->end && *words->at == c;
}

/* Up to the bracket or the backquote that ends it, those inside counted. */
static void skip_substitution(struct bootcfg_words *words, char open, char close)
{
	unsigned int depth = 1;

	words->uncertain = true;
	while (words->at < words->end && depth) {
		char c = take(words);

		if (c == '\\' && words->at < words->end)
			take(words);
		else if (c == close)
			depth--;
		else if (c == open)
			depth++;
	}
}

static int expand(struct bootcfg_words *words, const char *name, size_t len)
{
	const struct bootcfg_variable *variable = NULL;
	char *copy = strndup(name, len);

	if (!copy)
		return -ENOMEM;
	if (words->variables)
		variable = bootcfg_variable_find(words->variables, copy);
	free(copy);
	if (!variable) {
		words->uncertain |= words->unset_is_uncertain;
		return 0;
	}
	words->uncertain |= variable->uncertain;
	return put(words, variable->value, strlen(variable->value));
}

static size_t name_length(const char *at, const char *end)
{
	size_t len = 0;

	while (at + len < end && (isalnum((unsigned char)at[len]) || at[len] == '_'))
		len++;
	return len;
}

/* Behind a "$". */
static int take_dollar(struct bootcfg_words *words)
{
	const char *name = words->at;
	size_t len;

	if (is_at(words, '(')) {
		take(words);
		skip_substitution(words, '(', ')');
		return 0;
	}
	if (is_at(words, '{')) {
		len = name_length(name + 1, words->end);
		if (len && name + 1 + len < words->end && name[1 + len] == '}') {
			words->at += len + 2;
			return expand(words, name + 1, len);
		}
		take(words);
		skip_substitution(words, '{', '}');
		return 0;
	}
	/* "$?", "$1": of a shell that ran something. */
	if (words->at < words->end && *words->at &&
	    strchr("?!#*@-0123456789", *words->at)) {
		take(words);
		words->uncertain = true;
		return 0;
	}
	len = name_length(name, words->end);
	if (len) {
		words->at += len;
		return expand(words, name, len);
	}
	return put(words, "$", 1);
}

static int take_escaped(struct bootcfg_words *words, bool in_quotes)
{
	char c;

	if (words->at == words->end)
		return put(words, "\\", 1);
	c = take(words);
	if (c == '\n')
		return 0;
	if (in_quotes && (!c || !strchr("$`\"\\", c)) && put(words, "\\", 1) < 0)
		return -ENOMEM;
	return put(words, &c, 1);
}

/* One that means the same with double quotes around and without. */
static int take_character(struct bootcfg_words *words, char c, bool in_quotes)
{
	if (c == '\\')
		return take_escaped(words, in_quotes);
	if (c == '$')
		return take_dollar(words);
	if (c != '`')
		return put(words, &c, 1);
	skip_substitution(words, '\0', '`');
	return 0;
}

static int take_double_quoted(struct bootcfg_words *words)
{
	int r = 0;

	words->quoted = true;
	while (r == 0 && words->at < words->end) {
		char c = take(words);

		if (c == '"')
			return 0;
		r = take_character(words, c, true);
	}
	return r;
}

static int take_single_quoted(struct bootcfg_words *words)
{
	const char *start = words->at;
	size_t len;

	words->quoted = true;
	while (words->at < words->end && *words->at != '\'')
		take(words);
	len = (size_t)(words->at - start);
	if (words->at < words->end)
		take(words);
	return put(words, start, len);
}

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' || c == '&' ||
	       c == '|' || c == '<' || c == '>';
}

static int take_word(struct bootcfg_words *words)
{
	int r = put(words, "", 0);

	while (r == 0 && words->at < words->end && !ends_word(*words->at)) {
		char c = take(words);

		if (c == '\'')
			r = take_single_quoted(words);
		else if (c == '"')
			r = take_double_quoted(words);
		else
			r = take_character(words, c, false);
	}
	return r;
}

static void skip_blanks(struct bootcfg_words *words)
{
	while (words->at < words->end) {
		if (*words->at == '\\' && words->at + 1 < words->end &&
		    words->at[1] == '\n')
			take(words);
		else if (*words->at != ' ' && *words->at != '\t' && *words->at != '\r')
			break;
		take(words);
	}
	if (is_at(words, '#'))
		while (words->at < words->end && *words->at != '\n')
			take(words);
}

int bootcfg_words_next(struct bootcfg_words *words, enum bootcfg_token *ret_token)
{
	if (!words->next_line)
		words->next_line = 1;
	skip_blanks(words);
	words->line = words->next_line;
	words->len = 0;
	words->uncertain = words->quoted = false;
	if (words->at == words->end) {
		*ret_token = TOKEN_END;
		return 0;
	}
	if (ends_word(*words->at)) {
		take(words);
		*ret_token = TOKEN_BREAK;
		return 0;
	}
	*ret_token = TOKEN_WORD;
	return take_word(words);
}

void bootcfg_words_free(struct bootcfg_words *words)
{
	free(words->word);
	words->word = NULL;
}
