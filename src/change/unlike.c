/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are neither as they were before a change nor as it makes them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/perform.h"

/* Of each difference; a person looks at the file for the rest. */
enum { LINES_MAX = 40 };

/* A text that is NULL is no file. */
struct side {
	const char *bytes;
	size_t len;
};

static void show(const struct change_edit *edit, const struct side *from,
		 const struct side *to, struct error *err)
{
	_cleanup_free_ char *diff =
		change_diff(edit->path, from->bytes, from->len, to->bytes, to->len);
	char *rest = diff;
	size_t count = 0;

	for (; rest && *rest && count < LINES_MAX; count++)
		error_evidence(err, "%s", strsep(&rest, "\n"));
	for (count = 0; rest && *rest; count++)
		strsep(&rest, "\n");
	if (count)
		error_evidence(err, "... %zu more lines", count);
}

/*
 * All three: as it was before, as the change makes it, and as somebody has made it since.
 */
static void show_differences(unsigned int id, const struct change_edit *edit,
			     const struct side *now, struct error *err)
{
	struct side before = { edit->before, edit->before_len };
	struct side after = { edit->bytes, edit->len };

	error_evidence(err, "/%s: from what change %u made of it to what it is now:",
		       edit->path, id);
	show(edit, &after, now, err);
	error_evidence(err, "/%s: from what it was before to what change %u made of it:",
		       edit->path, id);
	show(edit, &before, &after, err);
}

/* Adds what is at one path to the refusal, and sets that when it is the first. 0 or
 * -errno. */
static int refuse_one(const struct host *host, unsigned int id, const char *done,
		      const struct change_edit *edit, struct error *refusal)
{
	_cleanup_free_ char *bytes = NULL;
	struct side now = { 0 };
	struct error unlike = ERROR_INIT;
	char subject[ERROR_SUBJECT_SIZE];
	enum change_at at = IS_OTHER;
	int r = change_compare(host, edit, &at, &bytes, &now.len, &unlike);
	bool is_no_file = r == -ELOOP || r == -EISDIR || r == -EINVAL || r == -ENOTDIR;

	if (r < 0 && !is_no_file) {
		error_clear(refusal);
		*refusal = unlike;
		return r;
	}
	if (at == IS_OTHER && !error_is_set(refusal))
		error_refuse(refusal, change_subject(edit->path, subject),
			     "it is not as change %u left it: %s", id, done);
	if (is_no_file)
		error_evidence(refusal, "%s: %s", unlike.subject, unlike.message);
	else if (at == IS_OTHER) {
		now.bytes = bytes;
		show_differences(id, edit, &now, refusal);
	}
	error_clear(&unlike);
	return 0;
}

int change_refuse_edited(const struct host *host, const struct change_record *record,
			 const char *done, struct error *err)
{
	struct error refusal = ERROR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < record->edits.count; i++)
		if (record->edits.items[i].kind != EDIT_RUN)
			r = refuse_one(host, record->id, done, &record->edits.items[i],
				       &refusal);
	if (r == 0 && error_is_set(&refusal)) {
		r = -refusal.code;
		error_hint(&refusal,
			   "undo later changes first, or put these lines back by hand;"
			   " what was there before is in /" CHANGE_JOURNAL "/%u",
			   record->id);
	}
	if (err && r < 0)
		*err = refusal;
	else
		error_clear(&refusal);
	return r;
}
