/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a journal. */
#include "change/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/internal.h"

/* The highest number that a change has had. */
static int find_last(const struct host *host, unsigned int *ret_id)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, CHANGE_JOURNAL, &names);

	*ret_id = 0;
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		uint64_t id;

		if (text_parse_number(names.items[i], UINT_MAX - 1, &id) == 0 &&
		    id > *ret_id)
			*ret_id = (unsigned int)id;
	}
	return r;
}

int change_next_id(const struct host *host, unsigned int *ret_id)
{
	int r = find_last(host, ret_id);

	++*ret_id;
	return r == -ENOENT ? 0 : r;
}

static int make_folder(const struct host *host, struct journal *journal)
{
	_cleanup_close_ int all = change_open_parent(host, CHANGE_JOURNAL "/");
	char name[16];
	int r;

	if (all < 0)
		return all;
	if (fchmod(all, 0700) < 0)
		return -errno;
	r = change_next_id(host, &journal->id);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%u", journal->id);
	if (mkdirat(all, name, 0700) < 0)
		return -errno;
	journal->dir = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return journal->dir < 0 || fsync(all) < 0 ? -errno : 0;
}

/*
 * One that could not be completed, as on a full disk. The description goes first: what
 * has none was never begun.
 */
static void discard(const struct host *host, const struct journal *journal)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	_cleanup_close_ int all = -1;
	char path[64];

	snprintf(path, sizeof(path), CHANGE_JOURNAL "/%u", journal->id);
	if (journal->dir < 0 ||
	    (unlinkat(journal->dir, "change.json", 0) < 0 && errno != ENOENT) ||
	    host_list(host, path, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		unlinkat(journal->dir, names.items[i], 0);
	all = change_open_parent(host, path);
	if (all >= 0)
		unlinkat(all, change_file_name(path), AT_REMOVEDIR);
}

const char *change_sum(const char *bytes, size_t len, char buffer[CHANGE_SUM_SIZE])
{
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * 0x100000001b3;
	snprintf(buffer, CHANGE_SUM_SIZE, "%016" PRIx64, sum);
	return buffer;
}

static int write_numbered(const struct journal *journal, const char *name, size_t number,
			  const char *bytes, size_t len)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "%s-%zu", name, number);
	return file_create(journal->dir, path, bytes, len, 0600);
}

static int sync_numbered(const struct journal *journal, const char *name, size_t number)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "%s-%zu", name, number);
	return file_sync(journal->dir, path);
}

static int keep_file(const struct host *host, const struct change_edit *edit,
		     struct journal_file *file)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), edit->path, O_RDONLY | O_NOFOLLOW, 0);

	return fd < 0 ? fd : change_keep(fd, &file->kept);
}

/* The folders above a path that are not there yet. */
static int find_missing(const struct host *host, const char *path,
			struct string_list *folders)
{
	for (const char *slash = strchr(path, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		_cleanup_free_ char *folder = strndup(path, (size_t)(slash - path));

		if (!folder)
			return -ENOMEM;
		if (!host_exists(host, folder) && string_list_add(folders, folder) < 0)
			return -ENOMEM;
	}
	return 0;
}

static struct json_object *format_list(const struct string_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, json_object_new_string(list->items[i]));
	return array;
}

static void add_sum(struct json_object *object, const char *key, const char *bytes,
		    size_t len)
{
	char sum[CHANGE_SUM_SIZE];

	json_object_object_add(object, key,
			       json_object_new_string(change_sum(bytes, len, sum)));
}

static int format_edit(const struct change_edit *edit, const struct journal_file *file,
		       struct json_object *object)
{
	static const char *const kinds[] = CHANGE_KINDS;

	json_object_object_add(object, "kind", json_object_new_string(kinds[edit->kind]));
	json_object_object_add(object, "path", json_object_new_string(edit->path));
	json_object_object_add(object, "purpose", json_object_new_string(edit->purpose));
	if (edit->kind == EDIT_RUN) {
		json_object_object_add(object, "arguments",
				       format_list(&edit->arguments));
		if (edit->undo.count)
			json_object_object_add(object, "undo", format_list(&edit->undo));
		json_object_object_add(object, "makes", format_list(&edit->makes));
		json_object_object_add(object, "makes_beside",
				       json_object_new_boolean(edit->makes_beside));
		return 0;
	}
	json_object_object_add(object, "existed", json_object_new_boolean(edit->existed));
	if (edit->existed)
		add_sum(object, "before_sum", edit->before, edit->before_len);
	if (edit->kind == EDIT_WRITE)
		add_sum(object, "after_sum", edit->bytes, edit->len);
	if (edit->mode)
		json_object_object_add(object, "after_mode",
				       json_object_new_int((int)edit->mode));
	json_object_object_add(object, "folders", format_list(&file->folders));
	return edit->existed ? change_kept_format(&file->kept, object) : 0;
}

