/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

int system_setup(void **state)
{
	struct system *sys = calloc(1, sizeof(*sys));
	void *tree = NULL;

	if (!sys || tree_setup(&tree) < 0)
		return -1;
	sys->tree = tree;
	tree_folder(tree, "etc");
	tree_folder(tree, "run");
	tree_folder(tree, "var/lib");
	sys->change.run_dir = sys->change.lock = -1;
	sigprocmask(SIG_SETMASK, NULL, &sys->change.old_signals);
	if (host_open_root(sys->tree->path, &sys->host, &sys->err) < 0)
		return -1;
	sys->change.host = sys->host;
	*state = sys;
	return 0;
}

int system_teardown(void **state)
{
	struct system *sys = *state;
	void *tree = sys->tree;

	error_clear(&sys->err);
	host_free(sys->host);
	free(sys);
	return tree_teardown(&tree);
}

void system_put_maker(const struct system *sys, const char *script)
{
	if (!system_can_run_tools())
		return;
	system_put_shell(sys);
	tree_file(sys->tree, "etc/file", "one\n");
	system_tool(sys, "sbin/maker", script);
}

void system_forget(struct system *sys)
{
	error_clear(&sys->err);
}

void system_write(struct change_edits *edits, const char *path, const char *text)
{
	assert_int_equal(change_edit_write(edits, path, "a test", text, strlen(text)), 0);
}

void system_run(struct change_edits *edits, const char *path)
{
	static const char *const none[] = { NULL };

	assert_int_equal(change_edit_run(edits, path, none, "a test"), 0);
}

void system_change_all(struct system *sys)
{
	struct change_edits edits = { 0 };

	tree_file(sys->tree, "etc/edited", "one\n");
	tree_file(sys->tree, "etc/removed", "gone\n");
	system_write(&edits, "etc/edited", "two\n");
	assert_int_equal(change_edit_remove(&edits, "etc/removed", "a test"), 0);
	system_write(&edits, "etc/new/file", "new\n");
	assert_int_equal(system_apply(sys, &edits, NULL), 0);
	change_edits_free(&edits);
}

int system_apply(struct system *sys, struct change_edits *edits, unsigned int *ret_id)
{
	struct change_title title = { .title = "a test", .subjects = &sys->subjects };
	unsigned int id;
	int r;

	system_forget(sys);
	r = change_edits_look(sys->host, edits, &sys->err);
	if (r == 0)
		r = change_apply(&sys->change, &title, edits, NULL, ret_id ? ret_id : &id,
				 &sys->err);
	assert_int_equal(error_is_set(&sys->err), r < 0);
	if (r < 0)
		assert_int_equal(r, -sys->err.code);
	return r;
}

int system_undo(struct system *sys, unsigned int id)
{
	int r;

	system_forget(sys);
	r = change_undo(&sys->change, id, NULL, &sys->err);
	assert_int_equal(error_is_set(&sys->err), r < 0);
	if (r < 0)
		assert_int_equal(r, -sys->err.code);
	return r;
}

char *system_read(const struct system *sys, const char *path, size_t *ret_len)
{
	int fd = openat(sys->tree->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	char *bytes;
	size_t len = 0;

	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &status), 0);
	bytes = calloc(1, (size_t)status.st_size + 1);
	for (ssize_t n = 1; n > 0; len += (size_t)n) {
		n = read(fd, bytes + len, (size_t)status.st_size - len);
		assert_true(n >= 0);
	}
	close(fd);
	if (ret_len)
		*ret_len = len;
	return bytes;
}

void system_assert_file(const struct system *sys, const char *path, const char *text)
{
	char *bytes = system_read(sys, path, NULL);

	assert_non_null(bytes);
	assert_string_equal(bytes, text);
	free(bytes);
}

void system_assert_gone(const struct system *sys, const char *path)
{
	assert_int_not_equal(faccessat(sys->tree->fd, path, F_OK, AT_SYMLINK_NOFOLLOW),
			     0);
	assert_int_equal(errno, ENOENT);
}

static void print_bytes(FILE *stream, const char *bytes, size_t len)
{
	char sum[CHANGE_SUM_SIZE];

	fprintf(stream, " %zu:%s", len, change_sum(bytes, len, sum));
}

static void print_attributes(FILE *stream, const char *path)
{
	static char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
	ssize_t len = llistxattr(path, names, sizeof(names));

	for (const char *name = names; len > 0 && name < names + len;
	     name += strlen(name) + 1) {
		ssize_t n = lgetxattr(path, name, value, sizeof(value));

		fprintf(stream, " %s", name);
		print_bytes(stream, value, n > 0 ? (size_t)n : 0);
	}
}

static void print_entry(FILE *stream, const struct system *sys, const FTSENT *entry)
{
	const char *path = entry->fts_path + strlen(sys->tree->path);
	const struct stat *status = entry->fts_statp;

	fprintf(stream, "%s %o %u:%u", path, status->st_mode, status->st_uid,
		status->st_gid);
	if (S_ISREG(status->st_mode)) {
		size_t len = 0;
		char *bytes = system_read(sys, path + 1, &len);

		print_bytes(stream, bytes, len);
		free(bytes);
		fprintf(stream, " %lld.%09ld", (long long)status->st_mtim.tv_sec,
			status->st_mtim.tv_nsec);
	}
	print_attributes(stream, entry->fts_accpath);
	fputc('\n', stream);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The journal is not among what is given back, nor are the locks and the tools' output.
 */
static bool is_left_out(const char *path)
{
	return !strcmp(path, "/var/lib/pciferry") || !strcmp(path, "/run") ||
	       !strcmp(path, "/made");
}

char *system_snapshot(const struct system *sys)
{
	char *roots[] = { sys->tree->path, NULL }, *text = NULL;
	size_t size, skip = strlen(sys->tree->path);
	FILE *stream = open_memstream(&text, &size);
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);

	assert_non_null(stream);
	assert_non_null(fts);
	for (FTSENT *entry; (entry = fts_read(fts));) {
		if (entry->fts_info == FTS_DP || entry->fts_level == 0)
			continue;
		if (is_left_out(entry->fts_path + skip)) {
			fts_set(fts, entry, FTS_SKIP);
			continue;
		}
		print_entry(stream, sys, entry);
	}
	fts_close(fts);
	fclose(stream);
	return text;
}

bool system_can_run_tools(void)
{
	return geteuid() == 0 && access("/bin/busybox", X_OK) == 0;
}

void system_put_shell(const struct system *sys)
{
	char command[256];

	tree_folder(sys->tree, "bin");
	tree_file(sys->tree, "dev/null", "");
	snprintf(command, sizeof(command),
		 "cd %s/bin && cp /bin/busybox . && for name in sh cat grep mkdir sleep; "
		 "do ln -s busybox $name; done",
		 sys->tree->path);
	assert_int_equal(system(command), 0);
}

void system_tool(const struct system *sys, const char *path, const char *script)
{
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	tree_file(sys->tree, path, text);
	assert_int_equal(fchmodat(sys->tree->fd, path, 0755, 0), 0);
}
