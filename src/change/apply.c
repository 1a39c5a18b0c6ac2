/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a change: all of it or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "change/perform.h"

/* A file that is not any more as it was looked at. */
static int refuse_moved(const struct host *host, const struct change_edit *edit,
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

/* Better now than when half of it is done. */
static int check_tool(const struct host *host, const struct change_edit *edit,
		      struct error *err)
{
	_cleanup_close_ int fd = rooted_open(host_root_fd(host), edit->path, O_PATH, 0);
	char subject[ERROR_SUBJECT_SIZE];
	struct stat status;
	int r = fd;

	if (fd >= 0)
		r = fstat(fd, &status) < 0				   ? -errno
		    : !S_ISREG(status.st_mode) || !(status.st_mode & 0111) ? -EACCES
									   : 0;
	if (r == 0)
		return 0;
	error_set(err, -r, change_subject(edit->path, subject), "%s",
		  r == -ENOENT	 ? "it is needed, and is not there"
		  : r == -EACCES ? "it is needed, and is no program"
				 : strerror(-r));
	error_hint(err, "nothing was changed; install it, and try again");
	return r;
}

static int check(const struct host *host, const struct change_edits *edits,
		 struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < edits->count; i++)
		r = edits->items[i].kind == EDIT_RUN
			    ? check_tool(host, &edits->items[i], err)
			    : refuse_moved(host, &edits->items[i], err);
	return r;
}

/*
 * One of the edits failed; err says why, and keeps saying it. Where the state cannot be
 * written, the files tell.
 */
static void roll_back(struct change *change, const struct change_edits *edits,
		      size_t count, struct journal *journal,
		      const struct change_watcher *watcher, struct error *err)
{
	struct error second = ERROR_INIT;

	change_journal_note(journal, "undo");
	if (change_take_all_back(change, edits, count, journal, watcher, &second) == 0) {
		change_journal_note(journal, "undone");
		error_evidence(err, "everything is as it was before");
	} else {
		error_evidence(err,
			       "taking it back failed, too: %s: %s: mend that, then:"
			       " pciferry undo %u",
			       second.subject, second.message, journal->id);
	}
	error_clear(&second);
}

static int note(struct journal *journal, const char *word, size_t number,
		struct error *err)
{
	int r = number == SIZE_MAX ? change_journal_note(journal, "%s", word)
				   : change_journal_note(journal, "%s %zu", word, number);

	return r < 0 ? change_explain_path(CHANGE_JOURNAL, r, err) : 0;
}

int change_apply(struct change *change, const struct change_title *title,
		 const struct change_edits *edits, const struct change_watcher *watcher,
		 unsigned int *ret_id, struct error *err)
{
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	size_t begun = 0;
	int r = check(change->host, edits, err);

	if (r == 0)
		r = change_journal_create(change->host, title, edits, &journal, err);
	if (r < 0)
		return r;
	while (r == 0 && begun < edits->count) {
		r = note(&journal, "begin", begun, err);
		if (r < 0)
			break;
		r = change_make(change, &edits->items[begun], begun, &journal, watcher,
				err);
		begun++;
	}
	if (r == 0)
		r = note(&journal, "applied", SIZE_MAX, err);
	if (r < 0)
		roll_back(change, edits, begun, &journal, watcher, err);
	else
		*ret_id = journal.id;
	return r;
}
