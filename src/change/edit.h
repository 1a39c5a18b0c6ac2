/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_EDIT_H
#define PCIFERRY_CHANGE_EDIT_H

/*
 * Changes that outlive a reboot: files, and the tools that make other files of them. All
 * or nothing, and back: docs/design/changes.md.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"
#include "change/change.h"

enum change_edit_kind {
	EDIT_WRITE,
	EDIT_REMOVE,
	EDIT_RUN, /* a tool whose output can be made again, such as update-initramfs */
};

struct change_edit {
	enum change_edit_kind kind;
	char *path;    /* beneath the root: "etc/default/grub"; a tool: the program */
	char *purpose; /* "turn the IOMMU on": what it is for, in a few words */
	char *bytes;   /* EDIT_WRITE: the whole new file */
	size_t len;
	mode_t mode; /* EDIT_WRITE: 0: as it was, or 0644 where there was none */
	struct string_list arguments; /* EDIT_RUN: behind the program's name */

	/* EDIT_RUN: what takes it back, the program's path beneath the root first. None:
	 * running the tool again does, since by then its files are as they were. */
	struct string_list undo;
	bool is_due; /* EDIT_RUN: what it made is old, also where no file changes now */

	/* EDIT_RUN: large files that it makes anew, such as images, as far as known. */
	struct string_list makes;
	bool makes_beside; /* each as another file first, which then takes its place */
	char *made_like; /* EDIT_RUN: it makes one more, about as large; NULL: it does not
			  */

	/* What it was like when the plan was made, from change_edits_look(). */
	bool existed;
	char *before; /* NULL unless it existed */
	size_t before_len;
	mode_t before_mode;
};

struct change_edits {
	struct change_edit *items;
	size_t count;
};

/* Each adds one; all are copied. Returns 0 or -ENOMEM. */
int change_edit_write(struct change_edits *edits, const char *path, const char *purpose,
		      const char *bytes, size_t len);
int change_edit_remove(struct change_edits *edits, const char *path, const char *purpose);

/* The same of a program, which everybody may run (0755). */
int change_edit_write_program(struct change_edits *edits, const char *path,
			      const char *purpose, const char *bytes, size_t len);

/* `arguments` ends with NULL. A tool that is there twice runs once, where it was last. */
int change_edit_run(struct change_edits *edits, const char *program,
		    const char *const *arguments, const char *purpose);

/*
 * The same of one that is not taken back by running it again. `undo` is the program that
 * does it and its arguments, and ends with NULL. Running that twice must do no harm.
 */
int change_edit_run_undone_by(struct change_edits *edits, const char *program,
			      const char *const *arguments, const char *const *undo,
			      const char *purpose);

/* The edit that writes this file; NULL: none does. */
struct change_edit *change_edit_find(const struct change_edits *edits, const char *path);
void change_edits_free(struct change_edits *edits); /* takes NULL */

/* Moves all of `from` behind those of `edits`. Returns 0 or -ENOMEM. */
int change_edits_move(struct change_edits *edits, struct change_edits *from);

/*
 * Reads what each file is like now, and takes out what would change nothing: files that
 * are so already, and tools before which no file of the list changes and that are not
 * due. The other tools come last. Refuses (-ELOOP, -EISDIR, ...) a path that is no file.
 * Returns 0 or -errno.
 */
int change_edits_look(const struct host *host, struct change_edits *edits,
		      struct error *err);

/* Who is told of an apply or an undo at work. May be NULL, as may each function. */
struct change_watcher {
	void (*edit)(const struct change_edit *edit, void *argument); /* one begins */

	/* A tool runs: since when, in seconds, and the last line it wrote. */
	void (*tool)(const struct change_edit *edit, unsigned int seconds,
		     const char *line, void *argument);
	void *argument;
};

/* What a change was, in words, for the history. */
struct change_title {
	const char *title;		    /* "free 0000:82:00.0 at boot" */
	const struct string_list *subjects; /* the devices it is about */
};

