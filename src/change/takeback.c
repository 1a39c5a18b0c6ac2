/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking edits back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "change/perform.h"

/* The folder of a path, of which nothing is made. */
static int open_above(const struct host *host, const char *path)
{
	size_t len = (size_t)(change_file_name(path) - path);
	_cleanup_free_ char *folder = len ? strndup(path, len) : strdup("/");

	if (!folder)
		return -ENOMEM;
	return rooted_open(host_root_fd(host), folder, O_RDONLY | O_DIRECTORY, 0);
}

/* Removes an entry of a path's folder, if it is there, and syncs that. 0 or -errno. */
static int remove_entry(const struct host *host, const char *path, const char *name,
			int flags)
{
	_cleanup_close_ int dir = open_above(host, path);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return dir;
	/* Of what is not there unlinkat(2) complains where nothing can be written. */
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (unlinkat(dir, name, flags) < 0)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

int change_take_away(const struct host *host, const char *path, struct error *err)
{
	int r = remove_entry(host, path, change_file_name(path), 0);

	return r < 0 ? change_explain_path(path, r, err) : 0;
}

int change_remove_temporary(const struct host *host, const char *path, struct error *err)
{
	int r = remove_entry(host, path, CHANGE_TEMPORARY, 0);

	return r < 0 ? change_explain_path(path, r, err) : 0;
}

/* What was made for the file, and is empty now. What is not stays. */
static int remove_folders(const struct host *host, const struct string_list *folders,
			  struct error *err)
{
	for (size_t i = folders->count; i-- > 0;) {
		const char *path = folders->items[i];
		int r = remove_entry(host, path, change_file_name(path), AT_REMOVEDIR);

		if (r == -ENOTEMPTY || r == -EEXIST || r == -ENOTDIR)
			return 0;
		if (r < 0)
			return change_explain_path(path, r, err);
	}
	return 0;
}

/* Whether all of the file but its bytes is so already. */
static bool is_kept(const struct host *host, const char *path,
		    const struct change_kept *kept)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), path, O_RDONLY | O_NOFOLLOW, 0);
	_cleanup_(change_kept_free) struct change_kept now = { 0 };

	return fd >= 0 && change_keep(fd, &now) == 0 && change_kept_is_same(&now, kept);
}

static int take_back(const struct host *host, const struct change_edit *edit,
		     const struct journal_file *file, struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	enum change_at at;
	size_t len;
	int r = change_remove_temporary(host, edit->path, err);

	if (r == 0)
		r = change_compare(host, edit, &at, &bytes, &len, err);
	if (r < 0)
		return r;
	if (at == IS_OTHER)
		return change_explain_path(edit->path, -EBUSY, err);
	if (edit->existed) {
		/* On a full disk what is not touched need not fail. */
		if (at == IS_BEFORE && is_kept(host, edit->path, &file->kept))
			return 0;
		return change_put(host, edit->path, edit->before, edit->before_len,
				  &file->kept, err);
	}
	if (at == IS_AFTER)
		r = change_take_away(host, edit->path, err);
	return r < 0 ? r : remove_folders(host, &file->folders, err);
}

/* Runs what takes a tool's work back. */
static int run_back(struct change *change, const struct change_edit *edit, size_t number,
		    struct journal *journal, const struct change_watcher *watcher,
		    struct error *err)
{
	const struct change_edit back = {
		.kind = EDIT_RUN,
		.path = edit->undo.items[0],
		.purpose = edit->purpose,
		.arguments = { .items = edit->undo.items + 1,
			       .count = edit->undo.count - 1 },
	};

	return change_make(change, &back, number, journal, watcher, err);
}

/* Goes on where one fails: the rest is better back than not. */
int change_take_all_back(struct change *change, const struct change_edits *edits,
			 size_t count, struct journal *journal,
			 const struct change_watcher *watcher, struct error *err)
{
	int result = 0;

	for (size_t i = count; i-- > 0;)
		if (edits->items[i].undo.count) {
			int r = run_back(change, &edits->items[i], i, journal, watcher,
					 result ? NULL : err);

			result = result ? result : r;
		}
	for (size_t i = count; i-- > 0;)
		if (edits->items[i].kind != EDIT_RUN) {
			int r = take_back(change->host, &edits->items[i],
					  &journal->files[i], result ? NULL : err);

			result = result ? result : r;
		}
	for (size_t i = 0; i < count; i++)
		if (edits->items[i].kind == EDIT_RUN && !edits->items[i].undo.count) {
			int r = change_make(change, &edits->items[i], i, journal, watcher,
					    result ? NULL : err);

			result = result ? result : r;
		}
	return result;
}
