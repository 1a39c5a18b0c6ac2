/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a change that was made earlier, to undo it or to go on with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "change/journal.h"

int change_journal_open(const struct host *host, struct change_record *record,
			struct journal *ret_journal, struct error *err)
{
	char path[64];
	int dir;

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u", record->id);
	dir = rooted_open(host_root_fd(host), path, O_RDONLY | O_DIRECTORY, 0);
	if (dir < 0)
		return change_explain_path(path, dir, err);
	ret_journal->id = record->id;
	ret_journal->dir = dir;
	ret_journal->files = steal(record->files);
	ret_journal->count = record->edits.count;
	return 0;
}

int change_open(const struct host *host, unsigned int id, const char *done,
		struct change_record *record, struct journal *journal, struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u", id);
	if (!host_exists(host, path)) {
		snprintf(path, sizeof(path), "%u", id);
		error_set(err, ENOENT, path, "there is no such change");
		error_hint(err, "pciferry history shows them");
		return -ENOENT;
	}
	if (change_record_read(host, id, record) < 0)
		return error_oom(err);
	if (record->damage) {
		char subject[ERROR_SUBJECT_SIZE];

		error_set(err, EINVAL, change_subject(path, subject),
			  "it is damaged, and %s: %s", done, record->damage);
		error_hint(err, "its files before-N are what was there: put them back by "
				"hand, and remove this folder");
		return -EINVAL;
	}
	return record->state == CHANGE_UNDONE
		       ? 0
		       : change_journal_open(host, record, journal, err);
}
