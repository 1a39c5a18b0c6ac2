/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_JOURNAL_H
#define PCIFERRY_CHANGE_JOURNAL_H

/*
 * What is written down before a change is made, in /var/lib/pciferry/journal/ID:
 *
 *     change.json         what it is, and for each file what it was like beside its bytes
 *     before-N, after-N   the bytes of the N-th edit's file
 *     state               a line for each thing that happened, the last one added last
 *     output-N            what the N-th edit's tool wrote
 *
 * Everything is on the disk before the first file is touched, and each line of `state`
 * before what it announces.
 */
#include "change/edit.h"
#include "change/kept.h"

#define CHANGE_JOURNAL "var/lib/pciferry/journal"

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

/* Opens that of a change that was made earlier, whose edits are those of the record. */
int change_journal_open(const struct host *host, const struct change_record *record,
			struct journal *ret_journal, struct error *err);
void change_journal_close(struct journal *journal); /* takes NULL */

/* Adds a line to the state: "begin 2", "applied". It is on the disk then. 0 or -errno. */
int change_journal_note(struct journal *journal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One record; what is damaged is told in it. Returns 0 or -ENOMEM. */
int change_record_read(const struct host *host, unsigned int id,
		       struct change_record *ret_record);
void change_record_free(struct change_record *record); /* takes NULL */

#endif