static int write_description(const struct journal *journal,
			     const struct change_title *title,
			     const struct change_edits *edits)
{
	struct json_object *root = json_object_new_object();
	struct json_object *array = json_object_new_array();
	const char *text;
	int r = 0;

	json_object_object_add(root, "version", json_object_new_int(CHANGE_VERSION));
	json_object_object_add(root, "title", json_object_new_string(title->title));
	json_object_object_add(root, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(root, "subjects", format_list(title->subjects));
	json_object_object_add(root, "edits", array);
	for (size_t i = 0; r == 0 && i < edits->count; i++) {
		struct json_object *object = json_object_new_object();

		json_object_array_add(array, object);
		r = format_edit(&edits->items[i], &journal->files[i], object);
	}
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	if (r == 0)
		r = text ? atomic_replace(journal->dir, "change.json", text, strlen(text),
					  0600, ATOMIC_DURABLE)
			 : -ENOMEM;
	json_object_put(root);
	return r;
}

static int keep_edit(const struct host *host, const struct change_edit *edit,
		     size_t number, struct journal *journal)
{
	struct journal_file *file = &journal->files[number];
	int r = 0;

	if (edit->kind == EDIT_RUN)
		return 0;
	if (edit->existed)
		r = keep_file(host, edit, file);
	else
		r = find_missing(host, edit->path, &file->folders);
	if (r == 0 && edit->existed)
		r = write_numbered(journal, "before", number, edit->before,
				   edit->before_len);
	if (r == 0 && edit->kind == EDIT_WRITE)
		r = write_numbered(journal, "after", number, edit->bytes, edit->len);
	return r;
}

static int sync_edit(const struct journal *journal, const struct change_edit *edit,
		     size_t number)
{
	int r = 0;

	if (edit->kind == EDIT_RUN)
		return 0;
	if (edit->existed)
		r = sync_numbered(journal, "before", number);
	if (r == 0 && edit->kind == EDIT_WRITE)
		r = sync_numbered(journal, "after", number);
	return r;
}

int change_journal_create(const struct host *host, const struct change_title *title,
			  const struct change_edits *edits, struct journal *ret_journal,
			  struct error *err)
{
	_cleanup_(change_journal_close) struct journal journal = { .dir = -1 };
	int r;

	journal.files = calloc(edits->count + 1, sizeof(*journal.files));
	if (!journal.files)
		return error_oom(err);
	journal.count = edits->count;
	r = make_folder(host, &journal);
	for (size_t i = 0; r == 0 && i < edits->count; i++)
		r = keep_edit(host, &edits->items[i], i, &journal);
	for (size_t i = 0; r == 0 && i < edits->count; i++)
		r = sync_edit(&journal, &edits->items[i], i);
	if (r == 0)
		r = write_description(&journal, title, edits);
	/* The state has its room: on a full disk it would take that of what is given
	 * back. */
	if (r == 0)
		r = change_journal_note(&journal, "begin");
	if (r < 0) {
		discard(host, &journal);
		change_explain_path(CHANGE_JOURNAL, r, err);
		error_evidence(err, "nothing was changed: a change is written down before"
				    " it is made");
		return r;
	}
	*ret_journal = journal;
	journal = (struct journal){ .dir = -1 };
	return 0;
}

void change_journal_files_free(struct journal_file *files, size_t count)
{
	for (size_t i = 0; i < count && files; i++) {
		change_kept_free(&files[i].kept);
		string_list_free(&files[i].folders);
	}
	free(files);
}

void change_journal_close(struct journal *journal)
{
	if (!journal)
		return;
	change_journal_files_free(journal->files, journal->count);
	if (journal->dir >= 0)
		close(journal->dir);
	*journal = (struct journal){ .dir = -1 };
}

int change_journal_note(struct journal *journal, const char *word)
{
	bool is_new = faccessat(journal->dir, "state", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	_cleanup_close_ int fd = -1;
	char line[64];
	int len = snprintf(line, sizeof(line), "%s\n", word), r;

	fd = openat(journal->dir, "state",
		    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, line, (size_t)len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r == 0 && is_new && fsync(journal->dir) < 0 ? -errno : r;
}
