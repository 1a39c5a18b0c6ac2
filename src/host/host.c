/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/rooted.h"
#include "base/text.h"
#include "host/archive.h"
#include "host/backend.h"
#include "host/internal.h"
#include "host/recording.h"
#include "host/tree.h"

static bool is_sysfs(int root)
{
	_cleanup_close_ int fd = rooted_open(root, "sys/bus", O_PATH, 0);
	struct statfs fs;

	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == SYSFS_MAGIC;
}

static int open_host(const char *path, const char *name, bool live,
		     struct host **ret_host, struct error *err)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return error_oom(err);
	host->backend = &host_files_backend;
	host->live = host->writable = live;
	host->name = strdup(name);
	host->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!host->name || host->root < 0) {
		int code = host->name ? errno : ENOMEM;

		host_free(host);
		return error_set(err, code, path, "%s", strerror(code));
	}
	host->sysfs = is_sysfs(host->root);
	*ret_host = host;
	return 0;
}

int host_open_live(struct host **ret_host, struct error *err)
{
	return open_host("/", "this host", true, ret_host, err);
}

int host_open_directory(const char *path, struct host **ret_host, struct error *err)
{
	struct host *host = NULL;
	int r;

	r = open_host(path, path, false, &host, err);
	if (r == 0 && !host_exists(host, "sys/bus/pci/devices")) {
		host_free(host);
		r = error_set(err, ENOENT, path,
			      "not a host: it has no sys/bus/pci/devices");
	}
	if (r < 0) {
		error_hint(err, "--host takes a recording, or a directory that holds a"
				" copy of a host's /sys");
		return r;
	}
	*ret_host = host;
	return 0;
}

int host_open_root(const char *path, struct host **ret_host, struct error *err)
{
	int r = open_host(path, path, false, ret_host, err);

	if (r < 0)
		return r;
	if (!host_exists(*ret_host, "etc")) {
		host_free(steal(*ret_host));
		r = error_set(err, ENOENT, path,
			      "not the root of a system: it has no etc");
		error_hint(err, "mount the system there first");
		return r;
	}
	(*ret_host)->writable = true;
	return 0;
}

int host_open_recording(const char *name, const void *bytes, size_t len,
			struct host **ret_host, struct error *err)
{
	struct host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return error_oom(err);
	host->backend = &host_tree_backend;
	host->root = -1;
	host->name = strdup(name);
	r = host->name ? host_archive_parse(name, bytes, len, &host->tree, err)
		       : error_oom(err);
	if (r < 0) {
		host_free(host);
		return r;
	}
	*ret_host = host;
	return 0;
}

void host_free(struct host *host)
{
	if (!host)
		return;
	if (host->root >= 0)
		close(host->root);
	host_recording_free(host->recording);
	host_tree_free(host->tree);
	free(host->name);
	free(host);
}

bool host_is_live(const struct host *host)
{
	return host->live;
}

bool host_is_writable(const struct host *host)
{
	return host->writable;
}

bool host_reads_may_hang(const struct host *host)
{
	return host->sysfs;
}

const char *host_name(const struct host *host)
{
	return host->name;
}

int host_root_fd(const struct host *host)
{
	return host->root;
}

enum fact host_fact_of_error(int code)
{
	return code == ENOENT || code == ENOTDIR ? FACT_ABSENT : FACT_UNREADABLE;
}

static enum fact read_text(const struct host *host, const struct host_dir *dir,
			   const char *name, char *buffer, size_t size)
{
	ssize_t n = host->backend->read(host, dir, name, buffer, size);

	if (n < 0 || (size_t)n == size) {
		buffer[0] = '\0';
		return n < 0 ? host_fact_of_error((int)-n) : FACT_UNREADABLE;
	}
	buffer[n] = '\0';
	text_trim_end(buffer);
	return FACT_KNOWN;
}

enum fact host_read(const struct host *host, const char *path, char *buffer, size_t size)
{
	return read_text(host, NULL, path, buffer, size);
}

enum fact host_read_number(const struct host *host, const char *path,
			   long long *ret_value)
{
	char text[64], *end;
	enum fact fact = host_read(host, path, text, sizeof(text));
	long long value;

	if (fact != FACT_KNOWN)
		return fact;
	errno = 0;
	value = strtoll(text, &end, 0);
	if (errno || end == text || *end)
		return FACT_UNREADABLE;
	*ret_value = value;
	return FACT_KNOWN;
}

