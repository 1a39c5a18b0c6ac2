/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes that were cut off by a crash or a lost power, and going on with them. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/perform.h"

/* By its state alone, which is short: this is asked by each command. 1, 0 or -errno. */
static int is_unfinished(const struct host *host, unsigned int id)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len;
	int r;

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u/state", id);
	r = host_read_file(host, path, &text, &len);
	if (r == 0)
		return change_state_parse(text, len) == CHANGE_INTERRUPTED;
	if (r != -ENOENT)
		return r == -ENOMEM || r == -EACCES ? r : 1;
	/* With its description, and without a state: nothing of it was made yet. */
	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u/change.json", id);
	return host_exists(host, path);
}

int change_find_unfinished(const struct host *host, unsigned int *ret_id)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, CHANGE_JOURNAL, &names);

	*ret_id = 0;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < names.count; i++) {
		uint64_t id;

		if (text_parse_number(names.items[i], UINT_MAX, &id) < 0 || id < *ret_id)
			continue;
		r = is_unfinished(host, (unsigned int)id);
		if (r < 0)
			return r;
		if (r)
			*ret_id = (unsigned int)id;
	}
	return 0;
}

int change_find_interrupted(const struct host *host, unsigned int *ret_id)
{
	int r = change_find_unfinished(host, ret_id);

	if (r < 0 || !*ret_id)
		return r;
	/* Somebody is at it; or has been, and may have finished it since. */
	if (change_is_busy(host)) {
		*ret_id = 0;
		return 0;
	}
	return change_find_unfinished(host, ret_id);
}

const char *change_ways_on(const struct host *host, unsigned int id,
			   char buffer[CHANGE_WAYS_SIZE])
{
	const char *option = host_is_live(host) ? "" : " --root ";
	const char *root = host_is_live(host) ? "" : host_name(host);

	snprintf(buffer, CHANGE_WAYS_SIZE,
		 "pciferry undo %u%s%s takes it back, pciferry apply --resume%s%s goes on"
		 " with it",
		 id, option, root, option, root);
	return buffer;
}

int change_refuse_interrupted(const struct change *change, struct error *err)
{
	char subject[32], ways[CHANGE_WAYS_SIZE];
	unsigned int id;
	int r = change_find_unfinished(change->host, &id);

	if (r < 0)
		return change_explain_path(CHANGE_JOURNAL, r, err);
	if (!id)
		return 0;
	snprintf(subject, sizeof(subject), "change %u", id);
	r = error_refuse(err, subject,
			 "it was interrupted, and comes first: nothing was changed");
	error_hint(err, "%s", change_ways_on(change->host, id, ways));
	return r;
}

int change_resume(struct change *change, const struct change_watcher *watcher,
		  struct change_record *ret_record, struct error *err)
{
	static const char nothing[] = "nothing was done";
	_cleanup_(change_guard_end) struct change_guard guard = CHANGE_GUARD_INIT;
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	_cleanup_(change_record_free) struct change_record record = { 0 };
	unsigned int id;
	int r = change_find_unfinished(change->host, &id);

	if (r < 0)
		return change_explain_path(CHANGE_JOURNAL, r, err);
	if (!id) {
		error_set(err, ENOENT, "", "no change was interrupted");
		error_hint(err, "pciferry history shows what was changed");
		return -ENOENT;
	}
	r = change_open(change->host, id, nothing, &record, &journal, err);
	if (r == 0)
		r = change_refuse_edited(change->host, &record, nothing, err);
	if (r == 0)
		r = change_check_tools(change->host, &record.edits, err);
	if (r == 0)
		r = change_check_room(change->host, &record.edits, err);
	if (r == 0)
		r = change_guard_begin(change->host, &record.edits, &guard, err);
	if (r == 0)
		r = change_make_all(change, &record.edits, true, &journal, watcher, err);
	if (r < 0)
		return r;
	*ret_record = record;
	memset(&record, 0, sizeof(record));
	return 0;
}
