/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a change: all of it or nothing. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/perform.h"

/* A file that is not any more as it was looked at. */
static int refuse_moved_file(const struct host *host, const struct change_edit *edit,
			     struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	char subject[ERROR_SUBJECT_SIZE];
	enum change_at at;
	size_t len;
	int r = change_compare(host, edit, &at, &bytes, &len, err);

	if (r < 0 || at == IS_BEFORE)
		return r;
	r = error_refuse(err, change_subject(edit->path, subject),
			 "it was changed after this was planned");
	error_hint(err, "plan again");
	return r;
}

static int refuse_moved(const struct host *host, const struct change_edits *edits,
			struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < edits->count; i++)
		if (edits->items[i].kind != EDIT_RUN)
			r = refuse_moved_file(host, &edits->items[i], err);
	return r;
}

int change_apply(struct change *change, const struct change_title *title,
		 const struct change_edits *edits, const struct change_watcher *watcher,
		 unsigned int *ret_id, struct error *err)
{
	_cleanup_(change_guard_end) struct change_guard guard = CHANGE_GUARD_INIT;
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	int r = change_refuse_interrupted(change, err);

	if (r == 0)
		r = refuse_moved(change->host, edits, err);
	if (r == 0)
		r = change_check_tools(change->host, edits, err);
	if (r == 0)
		r = change_check_room(change->host, edits, err);
	if (r == 0)
		r = change_guard_begin(change->host, edits, &guard, err);
	if (r == 0)
		r = change_journal_create(change->host, title, edits, &journal, err);
	if (r == 0)
		r = change_make_all(change, edits, false, &journal, watcher, err);
	if (r < 0)
		return r;
	*ret_id = journal.id;
	return 0;
}
