/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend that reads this machine and keeps what it has read. */
#include "host/recording.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "host/internal.h"
#include "host/tree.h"

enum { MAX_LINKS = 40 };

struct host_recording {
	pthread_mutex_t lock; /* a scan reads from several threads */
	struct host_tree *tree;
	bool out_of_memory;
};

static void keep_result(struct host_recording *recording, int r)
{
	if (r == -ENOMEM)
		recording->out_of_memory = true;
}

/* "a/b", of two parts of which the first may be empty. */
static int join(char *buffer, const char *first, const char *second, size_t len)
{
	int n = snprintf(buffer, PATH_MAX, "%s%s%.*s", first, *first ? "/" : "", (int)len,
			 second);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Takes the last component off. */
static void up(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

/*
 * Follows a path as the kernel does and keeps the links on the way. *ret_real is the path
 * of plain names where it ends. Returns 0, or -errno where it ends early; *ret_real is
 * then where.
 */
static int follow(const struct host *host, const char *path, bool follow_last,
		  char real[PATH_MAX])
{
	char rest[PATH_MAX], next[PATH_MAX], target[PATH_MAX];
	unsigned int links = 0;

	real[0] = '\0';
	if (snprintf(rest, sizeof(rest), "%s", path) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	for (char *at = rest; *(at += strspn(at, "/"));) {
		size_t len = strcspn(at, "/");
		bool last = !at[len + strspn(at + len, "/")];
		ssize_t n;

		if (len <= 2 && !strncmp(at, "..", len)) {
			if (len == 2)
				up(real);
			at += len;
			continue;
		}
		if (join(next, real, at, len) < 0)
			return -ENAMETOOLONG;
		n = last && !follow_last
			    ? -1
			    : readlinkat(host->root, next, target, sizeof(target) - 1);
		if (n < 0) {
			memcpy(real, next, sizeof(next));
			if (!(last && !follow_last) && errno != EINVAL)
				return -errno;
			at += len;
			continue;
		}
		target[n] = '\0';
		if (++links > MAX_LINKS)
			return -ELOOP;
		keep_result(host->recording, host_tree_add(host->recording->tree, next,
							   TREE_LINK, target, (size_t)n));
		if (target[0] == '/')
			real[0] = '\0';
		if (snprintf(next, sizeof(next), "%s/%s", target, at + len) >=
		    (int)sizeof(next))
			return -ENAMETOOLONG;
		memcpy(rest, next, sizeof(next));
		at = rest;
	}
	return 0;
}

/* The path of an entry of an open directory, or just the path. NULL: no memory. */
static char *full_path(const struct host_dir *dir, const char *name)
{
	char *path = NULL;

	if (!dir)
		return strdup(name);
	return asprintf(&path, "%s/%s", dir->path, name) < 0 ? NULL : path;
}

/* What a path was found to be; error: what asking for it gave, or 0. */
static void keep(const struct host *host, const struct host_dir *dir, const char *name,
		 bool follow_last, enum host_tree_kind kind, const void *bytes,
		 size_t len, int error)
{
	struct host_recording *recording = host->recording;
	_cleanup_free_ char *path = full_path(dir, name);
	char real[PATH_MAX];
	int r;

	pthread_mutex_lock(&recording->lock);
	r = path ? follow(host, path, follow_last, real) : -ENOMEM;
	/* It may have come or gone between the two looks: the first counts. */
	if (error || r < 0)
		r = r == -ENOMEM ? r
				 : host_tree_add_error(recording->tree, real,
						       error ? error : -r);
	else
		r = host_tree_add(recording->tree, real, kind, bytes, len);
	keep_result(recording, r);
	pthread_mutex_unlock(&recording->lock);
}

void host_recording_keep(const struct host *host, const char *path, const void *bytes,
			 size_t len)
{
	struct host_recording *recording = host->recording;

	pthread_mutex_lock(&recording->lock);
	keep_result(recording,
		    host_tree_add(recording->tree, path, TREE_FILE, bytes, len));
	pthread_mutex_unlock(&recording->lock);
}

void host_recording_keep_error(const struct host *host, const char *path, int error)
{
	keep(host, NULL, path, true, TREE_ERROR, NULL, 0, error);
}

void host_recording_keep_read(const struct host *host, const char *path, enum fact fact,
			      const char *text)
{
	if (fact == FACT_KNOWN)
		keep(host, NULL, path, true, TREE_FILE, text, strlen(text), 0);
	else
		keep(host, NULL, path, true, TREE_ERROR, NULL, 0,
		     fact == FACT_ABSENT ? ENOENT : EIO);
}

static ssize_t read_some(const struct host *host, const struct host_dir *dir,
			 const char *name, char *buffer, size_t size)
{
	ssize_t n = host_files_backend.read(host, dir, name, buffer, size);

	keep(host, dir, name, !dir, TREE_FILE, buffer, n < 0 ? 0 : (size_t)n,
	     n < 0 ? (int)-n : 0);
	return n;
}

static bool is_arguments(const char *path)
{
	size_t len = strlen(path), n = strlen("/cmdline");

	return len > n && !strncmp(path, "proc/", 5) && isdigit((unsigned char)path[5]) &&
	       !strcmp(path + len - n, "/cmdline");
}

/*
 * A process's arguments hold passwords and its user's files. Kept are the program and the
 * guest's name, which tells who holds a device. Writes to out and returns how much.
 */
static size_t public_arguments(const char *bytes, size_t len, char *out)
{
	const char *end = bytes + len;
	bool wanted = true;
	size_t used = 0;

	/* Each ends with a NUL, and the last one with the one that read_all() adds. */
	for (const char *at = bytes; at < end; at += strlen(at) + 1) {
		bool name = !strcmp(at, "-name");

		if (wanted || name) {
			memcpy(out + used, at, strlen(at) + 1);
			used += strlen(at) + 1;
		}
		wanted = name;
	}
	return used;
}

static int read_all(const struct host *host, const char *path, char **ret_bytes,
		    size_t *ret_len)
{
	_cleanup_free_ char *arguments = NULL;
	int r = host_files_backend.read_all(host, path, ret_bytes, ret_len);

	if (r == 0 && is_arguments(path)) {
		arguments = malloc(*ret_len + 1);
		if (!arguments) {
			free(steal(*ret_bytes));
			return -ENOMEM;
		}
		keep(host, NULL, path, true, TREE_FILE, arguments,
		     public_arguments(*ret_bytes, *ret_len, arguments), 0);
		return 0;
	}
	keep(host, NULL, path, true, TREE_FILE, r < 0 ? NULL : *ret_bytes,
	     r < 0 ? 0 : *ret_len, -r);
	return r;
}

/*
 * "proc/812/fd". What files a process has open is nobody's business but where it is a
 * device node, and nothing else is looked for there. The rest is not kept at all: a
 * server has many more of them than files that matter.
 */
static bool is_descriptors(const char *path)
{
	size_t digits;

	if (strncmp(path, "proc/", strlen("proc/")) != 0)
		return false;
	path += strlen("proc/");
	digits = strspn(path, "0123456789");
	return digits && !strcmp(path + digits, "/fd");
}

static ssize_t read_link(const struct host *host, const struct host_dir *dir,
			 const char *name, char *buffer, size_t size)
{
	ssize_t n = host_files_backend.read_link(host, dir, name, buffer, size);

	if (n == -EINVAL)
		keep(host, dir, name, false, TREE_UNKNOWN, NULL, 0, 0);
	else if (n < 0 || !dir || !is_descriptors(dir->path) ||
		 !strncmp(buffer, "/dev/", strlen("/dev/")))
		keep(host, dir, name, false, TREE_LINK, buffer, n < 0 ? 0 : (size_t)n,
		     n < 0 ? (int)-n : 0);
	return n;
}

static int keep_names(const struct host *host, const char *path,
		      const struct string_list *names)
{
	struct host_tree *tree = host->recording->tree;
	char real[PATH_MAX], entry[PATH_MAX];
	int r = follow(host, path, true, real);

	if (r == 0)
		r = host_tree_mark_listed(tree, real);
	for (size_t i = 0; r == 0 && i < names->count && !is_descriptors(path); i++) {
		r = join(entry, real, names->items[i], strlen(names->items[i]));
		if (r == 0)
			r = host_tree_add(tree, entry, TREE_UNKNOWN, NULL, 0);
	}
	return r;
}

static int list(const struct host *host, const char *path, struct string_list *ret_names)
{
	struct host_recording *recording = host->recording;
	int r = host_files_backend.list(host, path, ret_names);

	if (r < 0) {
		keep(host, NULL, path, true, TREE_ERROR, NULL, 0, -r);
		return r;
	}
	pthread_mutex_lock(&recording->lock);
	keep_result(recording, keep_names(host, path, ret_names));
	pthread_mutex_unlock(&recording->lock);
	return 0;
}

static int exists(const struct host *host, const char *path)
{
	int r = host_files_backend.exists(host, path);

	keep(host, NULL, path, true, TREE_UNKNOWN, NULL, 0, -r);
	return r;
}

static int open_dir(const struct host *host, const char *path, struct host_dir *ret_dir)
{
	int r = host_files_backend.open_dir(host, path, ret_dir);

	if (r < 0) {
		keep(host, NULL, path, true, TREE_ERROR, NULL, 0, -r);
		return r;
	}
	ret_dir->path = strdup(path);
	if (ret_dir->path)
		return 0;
	host_files_backend.close_dir(ret_dir);
	return -ENOMEM;
}

static void close_dir(struct host_dir *dir)
{
	free(dir->path);
	host_files_backend.close_dir(dir);
}

static const struct host_backend recording_backend = {
	.read = read_some,
	.read_all = read_all,
	.read_link = read_link,
	.list = list,
	.exists = exists,
	.open_dir = open_dir,
	.close_dir = close_dir,
};

int host_record(struct host *host, struct error *err)
{
	struct host_recording *recording;

	if (!host->live)
		return error_set(err, EROFS, host->name, "only this machine is recorded");
	recording = calloc(1, sizeof(*recording));
	if (!recording)
		return error_oom(err);
	recording->tree = host_tree_new();
	if (!recording->tree) {
		free(recording);
		return error_oom(err);
	}
	pthread_mutex_init(&recording->lock, NULL);
	host->recording = recording;
	host->backend = &recording_backend;
	return 0;
}

void host_recording_free(struct host_recording *recording)
{
	if (!recording)
		return;
	host_tree_free(recording->tree);
	pthread_mutex_destroy(&recording->lock);
	free(recording);
}

const struct host_tree *host_recording_tree(const struct host *host)
{
	return host->recording->out_of_memory ? NULL : host->recording->tree;
}
