/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB's grub.cfg and grubenv. The script is read, never run: both ways of an "if" are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/entries.h"

enum { NESTED_MAX = 32 };

struct reader {
	struct bootcfg_words words;
	struct bootcfg_grub *grub;
	struct bootcfg_entries *entries;
	const char *file;
	bool ended;		  /* the command that was being read */
	unsigned int conditions;  /* that are open */
	char *titles[NESTED_MAX]; /* of the blocks that are open */
	size_t depth;
	struct bootcfg_entry entry; /* filled by its commands */
};

/* The next word of this command; NULL: there is no more. */
static int next_word(struct reader *reader, const char **ret_word)
{
	enum bootcfg_token token = TOKEN_END;
	int r = 0;

	*ret_word = NULL;
	if (!reader->ended)
		r = bootcfg_words_next(&reader->words, &token);
	if (r < 0)
		return r;
	reader->ended = token != TOKEN_WORD;
	if (!reader->ended)
		*ret_word = reader->words.word;
	return 0;
}

/* "--class linux" and "--id name" have a word of their own behind them. */
static int take_title(struct reader *reader, char **ret_title)
{
	const char *word;
	int r;

	*ret_title = NULL;
	while ((r = next_word(reader, &word)) == 0 && word) {
		if (!strcmp(word, "{") && !reader->words.quoted) {
			reader->ended = true;
			break;
		}
		if (*ret_title || word[0] == '-')
			continue;
		*ret_title = strdup(word);
		if (!*ret_title)
			return -ENOMEM;
	}
	if (r == 0 && !*ret_title)
		*ret_title = strdup("");
	return r < 0 || *ret_title ? r : -ENOMEM;
}

static int close_entry(struct reader *reader)
{
	int r = 0;

	if (reader->entry.kernel)
		r = bootcfg_entry_add(reader->entries, &reader->entry);
	bootcfg_entry_free(&reader->entry);
	return r;
}

static int open_block(struct reader *reader)
{
	char *title;
	int r = take_title(reader, &title);

	if (r < 0 || reader->depth == NESTED_MAX) {
		free(title);
		return r;
	}
	reader->titles[reader->depth++] = title;
	return 0;
}

static int close_block(struct reader *reader)
{
	int r = 0;

	if (!reader->depth)
		return 0;
	r = close_entry(reader);
	free(reader->titles[--reader->depth]);
	return r;
}

/* The words that follow, as GRUB joins them (grub_create_loader_cmdline). */
static int take_options(struct reader *reader, char **ret_options, bool *ret_uncertain)
{
	size_t size = 0;
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);
	const char *word;
	int r = 0;

	if (!stream)
		return -ENOMEM;
	while ((r = next_word(reader, &word)) == 0 && word) {
		bool quoted = reader->words.quoted && strchr(word, ' ');
		const char *quote = quoted ? "\"" : "";

		*ret_uncertain |= reader->words.uncertain;
		fprintf(stream, "%s%s%s%s", ftell(stream) ? " " : "", quote, word, quote);
	}
	if (fclose(stream) != 0)
		r = -ENOMEM;
	if (r < 0)
		free(text);
	else
		*ret_options = text;
	return r;
}

static int take_linux(struct reader *reader)
{
	unsigned int line = reader->words.line;
	const char *word = NULL;
	int r = close_entry(reader);

	if (r == 0)
		r = next_word(reader, &word);
	if (r < 0 || !word)
		return r;
	reader->entry.file = reader->file;
	reader->entry.line = line;
	reader->entry.kernel = strdup(word);
	reader->entry.title =
		strdup(reader->depth ? reader->titles[reader->depth - 1] : "");
	if (!reader->entry.kernel || !reader->entry.title)
		return -ENOMEM;
	return take_options(reader, &reader->entry.options, &reader->entry.uncertain);
}

static int take_initrd(struct reader *reader)
{
	const char *word;
	int r;

	while ((r = next_word(reader, &word)) == 0 && word)
		if (string_list_add(&reader->entry.initrds, word) < 0)
			return -ENOMEM;
	return r;
}

