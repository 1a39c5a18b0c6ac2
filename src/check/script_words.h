/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_SCRIPT_WORDS_H
#define PCIFERRY_CHECK_SCRIPT_WORDS_H

/* The words of a shell's script, and what is in their quotes and brackets. */
#include <stdbool.h>
#include <stddef.h>

enum { SCRIPT_WORD_SIZE = 128 };

/* Where a reader is. */
struct script_text {
	const char *at, *end;
	unsigned int line; /* from 1 on */

	/* Called for each command in a "$(...)", from `start` up to the bracket's end. */
	void (*nested)(const char *start, const char *end, unsigned int line,
		       void *argument);
	void *argument;
};

/* Whether so many bytes are left; whether these are the next ones. */
bool script_has(const struct script_text *text, size_t count);
bool script_is_at(const struct script_text *text, const char *word);

/* Moves on by one byte, which must be there, and counts lines. */
char script_take(struct script_text *text);
void script_skip_blanks(struct script_text *text);

/* Behind an opening bracket: up to behind the one that ends it. */
void script_skip_bracketed(struct script_text *text, char open, char close);

/* One word, cut, without its quotes; of what is expanded in it "$" is left. */
void script_take_word(struct script_text *text, char word[SCRIPT_WORD_SIZE]);
bool script_ends_word(char c);

#endif
