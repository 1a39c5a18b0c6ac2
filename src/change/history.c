/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading journals. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"
#include "change/journal.h"

void change_record_free(struct change_record *record)
{
	if (!record)
		return;
	free(record->title);
	free(record->damage);
	string_list_free(&record->subjects);
	change_edits_free(&record->edits);
	memset(record, 0, sizeof(*record));
}

void change_history_free(struct change_history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->count; i++)
		change_record_free(&history->items[i]);
	free(history->items);
	memset(history, 0, sizeof(*history));
}

static int read_file(const struct host *host, unsigned int id, const char *name,
		     char **ret_text, size_t *ret_len)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u/%s", id, name);
	return host_read_file(host, path, ret_text, ret_len);
}

static const char *get_text(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static int get_list(struct json_object *object, const char *key, struct string_list *list)
{
	struct json_object *array;

	if (!json_object_object_get_ex(object, key, &array) ||
	    !json_object_is_type(array, json_type_array))
		return -EINVAL;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		const char *text =
			json_object_get_string(json_object_array_get_idx(array, i));

		if (!text)
			return -EINVAL;
		if (string_list_add(list, text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_bytes(const struct host *host, unsigned int id, const char *name,
		      size_t number, char **ret_bytes, size_t *ret_len)
{
	char file[NAME_MAX];

	snprintf(file, sizeof(file), "%s-%zu", name, number);
	return read_file(host, id, file, ret_bytes, ret_len);
}

static int take_kind(const char *text, enum change_edit_kind *ret_kind)
{
	if (!text)
		return -EINVAL;
	if (!strcmp(text, "write"))
		*ret_kind = EDIT_WRITE;
	else if (!strcmp(text, "remove"))
		*ret_kind = EDIT_REMOVE;
	else if (!strcmp(text, "run"))
		*ret_kind = EDIT_RUN;
	else
		return -EINVAL;
	return 0;
}

static int take_edit(const struct host *host, unsigned int id, size_t number,
		     struct json_object *object, struct change_edits *edits)
{
	const char *path = get_text(object, "path");
	const char *purpose = get_text(object, "purpose");
	struct change_edit edit = { .path = path ? strdup(path) : NULL,
				    .purpose = purpose ? strdup(purpose) : NULL };
	struct json_object *existed;
	int r = take_kind(get_text(object, "kind"), &edit.kind);

	if (r == 0 && edit.kind == EDIT_RUN)
		r = get_list(object, "arguments", &edit.arguments);
	if (r == 0 && edit.kind == EDIT_WRITE)
		r = read_bytes(host, id, "after", number, &edit.bytes, &edit.len);
	if (r == 0 && edit.kind != EDIT_RUN) {
		edit.existed = json_object_object_get_ex(object, "existed", &existed) &&
			       json_object_get_boolean(existed);
		if (edit.existed)
			r = read_bytes(host, id, "before", number, &edit.before,
				       &edit.before_len);
	}
	/* Its texts are taken in any case. */
	if (r < 0)
		free(steal(edit.path));
	return change_edits_add(edits, &edit) < 0 && r == 0 ? -EINVAL : r;
}

/* The last word tells; lines that were cut by a lost power are not whole. */
static enum change_state parse_state(const char *text, size_t len)
{
	enum change_state state = CHANGE_INTERRUPTED;
	const char *end = text + len, *newline;

	for (; text < end && (newline = memchr(text, '\n', (size_t)(end - text)));
	     text = newline + 1) {
		size_t n = (size_t)(newline - text);

		if (n == strlen("applied") && !memcmp(text, "applied", n))
			state = CHANGE_APPLIED;
		else if (n == strlen("undone") && !memcmp(text, "undone", n))
			state = CHANGE_UNDONE;
		else
			state = CHANGE_INTERRUPTED;
	}
	return state;
}

static int take_description(const struct host *host, struct json_object *root,
			    struct change_record *record)
{
	struct json_object *array, *when;
	const char *title = get_text(root, "title");
	int r = get_list(root, "subjects", &record->subjects);

	if (r < 0 || !title || !json_object_object_get_ex(root, "time", &when) ||
	    !json_object_object_get_ex(root, "edits", &array) ||
	    !json_object_is_type(array, json_type_array))
		return r < 0 ? r : -EINVAL;
	record->title = strdup(title);
	record->time = json_object_get_int64(when);
	if (!record->title)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < json_object_array_length(array); i++)
		r = take_edit(host, record->id, i, json_object_array_get_idx(array, i),
			      &record->edits);
	return r;
}

static struct json_object *read_description(const struct host *host, unsigned int id)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (read_file(host, id, "change.json", &text, &len) < 0)
		return NULL;
	return json_tokener_parse(text);
}

static int tell_damage(struct change_record *record)
{
	free(record->title);
	record->title = strdup("?");
	record->damage = strdup("its description cannot be read");
	return record->title && record->damage ? 0 : -ENOMEM;
}

int change_record_read(const struct host *host, unsigned int id,
		       struct change_record *ret_record)
{
	_cleanup_(change_record_free) struct change_record record = { .id = id };
	struct json_object *root = read_description(host, id);
	_cleanup_free_ char *state = NULL;
	size_t len;
	int r = root ? take_description(host, root, &record) : -EINVAL;

	json_object_put(root);
	if (r == -ENOMEM)
		return r;
	/* Without a description nothing had been begun. */
	if (r < 0)
		r = tell_damage(&record);
	if (r < 0)
		return r;
	r = read_file(host, id, "state", &state, &len);
	if (r == 0)
		record.state = parse_state(state, len);
	*ret_record = record;
	memset(&record, 0, sizeof(record));
	return 0;
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

/* What the record does not hold: how each file was. */
static int take_files(struct json_object *root, struct journal *journal)
{
	struct json_object *array;
	int r = 0;

	if (!json_object_object_get_ex(root, "edits", &array) ||
	    json_object_array_length(array) != journal->count)
		return -EINVAL;
	for (size_t i = 0; r == 0 && i < journal->count; i++) {
		struct json_object *object = json_object_array_get_idx(array, i),
				   *existed;

		if (!json_object_object_get_ex(object, "existed", &existed))
			continue;
		r = get_list(object, "folders", &journal->files[i].folders);
		if (r == 0 && json_object_get_boolean(existed))
			r = change_kept_parse(object, &journal->files[i].kept);
	}
	return r;
}

int change_journal_open(const struct host *host, const struct change_record *record,
			struct journal *ret_journal, struct error *err)
{
	_cleanup_(change_journal_close) struct journal journal = { .id = record->id,
								   .dir = -1 };
	struct json_object *root = read_description(host, record->id);
	char path[PATH_MAX];
	int r = root ? 0 : -EINVAL;

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u", record->id);
	journal.files = calloc(record->edits.count + 1, sizeof(*journal.files));
	journal.count = record->edits.count;
	if (r == 0)
		r = journal.files ? take_files(root, &journal) : -ENOMEM;
	json_object_put(root);
	if (r == 0) {
		journal.dir =
			rooted_open(host_root_fd(host), path, O_RDONLY | O_DIRECTORY, 0);
		r = journal.dir < 0 ? journal.dir : 0;
	}
	if (r < 0)
		return error_set(err, -r, path, "%s",
				 r == -EINVAL ? "it is damaged" : strerror(-r));
	*ret_journal = journal;
	journal = (struct journal){ .dir = -1 };
	return 0;
}
