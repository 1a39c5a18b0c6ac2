/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/entries.h"

static int take_text(char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

int bootcfg_refind_parse(const char *text, size_t len, const char *file,
			 struct bootcfg_entries *entries)
{
	_cleanup_(bootcfg_words_free) struct bootcfg_words words = { text, text + len,
								     .word = NULL };
	_cleanup_(bootcfg_entry_free) struct bootcfg_entry entry = { .file = file };
	enum bootcfg_token token = TOKEN_BREAK;
	int r = 0;

	while (r == 0 && (r = bootcfg_words_next(&words, &token)) == 0) {
		if (token == TOKEN_WORD) {
			entry.line = words.line;
			r = take_text(entry.title ? &entry.options : &entry.title,
				      words.word);
			continue;
		}
		/* The kernel's version, which rEFInd puts in. */
		if (entry.options) {
			entry.uncertain = strstr(entry.options, "%v") != NULL;
			r = bootcfg_entry_add(entries, &entry);
		}
		bootcfg_entry_free(&entry);
		entry.file = file;
		if (token == TOKEN_END)
			break;
	}
	return r;
}
