/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/script.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/script_found.h"
#include "check/script_words.h"

enum { DEPTH_MAX = 64, HERE_MAX = 8, NESTED_MAX = 16 };

/* Whether what is written goes elsewhere than to libvirt. */
struct outputs {
	bool out, err;
};

struct command {
	unsigned int line;
	char name[48];
	size_t words;
	size_t first_note; /* how many there were when it began */
	struct outputs away;
	bool err_as_out; /* "2>&1": into the pipe, where one follows */
	bool redirects, is_wrapper, talks, is_case;
};

struct scope {
	char bracket; /* ')' for a shell of its own; 0: the script */
	unsigned int line;
	size_t first_note;
	struct outputs away;
	bool several, keeps;   /* of the list that it stands in */
	unsigned int function; /* whose body it is; 0: no function's */
};

struct reader {
	struct script_text text;
	struct scope scopes[DEPTH_MAX];
	size_t depth; /* of the innermost one */
	struct command command;
	size_t list_note;
	bool several; /* the list has && or ||: the shell itself runs on for it */
	bool keeps;   /* an earlier part of the pipeline keeps its standard error */
	unsigned int cases;
	bool pattern; /* of a case, up to its bracket */
	char here[HERE_MAX][SCRIPT_WORD_SIZE];
	size_t n_here;
	unsigned int nested;   /* how deep in $(...), whose output is the script's */
	unsigned int function; /* whose body comes next; 0: none */
	struct script_found *found;
};

static void read_all(struct reader *reader);

void check_script_free(struct check_script_notes *notes)
{
	if (!notes)
		return;
	free(notes->items);
	memset(notes, 0, sizeof(*notes));
}