int host_read_file(const struct host *host, const char *path, char **ret_bytes,
		   size_t *ret_len)
{
	return host->backend->read_all(host, path, ret_bytes, ret_len);
}

enum fact host_read_behind(const struct host *host, const char *path, const char *word,
			   int base, uint64_t *ret_number)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t len;

	if (host_read_file(host, path, &text, &len) < 0)
		return FACT_UNREADABLE;
	line = strstr(text, word);
	if (!line)
		return FACT_ABSENT;
	*ret_number = strtoull(line + strlen(word), NULL, base);
	return FACT_KNOWN;
}

int host_read_made(const struct host *host, const char *path,
		   int (*make)(void *argument, char **ret_bytes, size_t *ret_len),
		   void *argument, char **ret_bytes, size_t *ret_len)
{
	int r;

	if (!host->live)
		return host_read_file(host, path, ret_bytes, ret_len);
	r = make(argument, ret_bytes, ret_len);
	if (host->recording && r == 0)
		host_recording_keep(host, path, *ret_bytes, *ret_len);
	return r;
}

static enum fact keep_last_component(char *buffer)
{
	const char *last = strrchr(buffer, '/');

	if (last)
		memmove(buffer, last + 1, strlen(last + 1) + 1);
	return buffer[0] ? FACT_KNOWN : FACT_UNREADABLE;
}

static enum fact read_target(const struct host *host, const struct host_dir *dir,
			     const char *name, char *buffer, size_t size)
{
	ssize_t n = host->backend->read_link(host, dir, name, buffer, size);

	if (n >= 0)
		return FACT_KNOWN;
	buffer[0] = '\0';
	return host_fact_of_error((int)-n);
}

enum fact host_link_target(const struct host *host, const char *path, char *buffer,
			   size_t size)
{
	return read_target(host, NULL, path, buffer, size);
}

enum fact host_link_name(const struct host *host, const char *path, char *buffer,
			 size_t size)
{
	char target[PATH_MAX];
	enum fact fact = host_link_target(host, path, target, sizeof(target));

	buffer[0] = '\0';
	if (fact != FACT_KNOWN)
		return fact;
	if (keep_last_component(target) != FACT_KNOWN || strlen(target) >= size)
		return FACT_UNREADABLE;
	memcpy(buffer, target, strlen(target) + 1);
	return FACT_KNOWN;
}

bool host_exists(const struct host *host, const char *path)
{
	return host->backend->exists(host, path) == 0;
}

int host_list(const struct host *host, const char *path, struct string_list *ret_names)
{
	int r = host->backend->list(host, path, ret_names);

	string_list_sort(ret_names);
	return r;
}

enum fact host_count_folders(const struct host *host, const char *path,
			     long long *ret_count)
{
	_cleanup_close_ int fd = -1;
	char kept[PATH_MAX], text[32];
	struct stat status;

	snprintf(kept, sizeof(kept), "pciferry/folders/%s", path);
	if (!host->live || !host->sysfs)
		return host_read_number(host, kept, ret_count);
	fd = rooted_open(host->root, path, O_PATH | O_DIRECTORY, 0);
	if (fd < 0 || fstat(fd, &status) < 0)
		return host_fact_of_error(fd < 0 ? -fd : errno);
	/* Its own "." and its parent's name for it are links, too. */
	if (status.st_nlink < 2)
		return FACT_UNREADABLE;
	*ret_count = (long long)status.st_nlink - 2;
	snprintf(text, sizeof(text), "%lld\n", *ret_count);
	if (host->recording)
		host_recording_keep(host, kept, text, strlen(text));
	return FACT_KNOWN;
}

int host_dir_open(const struct host *host, const char *path, struct host_dir *ret_dir)
{
	return host->backend->open_dir(host, path, ret_dir);
}

enum fact host_dir_read(const struct host_dir *dir, const char *name, char *buffer,
			size_t size)
{
	return read_text(dir->host, dir, name, buffer, size);
}

enum fact host_dir_link_target(const struct host_dir *dir, const char *name, char *buffer,
			       size_t size)
{
	return read_target(dir->host, dir, name, buffer, size);
}

enum fact host_dir_link_name(const struct host_dir *dir, const char *name, char *buffer,
			     size_t size)
{
	enum fact fact = read_target(dir->host, dir, name, buffer, size);

	return fact == FACT_KNOWN ? keep_last_component(buffer) : fact;
}

void host_dir_close(struct host_dir *dir)
{
	dir->host->backend->close_dir(dir);
}