/*
 * Makes all edits, in their order, each journalled before it is made. Where one fails,
 * those before it are undone. Edits that were looked at earlier are refused
 * (ERROR_REFUSED) when a file is not as it was then, and all while a change is
 * interrupted. Returns 0 and the change's number, or -errno.
 */
int change_apply(struct change *change, const struct change_title *title,
		 const struct change_edits *edits, const struct change_watcher *watcher,
		 unsigned int *ret_id, struct error *err);

/*
 * Gives every file back as it was before change `id`, byte for byte, with its mode,
 * owner, times and extended attributes, and runs its tools again. Where a file is no
 * longer what the change wrote, nothing is done (ERROR_REFUSED, with the difference).
 * Returns 0 or -errno; -ENOENT: there is no such change.
 */
int change_undo(struct change *change, unsigned int id,
		const struct change_watcher *watcher, struct error *err);

/* The number that the next change of this host gets. Returns 0 or -errno. */
int change_next_id(const struct host *host, unsigned int *ret_id);

enum change_state {
	CHANGE_INTERRUPTED, /* neither finished nor undone: by a crash, or a lost power */
	CHANGE_APPLIED,
	CHANGE_UNDONE,
	CHANGE_IN_PROGRESS, /* another pciferry is at it */
};

struct change_record {
	unsigned int id; /* from 1 on, in the order in which they were made */
	enum change_state state;
	long long time; /* seconds since 1970 */
	char *title;
	struct string_list subjects;
	struct change_edits edits;  /* with what was there before, and what was written */
	struct journal_file *files; /* for change_undo(), one for each edit */
	char *damage; /* why some of it could not be read; NULL: it is sound */
};

/*
 * The newest change that was begun and neither finished nor undone: its pciferry was
 * killed, or the power was lost. One that is being made at this moment is none. Not for
 * who has begun a change. Returns 0 and *ret_id (0: there is none), or -errno.
 */
int change_find_interrupted(const struct host *host, unsigned int *ret_id);

/* "pciferry undo 3 takes it back, pciferry apply --resume goes on with it" */
enum { CHANGE_WAYS_SIZE = 256 };
const char *change_ways_on(const struct host *host, unsigned int id,
			   char buffer[CHANGE_WAYS_SIZE]);

/* ERROR_REFUSED where a change was interrupted: that one comes first. 0 or -errno. */
int change_refuse_interrupted(const struct change *change, struct error *err);

/*
 * Goes on with the newest change that was interrupted: what of it is not made yet is
 * made, and its tools run. Where a file is neither as it was before nor as the change
 * makes it, nothing is done (ERROR_REFUSED, with the difference); where an edit fails,
 * all of it is undone. Returns 0 and what it is, or -errno; -ENOENT: none was
 * interrupted.
 */
int change_resume(struct change *change, const struct change_watcher *watcher,
		  struct change_record *ret_record, struct error *err);

struct change_history {
	struct change_record *items; /* the oldest first */
	size_t count;
};

/* What was changed on this host. Returns 0 or -errno; no journal at all is an empty one.
 */
int change_history_read(const struct host *host, struct change_history *ret_history,
			struct error *err);

/*
 * Tells the change that another process is making right now from one that was
 * interrupted. Not for who has the lock.
 */
void change_history_mark(const struct host *host, struct change_history *history);
void change_history_free(struct change_history *history); /* takes NULL */
void change_record_free(struct change_record *record);	  /* takes NULL */

/*
 * What the tool that is a change's edit `number`, from 0 on, has written each time it
 * ran, and in which file that is. The caller frees *ret_text. 0 or -errno; -ENOENT: it
 * has not run.
 */
enum { CHANGE_OUTPUT_PATH_SIZE = 128 };
int change_output_read(const struct host *host, unsigned int id, size_t number,
		       char path[CHANGE_OUTPUT_PATH_SIZE], char **ret_text,
		       size_t *ret_len);

/*
 * The lines in which two texts differ, as diff -u shows them, with three lines around. A
 * text that is NULL is no file. The caller frees it; NULL: no memory.
 */
char *change_diff(const char *path, const char *before, size_t before_len,
		  const char *after, size_t after_len);

#endif
