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

int change_undo(struct change *change, unsigned int id,
		const struct change_watcher *watcher, struct error *err)
{
	static const char nothing[] = "nothing was undone";
	_cleanup_(change_guard_end) struct change_guard guard = CHANGE_GUARD_INIT;
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	_cleanup_(change_record_free) struct change_record record = { 0 };
	int r = change_open(change->host, id, nothing, &record, &journal, err);

	if (r < 0 || record.state == CHANGE_UNDONE)
		return r;
	r = change_refuse_edited(change->host, &record, nothing, err);
	if (r == 0)
		r = change_guard_begin(change->host, &record.edits, &guard, err);
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
