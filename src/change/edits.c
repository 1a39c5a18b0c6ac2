/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "change/edit.h"
#include "change/internal.h"

void change_edit_free(struct change_edit *edit)
{
	free(edit->path);
	free(edit->purpose);
	free(edit->bytes);
	free(edit->before);
	string_list_free(&edit->arguments);
	string_list_free(&edit->undo);
	string_list_free(&edit->makes);
	free(edit->made_like);
	memset(edit, 0, sizeof(*edit));
}

void change_edits_free(struct change_edits *edits)
{
	if (!edits)
		return;
	for (size_t i = 0; i < edits->count; i++)
		change_edit_free(&edits->items[i]);
	free(edits->items);
	memset(edits, 0, sizeof(*edits));
}

static void take_out(struct change_edits *edits, size_t index)
{
	change_edit_free(&edits->items[index]);
	edits->count--;
	memmove(&edits->items[index], &edits->items[index + 1],
		(edits->count - index) * sizeof(*edits->items));
}

int change_edits_add(struct change_edits *edits, struct change_edit *edit)
{
	struct change_edit *larger =
		reallocarray(edits->items, edits->count + 1, sizeof(*larger));

	if (larger)
		edits->items = larger;
	if (!larger || !edit->path || !edit->purpose ||
	    (edit->kind == EDIT_WRITE && !edit->bytes)) {
		change_edit_free(edit);
		return -ENOMEM;
	}
	edits->items[edits->count++] = *edit;
	memset(edit, 0, sizeof(*edit));
	return 0;
}

int change_edits_move(struct change_edits *edits, struct change_edits *from)
{
	struct change_edit *larger = reallocarray(
		edits->items, edits->count + from->count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	edits->items = larger;
	for (size_t i = 0; i < from->count; i++)
		larger[edits->count++] = from->items[i];
	from->count = 0;
	change_edits_free(from);
	return 0;
}

static char *copy_bytes(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy) {
		memcpy(copy, bytes, len);
		copy[len] = '\0';
	}
	return copy;
}

int change_edit_write(struct change_edits *edits, const char *path, const char *purpose,
		      const char *bytes, size_t len)
{
	struct change_edit edit = { .kind = EDIT_WRITE,
				    .path = strdup(path),
				    .purpose = strdup(purpose),
				    .bytes = copy_bytes(bytes, len),
				    .len = len };

	return change_edits_add(edits, &edit);
}

int change_edit_write_program(struct change_edits *edits, const char *path,
			      const char *purpose, const char *bytes, size_t len)
{
	int r = change_edit_write(edits, path, purpose, bytes, len);

	if (r == 0)
		edits->items[edits->count - 1].mode = 0755;
	return r;
}

int change_edit_remove(struct change_edits *edits, const char *path, const char *purpose)
{
	struct change_edit edit = { .kind = EDIT_REMOVE,
				    .path = strdup(path),
				    .purpose = strdup(purpose) };

	return change_edits_add(edits, &edit);
}

struct change_edit *change_edit_find(const struct change_edits *edits, const char *path)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].kind == EDIT_WRITE &&
		    !strcmp(edits->items[i].path, path))
			return &edits->items[i];
	return NULL;
}

static bool is_same_tool(const struct change_edit *a, const struct change_edit *b)
{
	if (a->kind != EDIT_RUN || strcmp(a->path, b->path) != 0 ||
	    a->arguments.count != b->arguments.count)
		return false;
	for (size_t i = 0; i < a->arguments.count; i++)
		if (strcmp(a->arguments.items[i], b->arguments.items[i]) != 0)
			return false;
	return true;
}

static int add_words(struct string_list *list, const char *const *words)
{
	int r = 0;

	for (; r == 0 && *words; words++)
		r = string_list_add(list, *words);
	return r;
}

int change_edit_run_undone_by(struct change_edits *edits, const char *program,
			      const char *const *arguments, const char *const *undo,
			      const char *purpose)
{
	struct change_edit edit = { .kind = EDIT_RUN,
				    .path = strdup(program),
				    .purpose = strdup(purpose) };

	if (add_words(&edit.arguments, arguments) < 0 || add_words(&edit.undo, undo) < 0)
		free(steal(edit.path));
	for (size_t i = edits->count; edit.path && i-- > 0;)
		if (is_same_tool(&edits->items[i], &edit))
			take_out(edits, i);
	return change_edits_add(edits, &edit);
}

