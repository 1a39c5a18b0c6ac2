/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making all edits of a change, the first time or after it was interrupted. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "change/perform.h"

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

int change_check_tools(const struct host *host, const struct change_edits *edits,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < edits->count; i++)
		if (edits->items[i].kind == EDIT_RUN)
			r = check_tool(host, &edits->items[i], err);
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

static int note(struct journal *journal, const char *word, struct error *err)
{
	int r = change_journal_note(journal, word);

	return r < 0 ? change_explain_path(CHANGE_JOURNAL, r, err) : 0;
}

/* Whether a file is as the edit makes it, and its name is on the disk. */
static int is_made(const struct host *host, const struct change_edit *edit,
		   bool *ret_made, struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int dir = -1;
	enum change_at at = IS_OTHER;
	size_t len;
	int r;

	*ret_made = false;
	if (edit->kind == EDIT_RUN)
		return 0;
	r = change_remove_temporary(host, edit->path, err);
	if (r == 0)
		r = change_compare(host, edit, &at, &bytes, &len, err);
	if (r < 0 || at != IS_AFTER)
		return r;
	*ret_made = true;
	dir = change_open_parent(host, edit->path);
	if (dir < 0 || fsync(dir) < 0)
		return change_explain_path(edit->path, dir < 0 ? dir : -errno, err);
	return 0;
}

int change_make_all(struct change *change, const struct change_edits *edits,
		    bool is_resumed, struct journal *journal,
		    const struct change_watcher *watcher, struct error *err)
{
	/* Of one that was interrupted, all may have been begun. */
	size_t begun = is_resumed ? edits->count : 0;
	/* Also the end of a line that was cut by a lost power. */
	int r = is_resumed ? note(journal, "resume", err) : 0;

	for (size_t i = 0; r == 0 && i < edits->count; i++) {
		bool made = false;

		if (is_resumed)
			r = is_made(change->host, &edits->items[i], &made, err);
		if (r == 0 && !made) {
			begun = begun > i ? begun : i + 1;
			r = change_make(change, &edits->items[i], i, journal, watcher,
					err);
			/* Nor need it make anything again. */
			if (r == -EALREADY)
				begun = i;
		}
	}
	if (r == 0)
		r = note(journal, "applied", err);
	if (r < 0)
		roll_back(change, edits, begun, journal, watcher, err);
	return r;
}
