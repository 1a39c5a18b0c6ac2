/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_WORDS_H
#define PCIFERRY_BOOTCFG_WORDS_H

/*
 * Words, as a shell (POSIX.1-2017, Shell Command Language, 2.2 Quoting and 2.6 Word
 * Expansions) and GRUB's scripts (GNU GRUB manual, "Shell-like scripting") part them, and
 * the variables in them. Nothing is ever run: what only running would tell is uncertain.
 */
#include <stdbool.h>
#include <stddef.h>

struct bootcfg_variable {
	char *name; /* "GRUB_CMDLINE_LINUX", also "KERNEL_CMDLINE[default]" */
	char *value;
	bool uncertain;	   /* the value is more, less or other than what stands here */
	const char *file;  /* where it was set last; not its own */
	unsigned int line; /* from 1 on */
};

/* Zero-initialised is empty. */
struct bootcfg_variables {
	struct bootcfg_variable *items;
	size_t count;
};

/* NULL: it was not set. */
struct bootcfg_variable *bootcfg_variable_find(const struct bootcfg_variables *variables,
					       const char *name);

/* Sets it, or with `append` adds to its end. Returns 0 or -ENOMEM. */
int bootcfg_variable_set(struct bootcfg_variables *variables,
			 const struct bootcfg_variable *variable, bool append);
void bootcfg_variables_free(struct bootcfg_variables *variables); /* takes NULL */

enum bootcfg_token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_BREAK, /* the end of a line or of a command */
};

/* Where a reader is in a text; set the first three, and the rest to 0. */
struct bootcfg_words {
	const char *at, *end;
	const struct bootcfg_variables *variables; /* NULL: each is unset */
	bool unset_is_uncertain; /* an unset variable may be set by what was not seen */

	unsigned int line; /* of the token, from 1 on */
	unsigned int next_line;
	char *word; /* the last one, expanded, without its quotes */
	size_t len, room;
	bool uncertain; /* some of it is not known, and left out */
	bool quoted;	/* some of it stood in quotes */
};

/* Returns 0 and *ret_token, or -ENOMEM. */
int bootcfg_words_next(struct bootcfg_words *words, enum bootcfg_token *ret_token);
void bootcfg_words_free(struct bootcfg_words *words);

#endif
