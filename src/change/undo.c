/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Undoing a change that was made earlier, or was interrupted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/perform.h"

/* Shows what somebody did to a file after the change had written it. */
static void show_difference(const struct change_edit *edit, const char *bytes, size_t len,
			    struct error *err)
{
	_cleanup_free_ char *diff =
		change_diff(edit->path, edit->bytes, edit->len, bytes, len);
	char *rest = diff;

	while (rest && *rest)
		error_evidence(err, "%s", strsep(&rest, "\n"));
}

/* Adds what is at one path to the refusal, and sets that when it is the first. 0 or
 * -errno. */
static int refuse_one(const struct host *host, unsigned int id,
		      const struct change_edit *edit, struct error *refusal)
{
	_cleanup_free_ char *bytes = NULL;
	struct error unlike = ERROR_INIT;
	char subject[ERROR_SUBJECT_SIZE];
	enum change_at at = IS_OTHER;
	size_t len = 0;
	int r = change_compare(host, edit, &at, &bytes, &len, &unlike);
	bool is_no_file = r == -ELOOP || r == -EISDIR || r == -EINVAL || r == -ENOTDIR;

	if (r < 0 && !is_no_file) {
		error_clear(refusal);
		*refusal = unlike;
		return r;
	}
	if (at == IS_OTHER && !error_is_set(refusal))
		error_refuse(refusal, change_subject(edit->path, subject),
			     "it is not as change %u left it: nothing was undone", id);
	if (is_no_file)
		error_evidence(refusal, "%s: %s", unlike.subject, unlike.message);
	else if (at == IS_OTHER)
		show_difference(edit, bytes, len, refusal);
	error_clear(&unlike);
	return 0;
}

/* Nothing is taken back where not all can be. */
static int refuse_edited(const struct host *host, const struct change_record *record,
			 struct error *err)
{
	struct error refusal = ERROR_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < record->edits.count; i++)
		if (record->edits.items[i].kind != EDIT_RUN)
			r = refuse_one(host, record->id, &record->edits.items[i],
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

/* Reads all of it, or says why it cannot be undone. */
static int open_change(const struct host *host, unsigned int id,
		       struct change_record *record, struct journal *journal,
		       struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u", id);
	if (!host_exists(host, path)) {
		snprintf(path, sizeof(path), "%u", id);
		error_set(err, ENOENT, path, "there is no such change");
		error_hint(err, "pciferry history shows them");
		return -ENOENT;
	}
	if (change_record_read(host, id, record) < 0)
		return error_oom(err);
	if (record->damage) {
		char subject[ERROR_SUBJECT_SIZE];

		error_set(err, EINVAL, change_subject(path, subject),
			  "it is damaged, and nothing was undone: %s", record->damage);
		error_hint(err, "its files before-N are what was there: put them back by "
				"hand");
		return -EINVAL;
	}
	return record->state == CHANGE_UNDONE
		       ? 0
		       : change_journal_open(host, record, journal, err);
}

int change_undo(struct change *change, unsigned int id,
		const struct change_watcher *watcher, struct error *err)
{
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	_cleanup_(change_record_free) struct change_record record = { 0 };
	int r = open_change(change->host, id, &record, &journal, err);

	if (r < 0 || record.state == CHANGE_UNDONE)
		return r;
	r = refuse_edited(change->host, &record, err);
	if (r < 0)
		return r;
	r = change_journal_note(&journal, "undo");
	if (r < 0)
		return change_explain_path(CHANGE_JOURNAL, r, err);
	r = change_take_all_back(change, &record.edits, record.edits.count, &journal,
				 watcher, err);
	if (r < 0)
		return r;
	r = change_journal_note(&journal, "undone");
	return r < 0 ? change_explain_path(CHANGE_JOURNAL, r, err) : 0;
}
