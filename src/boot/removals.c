/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a person wrote by hand, taken out again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"

/* By file, the last line first: what is taken out moves no line before it. */
static int compare(const void *a, const void *b)
{
	const struct boot_removal *left = *(const void *const *)a;
	const struct boot_removal *right = *(const void *const *)b;
	int order = strcmp(left->file, right->file);

	return order ? order : (left->line < right->line) - (left->line > right->line);
}

static int take_out(struct boot_text *text, const struct boot_removal *removal)
{
	bool goes_on = strstr(removal->file, "modprobe.d/") != NULL;

	return removal->list ? boot_text_drop_items(text, removal->line, goes_on,
						    removal->list, &removal->items)
			     : boot_text_drop_line(text, removal->line, goes_on);
}

/* All of one file. */
static int edit_file(const struct host *host, const struct boot_removal *const *removals,
		     size_t count, const char *purpose, struct change_edits *edits)
{
	_cleanup_(boot_text_free) struct boot_text text = { 0 };
	const char *file = removals[0]->file;
	int r;

	/* The whole file is the last of its removals. */
	if (!removals[count - 1]->line)
		return change_edit_remove(edits, file, purpose);
	r = host_read_file(host, file, &text.bytes, &text.len);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = take_out(&text, removals[i]);
	if (r < 0)
		return r;
	return text.len ? change_edit_write(edits, file, purpose, text.bytes, text.len)
			: change_edit_remove(edits, file, purpose);
}

int boot_edit_removals(const struct host *host, const struct boot_removal *removals,
		       size_t count, const char *purpose, struct change_edits *edits,
		       struct error *err)
{
	_cleanup_free_ const struct boot_removal **sorted = NULL;
	char subject[ERROR_SUBJECT_SIZE];
	int r = 0;

	sorted = calloc(count + 1, sizeof(*sorted));
	if (!sorted)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &removals[i];
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 0, n; i < count; i += n) {
		for (n = 1; i + n < count; n++)
			if (strcmp(sorted[i]->file, sorted[i + n]->file) != 0)
				break;
		r = edit_file(host, sorted + i, n, purpose, edits);
		if (r == -ENOMEM)
			return error_oom(err);
		snprintf(subject, sizeof(subject), "/%s", sorted[i]->file);
		if (r < 0)
			return error_set(err, -r, subject, "%s",
					 r == -ENOENT ? "it is not as it was read"
						      : strerror(-r));
	}
	return 0;
}
