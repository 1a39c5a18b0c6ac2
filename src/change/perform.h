/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_PERFORM_H
#define PCIFERRY_CHANGE_PERFORM_H

/* One edit: what is at its path, making it, and taking it back. */
#include "base/companion.h"
#include "change/edit.h"
#include "change/journal.h"

/* What is at an edit's path, beside what was there and what the edit makes of it. */
enum change_at { IS_BEFORE, IS_AFTER, IS_OTHER };

/* Returns 0, *ret_at, and what is there, which the caller frees; or -errno. */
int change_compare(const struct host *host, const struct change_edit *edit,
		   enum change_at *ret_at, char **ret_bytes, size_t *ret_len,
		   struct error *err);

/* Makes the edit, or runs the tool. Returns 0 or -errno; -EALREADY: that made nothing. */
int change_make(struct change *change, const struct change_edit *edit, size_t number,
		struct journal *journal, const struct change_watcher *watcher,
		struct error *err);

/*
 * Makes all edits, under guard, and notes that they are applied; of a change that is
 * resumed, what is not made yet. Where one fails, all is taken back, and err says so. 0
 * or -errno.
 */
int change_make_all(struct change *change, const struct change_edits *edits,
		    bool is_resumed, struct journal *journal,
		    const struct change_watcher *watcher, struct error *err);

/* Whether each tool is there: better now than when half of it is done. 0 or -errno. */
int change_check_tools(const struct host *host, const struct change_edits *edits,
		       struct error *err);

/* What is held while tools run. */
struct change_guard {
	int packages; /* dpkg's lock; -1: there is none */
	struct companion inhibitor;
};

#define CHANGE_GUARD_INIT      \
	(struct change_guard)  \
	{                      \
		.packages = -1 \
	}

/*
 * Takes hold, where there are tools among the edits. ERROR_REFUSED, with who it is, while
 * a package manager is at work. Returns 0 or -errno; change_guard_end() in both cases.
 */
int change_guard_begin(const struct host *host, const struct change_edits *edits,
		       struct change_guard *guard, struct error *err);
void change_guard_end(struct change_guard *guard);

/* ERROR_REFUSED where the tools would not have room for what they make. 0 or -errno. */
int change_check_room(const struct host *host, const struct change_edits *edits,
		      struct error *err);

/*
 * What is there of what a tool makes, before it runs, which the caller frees; and whether
 * any of it is another one afterwards: -EALREADY. Both return 0 or -errno.
 */
int change_made_look(const struct host *host, const struct change_edit *edit,
		     struct host_status **ret_status);
int change_made_check(const struct host *host, const struct change_edit *edit,
		      const struct host_status *before, struct error *err);

/*
 * Refuses, with the differences, where a file is neither as it was before the change nor
 * as the change makes it. `done` is what was not done: "nothing was undone". 0 or -errno.
 */
int change_refuse_edited(const struct host *host, const struct change_record *record,
			 const char *done, struct error *err);

/*
 * Gives the first `count` files back, the last one first, and runs the tools among these
 * edits. Returns 0 or the first -errno.
 */
int change_take_all_back(struct change *change, const struct change_edits *edits,
			 size_t count, struct journal *journal,
			 const struct change_watcher *watcher, struct error *err);

/* Removes what was being written beside a path when it was killed. 0 or -errno. */
int change_remove_temporary(const struct host *host, const char *path, struct error *err);

/* Puts a file with these bytes, and what was kept of it, at a path. 0 or -errno. */
int change_put(const struct host *host, const char *path, const char *bytes, size_t len,
	       const struct change_kept *kept, struct error *err);

/* The name that a file has until it is whole, in its folder. One writer at a time. */
#define CHANGE_TEMPORARY ".pciferry.new"

#endif
