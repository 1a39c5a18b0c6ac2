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
