/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading one journal. What is not as it was written is told, never guessed. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/internal.h"
#include "change/journal.h"

void change_record_free(struct change_record *record)
{
	if (!record)
		return;
	free(record->title);
	free(record->damage);
	string_list_free(&record->subjects);
	change_journal_files_free(record->files, record->edits.count);
	change_edits_free(&record->edits);
	memset(record, 0, sizeof(*record));
}

/* Keeps what is said first. Returns -EINVAL or -ENOMEM. */
static int damaged(struct change_record *record, const char *file, const char *what)
{
	if (!record->damage && asprintf(&record->damage, "%s: %s", file, what) < 0) {
		record->damage = NULL;
		return -ENOMEM;
	}
	return -EINVAL;
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

static struct json_object *get_array(struct json_object *object, const char *key)
{
	struct json_object *array;

	if (!json_object_object_get_ex(object, key, &array) ||
	    !json_object_is_type(array, json_type_array))
		return NULL;
	return array;
}

static int get_list(struct json_object *object, const char *key, struct string_list *list)
{
	struct json_object *array = get_array(object, key);

	if (!array)
		return -EINVAL;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (!json_object_is_type(item, json_type_string))
			return -EINVAL;
		if (string_list_add(list, json_object_get_string(item)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int get_flag(struct json_object *object, const char *key, bool *ret_flag)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_boolean))
		return -EINVAL;
	*ret_flag = json_object_get_boolean(value);
	return 0;
}

/* "before" or "after" of one edit, whose sum is in the description. */
static int read_bytes(const struct host *host, struct change_record *record,
		      struct json_object *object, const char *side, char **ret_bytes,
		      size_t *ret_len)
{
	_cleanup_free_ char *bytes = NULL;
	char file[NAME_MAX], key[32], sum[CHANGE_SUM_SIZE];
	const char *expected;
	size_t len;
	int r;

	snprintf(key, sizeof(key), "%s_sum", side);
	expected = get_text(object, key);
	if (!expected)
		return -EINVAL;
	snprintf(file, sizeof(file), "%s-%zu", side, record->edits.count);
	r = read_file(host, record->id, file, &bytes, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return damaged(record, file, strerror(-r));
	if (strcmp(change_sum(bytes, len, sum), expected) != 0)
		return damaged(record, file, "it is not what was written");
	*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}

static int take_kind(const char *text, enum change_edit_kind *ret_kind)
{
	static const char *const kinds[] = CHANGE_KINDS;

	for (size_t i = 0; text && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(text, kinds[i])) {
			*ret_kind = (enum change_edit_kind)i;
			return 0;
		}
	return -EINVAL;
}

/* Most edits have none. */
static int take_mode(struct json_object *object, mode_t *ret_mode)
{
	struct json_object *value;
	int64_t mode;

	if (!json_object_object_get_ex(object, "after_mode", &value))
		return 0;
	mode = json_object_get_int64(value);
	if (!json_object_is_type(value, json_type_int) || mode <= 0 || mode > 07777)
		return -EINVAL;
	*ret_mode = (mode_t)mode;
	return 0;
}

static int take_file(const struct host *host, struct change_record *record,
		     struct json_object *object, struct change_edit *edit,
		     struct journal_file *file)
{
	int r = get_flag(object, "existed", &edit->existed);

	if (r == 0)
		r = take_mode(object, &edit->mode);
	if (r == 0)
		r = get_list(object, "folders", &file->folders);
	if (r == 0 && edit->existed)
		r = change_kept_parse(object, &file->kept);
	if (r == 0 && edit->existed)
		r = read_bytes(host, record, object, "before", &edit->before,
			       &edit->before_len);
	if (r == 0 && edit->kind == EDIT_WRITE)
		r = read_bytes(host, record, object, "after", &edit->bytes, &edit->len);
	return r;
}

static int take_tool(struct json_object *object, struct change_edit *edit)
{
	int r = get_list(object, "arguments", &edit->arguments);

	if (r == 0 && json_object_object_get_ex(object, "undo", NULL))
		r = get_list(object, "undo", &edit->undo);
	/* Journals of the first days have no more. */
	if (r < 0 || !json_object_object_get_ex(object, "makes", NULL))
		return r;
	r = get_list(object, "makes", &edit->makes);
	return r < 0 ? r : get_flag(object, "makes_beside", &edit->makes_beside);
}

/* What is taken is the record's, also on failure. */
static int take_edit(const struct host *host, struct change_record *record,
		     struct json_object *object)
{
	struct journal_file *file = &record->files[record->edits.count];
	const char *path = get_text(object, "path");
	const char *purpose = get_text(object, "purpose");
	struct change_edit edit = { 0 };
	int r = take_kind(get_text(object, "kind"), &edit.kind);

	if (r < 0 || !path || !purpose)
		return -EINVAL;
	edit.path = strdup(path);
	edit.purpose = strdup(purpose);
	if (edit.kind == EDIT_RUN)
		r = take_tool(object, &edit);
	else
		r = take_file(host, record, object, &edit, file);
	if (r == 0)
		r = change_edits_add(&record->edits, &edit);
	if (r == 0)
		return 0;
	change_edit_free(&edit);
	change_kept_free(&file->kept);
	string_list_free(&file->folders);
	return r;
}

static int take_description(const struct host *host, struct json_object *root,
			    struct change_record *record)
{
	struct json_object *edits = get_array(root, "edits"), *version, *when;
	const char *title = get_text(root, "title");
	int r;

	if (!json_object_object_get_ex(root, "version", &version) ||
	    !json_object_is_type(version, json_type_int) ||
	    json_object_get_int64(version) != CHANGE_VERSION)
		return damaged(record, "change.json",
			       "it is of a form that is not known here");
	if (!title || !edits || !json_object_object_get_ex(root, "time", &when) ||
	    !json_object_is_type(when, json_type_int))
		return -EINVAL;
	record->title = strdup(title);
	record->time = json_object_get_int64(when);
	record->files =
		calloc(json_object_array_length(edits) + 1, sizeof(*record->files));
	if (!record->title || !record->files)
		return -ENOMEM;
	r = get_list(root, "subjects", &record->subjects);
	for (size_t i = 0; r == 0 && i < json_object_array_length(edits); i++)
		r = take_edit(host, record, json_object_array_get_idx(edits, i));
	return r;
}

static int read_description(const struct host *host, unsigned int id,
			    struct json_object **ret_root)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = read_file(host, id, "change.json", &text, &len);

	if (r < 0)
		return r;
	*ret_root = json_tokener_parse(text);
	return *ret_root ? 0 : -EINVAL;
}

/* The last word tells; a line that was cut by a lost power is not whole. */
enum change_state change_state_parse(const char *text, size_t len)
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

/* Whether it was begun is told by the state's being there. */
static int take_state(const struct host *host, struct change_record *record,
		      bool *ret_begun)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = read_file(host, record->id, "state", &text, &len);

	*ret_begun = r != -ENOENT;
	record->state = r == 0 ? change_state_parse(text, len) : CHANGE_INTERRUPTED;
	if (r == 0 || r == -ENOENT)
		return 0;
	return r == -ENOMEM ? r : damaged(record, "state", strerror(-r));
}

int change_record_read(const struct host *host, unsigned int id,
		       struct change_record *ret_record)
{
	_cleanup_(change_record_free) struct change_record record = { .id = id };
	struct json_object *root = NULL;
	bool begun;
	int r = take_state(host, &record, &begun);

	if (r == 0)
		r = read_description(host, id, &root);
	if (r == -ENOENT && !begun) {
		/* It was interrupted before anything was done. */
		record.state = CHANGE_UNDONE;
		r = 0;
	} else if (r == 0) {
		r = take_description(host, root, &record);
	}
	json_object_put(root);
	if (r < 0 && r != -ENOMEM &&
	    damaged(&record, "change.json",
		    r == -EINVAL ? "it is not what was written" : strerror(-r)) ==
		    -ENOMEM)
		r = -ENOMEM;
	if (r == -ENOMEM)
		return r;
	if (!record.title)
		record.title = strdup(record.damage ? "?" : "nothing was begun");
	if (!record.title)
		return -ENOMEM;
	*ret_record = record;
	memset(&record, 0, sizeof(record));
	return 0;
}
