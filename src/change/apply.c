/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making edits, and taking them back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/journal.h"
#include "change/tool.h"

/* What is at an edit's path, beside what was there and what the edit makes of it. */
enum at_path { IS_BEFORE, IS_AFTER, IS_OTHER };

static bool is_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && !memcmp(a, b, a_len);
}

static int look(const struct host *host, const struct change_edit *edit,
		enum at_path *ret_at, char **ret_bytes, size_t *ret_len,
		struct error *err)
{
	bool exists;
	int r = change_look_at(host, edit->path, &exists, ret_bytes, ret_len);

	if (r < 0)
		return change_explain_path(edit->path, r, err);
	if (exists ? edit->existed && is_equal(*ret_bytes, *ret_len, edit->before,
					       edit->before_len)
		   : !edit->existed)
		*ret_at = IS_BEFORE;
	else if (exists ? edit->kind == EDIT_WRITE &&
				  is_equal(*ret_bytes, *ret_len, edit->bytes, edit->len)
			: edit->kind == EDIT_REMOVE)
		*ret_at = IS_AFTER;
	else
		*ret_at = IS_OTHER;
	return 0;
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int put(const struct host *host, const struct change_edit *edit, const char *bytes,
	       size_t len, const struct change_kept *kept, struct error *err)
{
	_cleanup_close_ int dir = change_open_parent(host, edit->path, NULL);
	int r = dir;

	if (r >= 0)
		r = atomic_replace_prepared(dir, file_name(edit->path), bytes, len,
					    change_give_back, kept, ATOMIC_DURABLE);
	return r < 0 ? error_set(err, -r, edit->path, "%s", strerror(-r)) : 0;
}

static int take_away(const struct host *host, const struct change_edit *edit,
		     struct error *err)
{
	_cleanup_close_ int dir = change_open_parent(host, edit->path, NULL);

	if (dir < 0)
		return error_set(err, -dir, edit->path, "%s", strerror(-dir));
	if ((unlinkat(dir, file_name(edit->path), 0) < 0 && errno != ENOENT) ||
	    fsync(dir) < 0)
		return error_set(err, errno, edit->path, "%s", strerror(errno));
	return 0;
}

static int run(struct change *change, const struct change_edit *edit, size_t number,
	       struct journal *journal, const struct change_watcher *watcher,
	       struct error *err)
{
	_cleanup_close_ int output = -1;
	char name[NAME_MAX];
	int r;

	snprintf(name, sizeof(name), "output-%zu", number);
	output = openat(journal->dir, name,
			O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (output < 0)
		return error_set(err, errno, name, "%s", strerror(errno));
	r = change_run_tool(change, edit, output, watcher, err);
	if (r < 0)
		error_hint(err, "all that it wrote is in /" CHANGE_JOURNAL "/%u/%s",
			   journal->id, name);
	return r;
}

/* A new file is everybody's to read and root's to write; one that was there stays so. */
static int make(struct change *change, const struct change_edit *edit, size_t number,
		struct journal *journal, const struct change_watcher *watcher,
		struct error *err)
{
	struct change_kept kept = { .mode = 0644 };

