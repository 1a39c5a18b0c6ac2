/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_TEXT_H
#define PCIFERRY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings in the order in which they came. Zero-initialised is empty. */
struct string_list {
	char **items;
	size_t count;
	size_t room;
};

/* Adds a copy. Returns 0 or -ENOMEM. */
int string_list_add(struct string_list *list, const char *text);
int string_list_add_owned(struct string_list *list,
			  char *text); /* takes it, also on failure */
int string_list_addf(struct string_list *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool string_list_has(const struct string_list *list, const char *text);
void string_list_sort(struct string_list *list);
/* All of them, each ended by a newline. The caller frees it; NULL: no memory. */
char *string_list_lines(const struct string_list *list, size_t *ret_len);
/* With this between each two: "a, b". The caller frees it; NULL: no memory. */
char *string_list_join(const struct string_list *list, const char *between);
void string_list_free(struct string_list *list); /* takes NULL */

bool text_ends_with(const char *text, const char *end);

/* Cuts white space, newlines among it, off the end, in place. Returns the text. */
char *text_trim_end(char *text);

/*
 * All of text (exactly len characters, at most 8) as a hexadecimal number, without
 * prefix. Returns 0 or -EINVAL.
 */
int text_parse_hex(const char *text, size_t len, uint32_t *ret_value);

/* All of text as a decimal number from 0 to max. Returns 0, -EINVAL or -ERANGE. */
int text_parse_number(const char *text, uint64_t max, uint64_t *ret_value);

/*
 * A copy in which whatever could act on a terminal (control characters, C1 controls,
 * bytes that are not UTF-8) is written as \xHH, and which therefore is one line of valid
 * UTF-8. The caller frees it; NULL: out of memory.
 */
char *text_escape(const char *text);

#endif
