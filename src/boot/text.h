/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_TEXT_H
#define PCIFERRY_BOOT_TEXT_H

/*
 * Changing the kernel's parameters where they stand in a file: the one value, and nothing
 * else of the file. Each returns 0, -ENOMEM, or, with the text as it was, -ENOENT: the
 * place is not in it, or -EINVAL with *ret_why: it is written in a way that is not safe
 * to change.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* What a command line is to have, and not to have: whole words, "intel_iommu=on". */
struct boot_parameters {
	struct string_list add, remove;
	/* By the number of what is removed: what stands there then; "", or less: nothing.
	 */
	struct string_list instead;
};
void boot_parameters_free(struct boot_parameters *parameters); /* takes NULL */

/* A file's bytes, owned; a NUL stands behind the last one. */
struct boot_text {
	char *bytes;
	size_t len;
};
void boot_text_free(struct boot_text *text); /* takes NULL */

/*
 * The words from start to end (not in it). One that is there already is not added again;
 * a word in quotes is one word.
 */
int boot_text_edit_words(struct boot_text *text, size_t start, size_t end,
			 const struct boot_parameters *parameters);

/*
 * A line of modprobe.d or of modules to load, from 1 on, whole with its end; one of
 * modprobe.d goes on behind a backslash. 0, or -ENOENT: there is none.
 */
int boot_text_drop_line(struct boot_text *text, unsigned int line, bool goes_on);

/*
 * Items of the list, which commas part, that the line has as "NAME=": all of them, and
 * the word goes, too. 0, -ENOENT: it has no such word, or -ENOMEM.
 */
int boot_text_drop_items(struct boot_text *text, unsigned int line, bool goes_on,
			 const char *name, const struct string_list *items);

/*
 * The item in the list, which commas part, that a file of YAML has for this key at its
 * outermost level; without the key, a last line has it. 0, -ENOMEM, or -EINVAL.
 */
int boot_text_add_yaml_item(struct boot_text *text, const char *key, const char *item,
			    const char **ret_why);

/* Such a list without the items. The caller frees it; NULL: no memory. */
char *boot_list_without(const char *list, size_t len, const struct string_list *items);

/* Puts new bytes in place of those from start to end. Returns 0 or -ENOMEM. */
int boot_text_splice(struct boot_text *text, size_t start, size_t end, const char *bytes,
		     size_t len);

/* Whether those words are as they shall be already. */
bool boot_text_is_done(const struct boot_text *text, size_t start, size_t end,
		       const struct boot_parameters *parameters);

/*
 * The value that a shell's file gives a variable, "NAME=value", at that line or, with 0,
 * where it is set last. One that is not set at all is added as a last line.
 */
int boot_text_edit_variable(struct boot_text *text, const char *name, unsigned int line,
			    const struct boot_parameters *parameters,
			    const char **ret_why);

/*
 * What stands in a line, from 1 on, behind its first `skip` words: 2 for "linux /vmlinuz
 * ...", 1 for "options ...", 0 for the whole line.
 */
int boot_text_edit_line(struct boot_text *text, unsigned int line, unsigned int skip,
			const struct boot_parameters *parameters, const char **ret_why);

/* What stands between the n-th pair, from 0 on, of double quotes in a line. */
int boot_text_edit_quoted(struct boot_text *text, unsigned int line, unsigned int n,
			  const struct boot_parameters *parameters);

#endif