int change_edit_run(struct change_edits *edits, const char *program,
		    const char *const *arguments, const char *purpose)
{
	static const char *const none[] = { NULL };

	return change_edit_run_undone_by(edits, program, arguments, none, purpose);
}

/* What a path is like: 0 with its bytes, or with existed false; or -errno. */
int change_look_at(const struct host *host, const char *path, bool *ret_existed,
		   char **ret_bytes, size_t *ret_len)
{
	_cleanup_close_ int fd =
		rooted_open(host_root_fd(host), path, O_PATH | O_NOFOLLOW, 0);
	struct stat status;

	*ret_existed = false;
	*ret_bytes = NULL;
	*ret_len = 0;
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	/* A link is somebody's arrangement: what is behind it may be shared. */
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode)	 ? -EISDIR
		       : S_ISLNK(status.st_mode) ? -ELOOP
						 : -EINVAL;
	/* A new file would take the place of one name, and leave the old to the others.
	 */
	if (status.st_nlink > 1)
		return -EMLINK;
	*ret_existed = true;
	return host_read_file(host, path, ret_bytes, ret_len);
}

static int look(const struct host *host, struct change_edit *edit, struct error *err)
{
	struct host_mode mode;
	int r;

	/* It has what is read of some files, and not whether there are others. */
	if (host_root_fd(host) < 0) {
		error_set(err, EOPNOTSUPP, host_name(host),
			  "changes of files cannot be planned on a recording");
		error_hint(err, "that takes the host itself, or a copy of its root:"
				" pciferry plan --root DIR");
		return -EOPNOTSUPP;
	}
	free(steal(edit->before));
	r = change_look_at(host, edit->path, &edit->existed, &edit->before,
			   &edit->before_len);
	if (r < 0)
		return change_explain_path(edit->path, r, err);
	/* One that cannot be told is set anew. */
	edit->before_mode =
		edit->existed && host_file_mode(host, edit->path, &mode) == FACT_KNOWN
			? (mode_t)mode.mode
			: 0;
	return 0;
}

/* The second would be made of what the first one made: neither could be taken back. */
static int refuse_twice(const struct change_edits *edits, size_t index, struct error *err)
{
	const struct change_edit *edit = &edits->items[index];
	char subject[ERROR_SUBJECT_SIZE];

	for (size_t i = 0; i < index; i++)
		if (edits->items[i].kind != EDIT_RUN &&
		    !strcmp(edits->items[i].path, edit->path))
			return error_set(err, EEXIST, change_subject(edit->path, subject),
					 "two edits of one file in one change");
	return 0;
}

static bool changes_nothing(const struct change_edit *edit)
{
	if (edit->kind == EDIT_REMOVE)
		return !edit->existed;
	if (edit->mode && edit->mode != edit->before_mode)
		return false;
	return edit->kind == EDIT_WRITE && edit->existed &&
	       edit->len == edit->before_len &&
	       !memcmp(edit->bytes, edit->before, edit->len);
}

/* Takes out tools before which no file changes: what they would make is there. */
static void drop_tools(struct change_edits *edits)
{
	size_t files = 0;

	for (size_t i = 0; i < edits->count;)
		if (edits->items[i].kind != EDIT_RUN) {
			files++;
			i++;
		} else if (files || edits->items[i].is_due) {
			i++;
		} else {
			take_out(edits, i);
		}
}

/* All files first: what is done quickly and may fail, before what takes minutes. */
static void move_tools_last(struct change_edits *edits)
{
	size_t unmoved = edits->count;

	for (size_t i = 0; i < unmoved;) {
		struct change_edit edit = edits->items[i];

		if (edit.kind != EDIT_RUN) {
			i++;
			continue;
		}
		memmove(&edits->items[i], &edits->items[i + 1],
			(edits->count - i - 1) * sizeof(edit));
		edits->items[edits->count - 1] = edit;
		unmoved--;
	}
}

int change_edits_look(const struct host *host, struct change_edits *edits,
		      struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < edits->count; i++)
		if (edits->items[i].kind != EDIT_RUN)
			r = refuse_twice(edits, i, err);
	for (size_t i = 0; r == 0 && i < edits->count;) {
		struct change_edit *edit = &edits->items[i];

		r = edit->kind == EDIT_RUN ? 0 : look(host, edit, err);
		if (r == 0 && changes_nothing(edit))
			take_out(edits, i);
		else
			i++;
	}
	if (r < 0)
		return r;
	drop_tools(edits);
	move_tools_last(edits);
	return 0;
}