	if (watcher && watcher->edit)
		watcher->edit(edit, watcher->argument);
	if (edit->kind == EDIT_RUN)
		return run(change, edit, number, journal, watcher, err);
	if (edit->kind == EDIT_REMOVE)
		return take_away(change->host, edit, err);
	if (edit->existed)
		kept = journal->files[number].kept;
	kept.has_times = false;
	return put(change->host, edit, edit->bytes, edit->len, &kept, err);
}

/* What was made for the file, and is empty now. */
static void remove_folders(const struct host *host, const struct string_list *folders)
{
	for (size_t i = folders->count; i-- > 0;) {
		_cleanup_close_ int dir =
			change_open_parent(host, folders->items[i], NULL);

		if (dir < 0 ||
		    unlinkat(dir, file_name(folders->items[i]), AT_REMOVEDIR) < 0)
			return;
	}
}

static int take_back(const struct host *host, const struct change_edit *edit,
		     const struct journal_file *file, struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	enum at_path at;
	size_t len;
	int r = look(host, edit, &at, &bytes, &len, err);

	if (r < 0)
		return r;
	if (at == IS_OTHER)
		return error_set(err, EBUSY, edit->path,
				 "somebody else has changed it meanwhile: it stays");
	if (edit->existed)
		return put(host, edit, edit->before, edit->before_len, &file->kept, err);
	if (at == IS_AFTER)
		r = take_away(host, edit, err);
	if (r == 0)
		remove_folders(host, &file->folders);
	return r;
}

/* Goes on where one fails: the rest is better back than not. */
static int take_all_back(struct change *change, const struct change_edits *edits,
			 size_t count, struct journal *journal,
			 const struct change_watcher *watcher, struct error *err)
{
	int result = 0;

	for (size_t i = count; i-- > 0;)
		if (edits->items[i].kind != EDIT_RUN) {
			int r = take_back(change->host, &edits->items[i],
					  &journal->files[i], result ? NULL : err);

			result = result ? result : r;
		}
	for (size_t i = 0; i < count; i++)
		if (edits->items[i].kind == EDIT_RUN) {
			int r = make(change, &edits->items[i], i, journal, watcher,
				     result ? NULL : err);

			result = result ? result : r;
		}
	return result;
}

/* One of the edits failed; err says why, and keeps saying it. */
static void roll_back(struct change *change, const struct change_edits *edits,
		      size_t count, struct journal *journal,
		      const struct change_watcher *watcher, struct error *err)
{
	struct error second = ERROR_INIT;

	change_journal_note(journal, "undo");
	if (take_all_back(change, edits, count, journal, watcher, &second) == 0) {
		change_journal_note(journal, "undone");
		error_hint(err, "everything is as it was before");
	} else {
		error_evidence(err, "taking it back failed, too: %s: %s", second.subject,
			       second.message);
		error_hint(err, "mend that, then: pciferry undo %u", journal->id);
	}
	error_clear(&second);
}

/* Files that are not any more as they were looked at. */
static int refuse_moved(const struct host *host, const struct change_edits *edits,
			struct error *err)
{
	for (size_t i = 0; i < edits->count; i++) {
		_cleanup_free_ char *bytes = NULL;
		enum at_path at;
		size_t len;
		int r;

		if (edits->items[i].kind == EDIT_RUN)
			continue;
		r = look(host, &edits->items[i], &at, &bytes, &len, err);
		if (r < 0)
			return r;
		if (at != IS_BEFORE) {
			error_refuse(err, edits->items[i].path,
				     "it was changed after this was planned");
			error_hint(err, "plan again");
			return -EPERM;
		}
	}
	return 0;
}

int change_apply(struct change *change, const struct change_title *title,
		 const struct change_edits *edits, const struct change_watcher *watcher,
		 unsigned int *ret_id, struct error *err)
{
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	int r = refuse_moved(change->host, edits, err);

	if (r == 0)
		r = change_journal_create(change->host, title, edits, &journal, err);
	if (r < 0)
		return r;
	*ret_id = journal.id;
	for (size_t i = 0; i < edits->count; i++) {
		r = change_journal_note(&journal, "begin %zu", i);
		if (r < 0)
			error_set(err, -r, "/" CHANGE_JOURNAL, "%s", strerror(-r));
		else
			r = make(change, &edits->items[i], i, &journal, watcher, err);
		if (r < 0) {
			roll_back(change, edits, i + 1, &journal, watcher, err);
			return r;
		}
	}
	r = change_journal_note(&journal, "applied");
	return r < 0 ? error_set(err, -r, "/" CHANGE_JOURNAL, "%s", strerror(-r)) : 0;
}

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

/* Nothing is taken back where not all can be. */
static int refuse_edited(const struct host *host, const struct change_record *record,
			 struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < record->edits.count; i++) {
		const struct change_edit *edit = &record->edits.items[i];
		_cleanup_free_ char *bytes = NULL;
		enum at_path at;
		size_t len;
		int r;

		if (edit->kind == EDIT_RUN)
			continue;
		r = look(host, edit, &at, &bytes, &len, err);
		if (r < 0)
			return r;
		if (at != IS_OTHER)
			continue;
		if (!refused)
			error_refuse(err, edit->path,
				     "it is not as change %u left it: nothing was undone",
				     record->id);
		refused = true;
		show_difference(edit, bytes, len, err);
	}
	if (!refused)
		return 0;
	error_hint(err,
		   "undo later changes first, or put these lines back by hand; what"
		   " was there before is in /" CHANGE_JOURNAL "/%u",
		   record->id);
	return -EPERM;
}

int change_undo(struct change *change, unsigned int id,
		const struct change_watcher *watcher, struct error *err)
{
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	_cleanup_(change_record_free) struct change_record record = { 0 };
	char path[64];
	int r;

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u", id);
	if (!host_exists(change->host, path)) {
		snprintf(path, sizeof(path), "%u", id);
		error_set(err, ENOENT, path, "there is no such change");
		error_hint(err, "pciferry history shows them");
		return -ENOENT;
	}
	if (change_record_read(change->host, id, &record) < 0)
		return error_oom(err);
	if (record.state == CHANGE_UNDONE)
		return 0;
	r = change_journal_open(change->host, &record, &journal, err);
	if (r == 0)
		r = refuse_edited(change->host, &record, err);
	if (r < 0)
		return r;
	r = change_journal_note(&journal, "undo");
	if (r == 0)
		r = take_all_back(change, &record.edits, record.edits.count, &journal,
				  watcher, err);
	if (r == 0)
		r = change_journal_note(&journal, "undone");
	if (r < 0 && !error_is_set(err))
		error_set(err, -r, "/" CHANGE_JOURNAL, "%s", strerror(-r));
	return r;
}
