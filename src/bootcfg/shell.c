/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/shell.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Where a reader is among the commands. */
struct reader {
	struct bootcfg_words words;
	struct bootcfg_shell *shell;
	const char *file;
	bool starts;	    /* a command begins here */
	bool conditional;   /* behind "&&" or "||" */
	unsigned int depth; /* of if, for, case and the like */
};

static bool is_among(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

/* "NAME", "NAME[key]": where it ends, or NULL when the word does not set a variable. */
static const char *find_name_end(const char *word)
{
	const char *at = word;

	if (!isalpha((unsigned char)*at) && *at != '_')
		return NULL;
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	if (*at == '[')
		at += strcspn(at, "]=") + 1;
	return *at == '=' || (*at == '+' && at[1] == '=') ? at : NULL;
}

/* The rest of an array, whose first word may be "(vfio" or "(". */
static int take_array(struct reader *reader, char **value, bool *uncertain)
{
	char *first = *value + 1;
	char *joined = strdup(first);
	enum bootcfg_token token;
	size_t len;

	if (!joined)
		return -ENOMEM;
	for (;;) {
		char *longer;

		len = strlen(joined);
		if (len && joined[len - 1] == ')')
			break;
		if (bootcfg_words_next(&reader->words, &token) < 0) {
			free(joined);
			return -ENOMEM;
		}
		if (token == TOKEN_END)
			break;
		if (token == TOKEN_BREAK)
			continue;
		*uncertain |= reader->words.uncertain;
		if (asprintf(&longer, "%s%s%s", joined, len ? " " : "",
			     reader->words.word) < 0)
			longer = NULL;
		free(joined);
		if (!longer)
			return -ENOMEM;
		joined = longer;
	}
	while (len && strchr(") ", joined[len - 1]))
		joined[--len] = '\0';
	free(*value);
	*value = joined;
	return 0;
}

static int set(struct reader *reader, const char *name_end)
{
	struct bootcfg_words *words = &reader->words;
	bool append = *name_end == '+', quoted = words->quoted;
	struct bootcfg_variable variable = {
		.name = strndup(words->word, (size_t)(name_end - words->word)),
		.value = strdup(name_end + 1 + append),
		.uncertain = words->uncertain || reader->depth || reader->conditional,
		.file = reader->file,
		.line = words->line,
	};
	int r = variable.name && variable.value ? 0 : -ENOMEM;

	if (r == 0 && variable.value[0] == '(' &&
	    (!quoted || strchr(variable.value, ')')))
		r = take_array(reader, &variable.value, &variable.uncertain);
	if (r == 0)
		r = bootcfg_variable_set(&reader->shell->variables, &variable, append);
	free(variable.name);
	free(variable.value);
	return r;
}

static void doubt_all(struct bootcfg_shell *shell)
{
	shell->uncertain = true;
	for (size_t i = 0; i < shell->variables.count; i++)
		shell->variables.items[i].uncertain = true;
}

static void take_command(struct reader *reader)
{
	static const char *const opening[] = { "if",   "for",	 "while", "until",
					       "case", "select", "{",	  NULL };
	static const char *const closing[] = { "fi", "done", "esac", "}", NULL };
	static const char *const leading[] = { "if",	  "while",   "until",	 "{",
					       "then",	  "else",    "elif",	 "do",
					       "!",	  "export",  "readonly", "local",
					       "declare", "typeset", NULL };
	static const char *const including[] = { ".", "source", "eval", NULL };
	const char *word = reader->words.word;
	size_t len = strlen(word);

	if (is_among(opening, word))
		reader->depth++;
	else if (is_among(closing, word) && reader->depth)
		reader->depth--;
	else if (is_among(including, word))
		doubt_all(reader->shell);
	/* "name)" of a case, and "name()" of a function. */
	reader->starts = is_among(leading, word) || (len && word[len - 1] == ')');
}

static int take_word(struct reader *reader)
{
	const char *name_end;

	if (!reader->starts)
		return 0;
	name_end = find_name_end(reader->words.word);
	if (name_end)
		return set(reader, name_end);
	take_command(reader);
	return 0;
}

int bootcfg_shell_parse(const char *text, size_t len, const char *file,
			struct bootcfg_shell *shell)
{
	struct reader reader = {
		.words = { text, text + len, &shell->variables, .word = NULL },
		.shell = shell,
		.file = file,
		.starts = true,
	};
	enum bootcfg_token token;
	int r;

	while ((r = bootcfg_words_next(&reader.words, &token)) == 0 &&
	       token != TOKEN_END) {
		if (token == TOKEN_WORD) {
			r = take_word(&reader);
			if (r < 0)
				break;
			continue;
		}
		reader.starts = true;
		reader.conditional = strchr("&|", reader.words.at[-1]) != NULL;
	}
	bootcfg_words_free(&reader.words);
	return r;
}

enum fact bootcfg_shell_read(const struct host *host, const char *path,
			     struct bootcfg_shell *shell)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read_file(host, path, &text, &len);

	if (r == -ENOENT)
		return FACT_ABSENT;
	return r < 0 || bootcfg_shell_parse(text, len, path, shell) < 0 ? FACT_UNREADABLE
									: FACT_KNOWN;
}

void bootcfg_shell_free(struct bootcfg_shell *shell)
{
	if (shell)
		bootcfg_variables_free(&shell->variables);
}

const char *bootcfg_shell_value(const struct bootcfg_shell *shell, const char *name)
{
	const struct bootcfg_variable *variable =
		bootcfg_variable_find(&shell->variables, name);

	return variable ? variable->value : "";
}
