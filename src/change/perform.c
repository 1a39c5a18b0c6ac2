/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making one edit. */
#include "change/perform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/tool.h"

static bool is_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && !memcmp(a, b, a_len);
}

int change_compare(const struct host *host, const struct change_edit *edit,
		   enum change_at *ret_at, char **ret_bytes, size_t *ret_len,
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

int change_put(const struct host *host, const char *path, const char *bytes, size_t len,
	       const struct change_kept *kept, struct error *err)
{
	_cleanup_close_ int dir = change_open_parent(host, path);
	struct atomic_preparation preparation = {
		.prepare = change_give_back,
		.argument = kept,
		.temporary = CHANGE_TEMPORARY,
	};
	int r = dir;

	if (r >= 0)
		r = atomic_replace_prepared(dir, change_file_name(path), bytes, len,
					    &preparation);
	return r < 0 ? change_explain_path(path, r, err) : 0;
}

static int run(struct change *change, const struct change_edit *edit, size_t number,
	       struct journal *journal, const struct change_watcher *watcher,
	       struct error *err)
{
	_cleanup_free_ struct host_status *before = NULL;
	_cleanup_close_ int output = -1;
	char name[NAME_MAX], path[PATH_MAX];
	int r;

	snprintf(name, sizeof(name), "output-%zu", number);
	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u/%s", journal->id, name);
	output = openat(journal->dir, name,
			O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (output < 0)
		return change_explain_path(path, -errno, err);
	if (change_made_look(change->host, edit, &before) < 0)
		return error_oom(err);
	r = change_run_tool(change, edit, output, watcher, err);
	if (r == 0)
		r = change_made_check(change->host, edit, before, err);
	if (r < 0)
		error_hint(err, "all that it wrote is in /%s", path);
	return r;
}

/*
 * A new file is everybody's to read and root's to write; one that was there stays so,
 * unless the edit says otherwise.
 */
int change_make(struct change *change, const struct change_edit *edit, size_t number,
		struct journal *journal, const struct change_watcher *watcher,
		struct error *err)
{
	struct change_kept kept = { .mode = 0644 };

	if (watcher && watcher->edit)
		watcher->edit(edit, watcher->argument);
	if (edit->kind == EDIT_RUN)
		return run(change, edit, number, journal, watcher, err);
	if (edit->kind == EDIT_REMOVE)
		return change_take_away(change->host, edit->path, err);
	if (edit->existed)
		kept = journal->files[number].kept;
	if (edit->mode)
		kept.mode = edit->mode;
	kept.has_times = false;
	return change_put(change->host, edit->path, edit->bytes, edit->len, &kept, err);
}
