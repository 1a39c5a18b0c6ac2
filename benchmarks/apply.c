/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an apply does to files, without its tools, and the least that can be done: each
 * new file written beside the old one, synced, renamed over it, and its folder synced.
 *
 *     bench-apply engine|floor ROOT FILES
 *
 * Every third file is new, in a folder of its own; the others are there already.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "change/edit.h"

/* Of the size of a boot entry. */
static char text[600];

static void name_file(char *path, size_t size, int number)
{
	snprintf(path, size, "etc/folder-%d/file-%d", number / 3, number);
}

static int write_once(int root, const char *path)
{
	char folder[64];
	_cleanup_close_ int dir = -1, fd = -1;

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	dir = openat(root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	fd = openat(dir, ".new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, text, sizeof(text)) != (ssize_t)sizeof(text) ||
	    fsync(fd) < 0 || renameat(dir, ".new", dir, strrchr(path, '/') + 1) < 0)
		return -1;
	return fsync(dir);
}

static int run_floor(const char *root_path, int files)
{
	_cleanup_close_ int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[64];

	for (int i = 0; i < files; i++) {
		name_file(path, sizeof(path), i);
		if (write_once(root, path) < 0)
			return -1;
	}
	return 0;
}

static int make_edits(struct change_edits *edits, int files)
{
	char path[64];

	for (int i = 0; i < files; i++) {
		name_file(path, sizeof(path), i);
		if (change_edit_write(edits, path, "measure", text, sizeof(text)) < 0)
			return -1;
	}
	return 0;
}

static int run_engine(const char *root_path, int files)
{
	struct change_options options = { 0 };
	struct string_list subjects = { 0 };
	struct change_title title = { .title = "a measurement", .subjects = &subjects };
	struct change_edits edits = { 0 };
	struct change *change = NULL;
	struct error err = ERROR_INIT;
	struct host *host = NULL;
	unsigned int id;
	int r = host_open_root(root_path, &host, &err);

	if (r == 0)
		r = change_begin(host, &options, 0, &change, &err);
	if (r == 0)
		r = make_edits(&edits, files);
	if (r == 0)
		r = change_edits_look(host, &edits, &err);
	if (r == 0)
		r = change_apply(change, &title, &edits, NULL, &id, &err);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", err.subject, err.message);
	change_end(change);
	change_edits_free(&edits);
	host_free(host);
	return r;
}

int main(int argc, char **argv)
{
	int files = argc == 4 ? atoi(argv[3]) : 0;

	if (files <= 0) {
		fprintf(stderr, "usage: bench-apply engine|floor ROOT FILES\n");
		return 2;
	}
	memset(text, 'x', sizeof(text));
	return (!strcmp(argv[1], "engine") ? run_engine : run_floor)(argv[2], files) < 0;
}