static int take_set(struct reader *reader)
{
	struct bootcfg_variable variable = { .file = reader->file };
	const char *word, *equals;
	int r = next_word(reader, &word);

	equals = r == 0 && word ? strchr(word, '=') : NULL;
	if (!equals)
		return r;
	variable.line = reader->words.line;
	variable.uncertain = reader->words.uncertain || reader->conditions;
	variable.name = strndup(word, (size_t)(equals - word));
	variable.value = strdup(equals + 1);
	r = variable.name && variable.value
		    ? bootcfg_variable_set(&reader->grub->variables, &variable, false)
		    : -ENOMEM;
	free(variable.name);
	free(variable.value);
	return r;
}

static int take_blscfg(struct reader *reader)
{
	reader->grub->loads_bls = true;
	return 0;
}

/* "if", and what ends it. */
static int take_if(struct reader *reader)
{
	reader->conditions++;
	return 0;
}

static int take_fi(struct reader *reader)
{
	if (reader->conditions)
		reader->conditions--;
	return 0;
}

/* What stands behind these is a command again. */
static int take_nothing(struct reader *reader)
{
	(void)reader;
	return 1;
}

static const struct {
	const char *name;
	int (*take)(struct reader *reader);
} commands[] = {
	{ "menuentry", open_block }, { "submenu", open_block },
	{ "function", open_block },  { "}", close_block },
	{ "linux", take_linux },     { "linux16", take_linux },
	{ "linuxefi", take_linux },  { "initrd", take_initrd },
	{ "initrd16", take_initrd }, { "initrdefi", take_initrd },
	{ "set", take_set },	     { "blscfg", take_blscfg },
	{ "if", take_if },	     { "fi", take_fi },
	{ "then", take_nothing },    { "else", take_nothing },
};

static int take_command(struct reader *reader)
{
	const char *word;
	int r;

	do {
		reader->ended = false;
		r = next_word(reader, &word);
		if (r < 0 || !word)
			return r;
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			if (!strcmp(word, commands[i].name)) {
				r = commands[i].take(reader);
				break;
			}
	} while (r == 1);
	while (r == 0 && word)
		r = next_word(reader, &word);
	return r;
}

static void reader_free(struct reader *reader)
{
	bootcfg_words_free(&reader->words);
	bootcfg_entry_free(&reader->entry);
	while (reader->depth)
		free(reader->titles[--reader->depth]);
}

int bootcfg_grub_parse(const char *text, size_t len, const char *file,
		       struct bootcfg_grub *grub, struct bootcfg_entries *entries)
{
	_cleanup_(reader_free) struct reader reader = {
		.words = { text, text + len, &grub->variables, true, .word = NULL },
		.grub = grub,
		.entries = entries,
		.file = file,
	};
	static const char mark[] = "### BEGIN /etc/grub.d/";
	int r = 0;

	grub->is_generated = memmem(text, len, mark, strlen(mark)) != NULL;
	while (r == 0 && reader.words.at < reader.words.end)
		r = take_command(&reader);
	return r < 0 ? r : close_entry(&reader);
}

void bootcfg_grub_free(struct bootcfg_grub *grub)
{
	if (!grub)
		return;
	bootcfg_variables_free(&grub->variables);
	memset(grub, 0, sizeof(*grub));
}

void bootcfg_grub_anonymise(char *text, size_t len)
{
	static const char command[] = "password";
	char *end = text + len;

	for (char *line = text; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *stop = newline ? newline : end;

		while (line < stop && (*line == ' ' || *line == '\t'))
			line++;
		if ((size_t)(stop - line) > strlen(command) &&
		    !memcmp(line, command, strlen(command)))
			memset(line + strlen(command), 'x',
			       (size_t)(stop - line) - strlen(command));
		line = stop + 1;
	}
}

int bootcfg_grubenv_parse(const char *text, size_t len, const char *file,
			  struct bootcfg_variables *variables)
{
	const char *end = text + len;
	unsigned int number = 0;
	int r = 0;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		const char *equals = memchr(text, '=', n);

		number++;
		if (equals && *text != '#') {
			struct bootcfg_variable variable = {
				.name = strndup(text, (size_t)(equals - text)),
				.value = strndup(equals + 1,
						 n - (size_t)(equals + 1 - text)),
				.file = file,
				.line = number,
			};

			r = variable.name && variable.value
				    ? bootcfg_variable_set(variables, &variable, false)
				    : -ENOMEM;
			free(variable.name);
			free(variable.value);
		}
		text += n + (newline != NULL);
	}
	return r;
}
