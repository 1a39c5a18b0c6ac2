/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_JOURNAL_H
#define PCIFERRY_CHANGE_JOURNAL_H

/*
 * What is written down before a change is made, in /var/lib/pciferry/journal/ID:
 *
 *     change.json         what it is, and for each file what it was like beside its
 *                         bytes, and their sums
 *     before-N, after-N   the bytes of the N-th edit's file
 *     state               a line for each thing that happened, the last one added last
 *     output-N            what the N-th edit's tool wrote
 *
 * Everything is on the disk before the first file is touched. change.json is written
 * last: without it, and without a state, nothing was begun.
 */
#include "change/edit.h"
#include "change/kept.h"

#define CHANGE_JOURNAL "var/lib/pciferry/journal"

/* Of the form of change.json. What another one means is not guessed. */
enum { CHANGE_VERSION = 1 };

/* What change.json calls each kind. */
#define CHANGE_KINDS                                                                 \
	{                                                                            \
		[EDIT_WRITE] = "write", [EDIT_REMOVE] = "remove", [EDIT_RUN] = "run" \
	}

/* An edit as the journal has it. */
struct journal_file {
	struct change_kept kept;    /* of the file that was there */
	struct string_list folders; /* made for it, the outermost first */
};

struct journal {
	unsigned int id;
	int dir;		    /* its folder */
	struct journal_file *files; /* one for each edit */
	size_t count;
};

/*
 * Makes a change's folder, with all but its state. The edits were looked at. Returns 0
 * and *ret_journal, for change_journal_close(), or -errno.
 */
int change_journal_create(const struct host *host, const struct change_title *title,
			  const struct change_edits *edits, struct journal *ret_journal,
			  struct error *err);

/* Opens that of a change that was made earlier, and takes the record's files. */
int change_journal_open(const struct host *host, struct change_record *record,
			struct journal *ret_journal, struct error *err);
void change_journal_close(struct journal *journal); /* takes NULL */

void change_journal_files_free(struct journal_file *files, size_t count);

/* Adds a line to the state: "applied". It is on the disk then. Returns 0 or -errno. */
int change_journal_note(struct journal *journal, const char *word);

/*
 * A sum of a file's bytes, by which damage to a journal is seen: FNV-1a, of 64 bits
 * (RFC 9923). Not against those who can write to it: they are root.
 */
enum { CHANGE_SUM_SIZE = 17 };
const char *change_sum(const char *bytes, size_t len, char buffer[CHANGE_SUM_SIZE]);

/* One record; what is damaged is told in it. Returns 0 or -ENOMEM. */
int change_record_read(const struct host *host, unsigned int id,
		       struct change_record *ret_record);

/* What the lines of a state tell. */
enum change_state change_state_parse(const char *text, size_t len);

/*
 * Reads all of a change and opens its journal, or says why it cannot be done: "nothing
 * was undone". One that is undone has no journal to open. Returns 0 or -errno.
 */
int change_open(const struct host *host, unsigned int id, const char *done,
		struct change_record *ret_record, struct journal *ret_journal,
		struct error *err);

#endif
