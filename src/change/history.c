/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading all journals. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/journal.h"

void change_history_free(struct change_history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->count; i++)
		change_record_free(&history->items[i]);
	free(history->items);
	memset(history, 0, sizeof(*history));
}

static int compare(const void *a, const void *b)
{
	const struct change_record *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

int change_history_read(const struct host *host, struct change_history *ret_history,
			struct error *err)
{
	_cleanup_(change_history_free) struct change_history history = { 0 };
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, CHANGE_JOURNAL, &names);

	if (r == -ENOENT)
		r = 0;
	if (r < 0) {
		error_set(err, -r, "/" CHANGE_JOURNAL, "%s", strerror(-r));
		if (r == -EACCES)
			error_hint(err, "root can read it: run it with sudo");
		return r;
	}
	history.items = calloc(names.count + 1, sizeof(*history.items));
	if (!history.items)
		return error_oom(err);
	for (size_t i = 0; i < names.count; i++) {
		uint64_t id;

		if (text_parse_number(names.items[i], UINT_MAX, &id) < 0)
			continue;
		if (change_record_read(host, (unsigned int)id,
				       &history.items[history.count]) < 0)
			return error_oom(err);
		history.count++;
	}
	qsort(history.items, history.count, sizeof(*history.items), compare);
	*ret_history = history;
	memset(&history, 0, sizeof(history));
	return 0;
}

/* There is one at most: none is begun beside one that was interrupted. */
void change_history_mark(const struct host *host, struct change_history *history)
{
	struct change_record *last =
		history->count ? &history->items[history->count - 1] : NULL;
	unsigned int interrupted;

	if (last && last->state == CHANGE_INTERRUPTED && !last->damage &&
	    change_find_interrupted(host, &interrupted) == 0 && !interrupted)
		last->state = CHANGE_IN_PROGRESS;
}

int change_output_read(const struct host *host, unsigned int id, size_t number,
		       char path[CHANGE_OUTPUT_PATH_SIZE], char **ret_text,
		       size_t *ret_len)
{
	snprintf(path, CHANGE_OUTPUT_PATH_SIZE, CHANGE_JOURNAL "/%u/output-%zu", id,
		 number);
	return host_read_file(host, path, ret_text, ret_len);
}