static bool is_among(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

/* What runs in it writes to the script, and can call libvirt all the same. */
static void read_nested(const char *start, const char *end, unsigned int line,
			void *argument)
{
	struct reader *reader = argument, *inner;

	if (reader->nested >= NESTED_MAX || reader->found->no_memory)
		return;
	inner = calloc(1, sizeof(*inner));
	if (!inner) {
		reader->found->no_memory = true;
		return;
	}
	inner->text = (struct script_text){ start, end, line, read_nested, inner };
	inner->nested = reader->nested + 1;
	inner->found = reader->found;
	read_all(inner);
	free(inner);
}

static struct scope *scope_of(struct reader *reader)
{
	return &reader->scopes[reader->depth];
}

static void begin_command(struct reader *reader)
{
	reader->command = (struct command){
		.first_note = reader->found->count,
		.away = scope_of(reader)->away,
	};
}

static void begin_list(struct reader *reader)
{
	reader->several = reader->keeps = false;
	reader->list_note = reader->found->count;
	begin_command(reader);
}

/* A command is whole but for what comes behind it. */
static void end_command(struct reader *reader)
{
	const struct command *command = &reader->command;
	struct scope *scope = scope_of(reader);

	if (!strcmp(command->name, "exec") && command->words == 1 && command->redirects)
		scope->away = command->away;
	if (command->talks)
		script_found_note(reader->found, SCRIPT_LIBVIRT, command->line,
				  command->name);
	if (!strcmp(command->name, "sleep"))
		script_found_note(reader->found, SCRIPT_WAITS, command->line,
				  command->name);
	if (command->name[0])
		script_found_call(reader->found, command->name, !reader->nested);
	/* What is in brackets has the outputs of these. */
	if (command->away.out && command->away.err)
		script_found_let_go(reader->found, command->first_note);
}

static void end_list(struct reader *reader, bool background)
{
	const struct command *command = &reader->command;
	struct outputs shell = scope_of(reader)->away;
	bool is_away = command->away.out && command->away.err && !reader->keeps &&
		       !reader->several;

	end_command(reader);
	if (background && command->line) {
		if (is_away || (shell.out && shell.err))
			script_found_in_background(reader->found, reader->list_note);
		else if (!reader->nested)
			script_found_note(reader->found, SCRIPT_BACKGROUND, command->line,
					  command->name);
	}
	begin_list(reader);
}

static void open_scope(struct reader *reader, char bracket)
{
	struct scope *outer = scope_of(reader);

	if (reader->depth + 1 >= DEPTH_MAX)
		return;
	reader->depth++;
	*scope_of(reader) = (struct scope){
		.bracket = bracket,
		.line = reader->text.line,
		.first_note = reader->list_note,
		.away = outer->away,
		.several = reader->several,
		.keeps = reader->keeps,
		.function = reader->function,
	};
	reader->function = 0;
	begin_list(reader);
}

/* What stands behind the bracket belongs to all that was in it. */
static void close_scope(struct reader *reader)
{
	struct scope inner = *scope_of(reader);

	end_list(reader, false);
	if (!reader->depth)
		return;
	script_found_body(reader->found, inner.first_note, inner.function);
	reader->depth--;
	if (inner.bracket != ')')
		scope_of(reader)->away = inner.away;
	reader->several = inner.several;
	reader->keeps = inner.keeps;
	reader->list_note = inner.first_note;
	reader->command = (struct command){
		.line = inner.line,
		.name = "(...)",
		.words = 1,
		.first_note = inner.first_note,
		.away = inner.away,
	};
}

static void begin_function(struct reader *reader, const char *name)
{
	reader->function = script_found_function(reader->found, name);
	begin_list(reader);
}

/* "function name {" or "function name() {", of bash and ksh. */
static void take_function(struct reader *reader)
{
	char word[SCRIPT_WORD_SIZE];

	script_skip_blanks(&reader->text);
	script_take_word(&reader->text, word);
	script_skip_blanks(&reader->text);
	if (script_is_at(&reader->text, "(")) {
		script_take(&reader->text);
		script_skip_bracketed(&reader->text, '(', ')');
	}
	begin_function(reader, word);
}

static bool talks_to_libvirt(const char *word)
{
	static const char *const programs[] = { "virsh",	"virt-install",
						"virt-clone",	"virt-xml",
						"virt-manager", "virt-viewer",
						"virt-admin",	NULL };
	const char *slash = strrchr(word, '/');

	return is_among(programs, slash ? slash + 1 : word);
}

/* Whether the word is of the shell's grammar, and no command. */
static bool take_keyword(struct reader *reader, const char *word)
{
	static const char *const opening[] = { "if",  "while",	"until", "{",
					       "for", "select", "case",	 NULL };
	static const char *const closing[] = { "fi", "done", "esac", "}", NULL };
	static const char *const between[] = { "then", "else", "elif", "do",
					       "!",    "time", NULL };

	if (is_among(closing, word)) {
		reader->cases -= !strcmp(word, "esac") && reader->cases;
		close_scope(reader);
		return true;
	}
	if (!strcmp(word, "function")) {
		take_function(reader);
		return true;
	}
	if (!is_among(opening, word))
		return is_among(between, word);
	open_scope(reader, '}');
	/* These go on with words of their own up to the end of the line. */
	if (strchr("fsc", word[0])) {
		reader->command.line = reader->text.line;
		reader->command.words = 1;
		reader->command.is_case = word[0] == 'c';
		reader->cases += word[0] == 'c';
	}
	return true;
}

static bool is_assignment(const char *word)
{
	size_t len = 0;

	while (isalnum((unsigned char)word[len]) || word[len] == '_')
		len++;
	return len && !isdigit((unsigned char)word[0]) &&
	       (word[len] == '=' || !strncmp(word + len, "+=", 2) || word[len] == '[');
}

static void take_argument(struct reader *reader, const char *word)
{
	static const char *const wrappers[] = { "sudo",	  "env",    "exec",    "command",
						"nohup",  "setsid", "timeout", "nice",
						"ionice", "xargs",  "eval",    "flock",
						"stdbuf", NULL };
	struct command *command = &reader->command;
	const char *slash = strrchr(word, '/');

	if (!command->words++) {
		const char *name = slash ? slash + 1 : word;

		snprintf(command->name, sizeof(command->name), "%s", name);
		command->line = reader->text.line;
		command->is_wrapper = is_among(wrappers, name);
		command->talks = talks_to_libvirt(word);
	} else if (!strcmp(command->name, "command") && !strcasecmp(word, "-v")) {
		/* It only asks where the program is. */
		command->is_wrapper = false;
	} else if (command->is_wrapper && !command->talks && talks_to_libvirt(word)) {
		command->talks = true;
		snprintf(command->name, sizeof(command->name), "%s",
			 slash ? slash + 1 : word);
	} else if (command->is_case && !strcmp(word, "in")) {
		reader->pattern = true;
		begin_list(reader);
	}
}

/* Where a descriptor leads; of those that a script opens itself: elsewhere. */
static bool leads_away(const struct command *command, const char *descriptor)
{
	if (!strcmp(descriptor, "1") || !strcmp(descriptor, "/dev/stdout"))
		return command->away.out;
	if (!strcmp(descriptor, "2") || !strcmp(descriptor, "/dev/stderr"))
		return command->away.err;
	return true;
}

/* At ">", or at "&>" with fd -1. */
static void take_redirection(struct reader *reader, int fd)
{
	struct command *command = &reader->command;
	char word[SCRIPT_WORD_SIZE];
	bool away;

	script_take(&reader->text);
	if (fd < 0)
		script_take(&reader->text);
	while (script_is_at(&reader->text, ">") || script_is_at(&reader->text, "|"))
		script_take(&reader->text);
	command->redirects = true;
	if (script_is_at(&reader->text, "(")) {
		/* A pipe to a process that has the shell's outputs itself. */
		script_take(&reader->text);
		script_skip_bracketed(&reader->text, '(', ')');
		return;
	}
	if (script_is_at(&reader->text, "&")) {
		script_take(&reader->text);
		/* ">&file" is both, ">&2" and ">&-" are not. */
		if (script_has(&reader->text, 1) && fd == 1 &&
		    !isdigit((unsigned char)*reader->text.at) && *reader->text.at != '-')
			fd = -1;
	}
	script_skip_blanks(&reader->text);
	if (script_is_at(&reader->text, ">(")) {
		script_take(&reader->text);
		script_take(&reader->text);
		script_skip_bracketed(&reader->text, '(', ')');
		return;
	}
	script_take_word(&reader->text, word);
	away = leads_away(command, word);
	if (fd == 1 || fd < 0)
		command->away.out = away;
	if (fd == 2 || fd < 0)
		command->away.err = away;
	if (fd == 2)
		command->err_as_out = !strcmp(word, "1");
}

/* At "<": a file, a here-document, a text, or a process. */
static void take_input(struct reader *reader)
{
	char word[SCRIPT_WORD_SIZE];
	bool is_here =
		script_is_at(&reader->text, "<<") && !script_is_at(&reader->text, "<<<");

	while (script_is_at(&reader->text, "<") ||
	       (script_is_at(&reader->text, "-") && is_here) ||
	       script_is_at(&reader->text, "&") || script_is_at(&reader->text, ">"))
		script_take(&reader->text);
	if (script_is_at(&reader->text, "(")) {
		const char *start = reader->text.at + 1;
		unsigned int line = reader->text.line;

		script_take(&reader->text);
		script_skip_bracketed(&reader->text, '(', ')');
		read_nested(start, reader->text.at, line, reader);
		return;
	}
	script_skip_blanks(&reader->text);
	script_take_word(&reader->text, word);
	if (is_here && reader->n_here < HERE_MAX)
		memcpy(reader->here[reader->n_here++], word, sizeof(word));
}

/* At the beginning of a line behind one that has opened here-documents. */
static void skip_here_documents(struct reader *reader)
{
	for (size_t i = 0; i < reader->n_here; i++) {
		size_t len = strlen(reader->here[i]), n = 0;
		bool ended = false;

		while (!ended && reader->text.at < reader->text.end) {
			const char *start = reader->text.at;

			while (start < reader->text.end && *start == '\t')
				start++;
			while (reader->text.at < reader->text.end &&
			       script_take(&reader->text) != '\n')
				;
			n = (size_t)(reader->text.at - start);
			n -= n && reader->text.at[-1] == '\n';
			ended = start <= reader->text.at && n == len &&
				!memcmp(start, reader->here[i], len);
		}
	}
	reader->n_here = 0;
}

static void take_text(struct reader *reader)
{
	const char *start = reader->text.at;
	char word[SCRIPT_WORD_SIZE];

	script_take_word(&reader->text, word);
	/* "2>": which output is meant. */
	if (script_is_at(&reader->text, ">") && start + 1 == reader->text.at &&
	    isdigit((unsigned char)*start))
		take_redirection(reader, *start - '0');
	else if (reader->command.words ||
		 (!take_keyword(reader, word) && !is_assignment(word)))
		take_argument(reader, word);
}

static void take_opening(struct reader *reader)
{
	const char *start = reader->text.at + 1;

	script_take(&reader->text);
	if (reader->command.words) {
		/* "name()": a function, whose body follows. */
		script_skip_bracketed(&reader->text, '(', ')');
		begin_function(reader, reader->command.name);
	} else if (start < reader->text.end && *start == '(') {
		script_skip_bracketed(&reader->text, '(', ')');
	} else {
		open_scope(reader, ')');
	}
}

static void take_ampersand_or_bar(struct reader *reader)
{
	bool is_both =
		script_is_at(&reader->text, "&&") || script_is_at(&reader->text, "||");

	if (script_is_at(&reader->text, "&>")) {
		take_redirection(reader, -1);
		return;
	}
	if (script_take(&reader->text) == '&' && !is_both) {
		end_list(reader, true);
		return;
	}
	end_command(reader);
	if (is_both)
		reader->several = true;
	else if (!script_is_at(&reader->text, "&"))
		reader->keeps |= !reader->command.away.err && !reader->command.err_as_out;
	if (is_both || script_is_at(&reader->text, "&"))
		script_take(&reader->text);
	begin_command(reader);
}

/* In a case: up to the bracket behind the pattern. */
static void take_pattern(struct reader *reader)
{
	char word[SCRIPT_WORD_SIZE];

	if (script_ends_word(*reader->text.at)) {
		reader->pattern = script_take(&reader->text) != ')';
		return;
	}
	script_take_word(&reader->text, word);
	if (strcmp(word, "esac") != 0)
		return;
	reader->pattern = false;
	take_keyword(reader, word);
}

static void take_separator(struct reader *reader)
{
	char c = script_take(&reader->text);

	end_list(reader, false);
	if (c == '\n') {
		skip_here_documents(reader);
	} else if (script_is_at(&reader->text, ";") || script_is_at(&reader->text, "&")) {
		script_take(&reader->text);
		reader->pattern = reader->cases > 0;
	}
}

static void read_all(struct reader *reader)
{
	begin_list(reader);
	while (!reader->found->no_memory) {
		script_skip_blanks(&reader->text);
		if (reader->text.at >= reader->text.end)
			break;
		if (*reader->text.at == '#')
			while (reader->text.at < reader->text.end &&
			       *reader->text.at != '\n')
				script_take(&reader->text);
		else if (reader->pattern)
			take_pattern(reader);
		else if (*reader->text.at == '\n' || *reader->text.at == ';')
			take_separator(reader);
		else if (*reader->text.at == '&' || *reader->text.at == '|')
			take_ampersand_or_bar(reader);
		else if (*reader->text.at == '(')
			take_opening(reader);
		else if (*reader->text.at == ')') {
			script_take(&reader->text);
			close_scope(reader);
		} else if (*reader->text.at == '<')
			take_input(reader);
		else if (*reader->text.at == '>')
			take_redirection(reader, 1);
		else
			take_text(reader);
	}
	end_list(reader, false);
}

int check_script_read(const char *text, size_t len, struct check_script_notes *ret_notes)
{
	_cleanup_(script_found_free) struct script_found found = { 0 };
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->text = (struct script_text){ text, text + len, 1, read_nested, reader };
	reader->found = &found;
	read_all(reader);
	free(reader);
	return script_found_finish(&found, ret_notes);
}
