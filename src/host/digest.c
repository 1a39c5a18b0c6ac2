/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that a recording does not hold: what is kept of them instead. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/rooted.h"
#include "host/backend.h"
#include "host/internal.h"
#include "host/recording.h"

enum { NANOSECONDS = 1000000000 };

static struct host_status status_of(const struct stat *st)
{
	return (struct host_status){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = (unsigned long long)st->st_size,
		.mtime =
			(long long)st->st_mtim.tv_sec * NANOSECONDS + st->st_mtim.tv_nsec,
	};
}

static int take_number(const char **text, char end, unsigned long long *ret_value)
{
	char *rest;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*ret_value = strtoull(*text, &rest, 10);
	if (errno || *rest != end)
		return -EINVAL;
	*text = rest + (end != '\0');
	return 0;
}

int host_status_parse(const char *text, struct host_status *ret_status)
{
	struct host_status status;
	unsigned long long mtime;
	bool before;

	if (take_number(&text, ' ', &status.device) < 0 ||
	    take_number(&text, ' ', &status.inode) < 0 ||
	    take_number(&text, ' ', &status.size) < 0)
		return -EINVAL;
	before = *text == '-';
	text += before;
	if (take_number(&text, '\0', &mtime) < 0 || mtime > LLONG_MAX)
		return -EINVAL;
	status.mtime = before ? -(long long)mtime : (long long)mtime;
	*ret_status = status;
	return 0;
}

const char *host_status_format(const struct host_status *status,
			       char buffer[HOST_STATUS_SIZE])
{
	snprintf(buffer, HOST_STATUS_SIZE, "%llu %llu %llu %lld", status->device,
		 status->inode, status->size, status->mtime);
	return buffer;
}

/* A folder's status has a name of its own: its files' stand in a folder of its name. */
static int kept_path(char *buffer, const char *kind, const char *path, const char *ending)
{
	int n = snprintf(buffer, PATH_MAX, "pciferry/%s/%s%s", kind, path, ending);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static enum fact read_kept_status(const struct host *host, const char *kept,
				  struct host_status *ret_status)
{
	char text[HOST_STATUS_SIZE];
	enum fact fact = host_read(host, kept, text, sizeof(text));

	if (fact == FACT_KNOWN && host_status_parse(text, ret_status) < 0)
		return FACT_UNREADABLE;
	return fact;
}

static enum fact ask_status(const struct host *host, const char *path,
			    struct host_status *ret_status)
{
	_cleanup_close_ int fd = rooted_open(host->root, path, O_PATH, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return host_fact_of_error(fd < 0 ? -fd : errno);
	*ret_status = status_of(&st);
	return FACT_KNOWN;
}

enum fact host_file_status(const struct host *host, const char *path,
			   struct host_status *ret_status)
{
	char kept[PATH_MAX], text[HOST_STATUS_SIZE];
	enum fact fact;
	int r = kept_path(kept, "status", path, ".status");

	if (r < 0)
		return FACT_UNREADABLE;
	if (!host->live) {
		fact = read_kept_status(host, kept, ret_status);
		if (fact == FACT_KNOWN)
			return fact;
		if (host->root >= 0)
			return ask_status(host, path, ret_status);
		/* What is known to be there, or not, is told by the path itself. */
		r = host->backend->exists(host, path);
		return r < 0 ? host_fact_of_error(-r) : FACT_UNREADABLE;
	}
	fact = ask_status(host, path, ret_status);
	if (!host->recording)
		return fact;
	if (fact == FACT_KNOWN) {
		host_status_format(ret_status, text);
		host_recording_keep(host, kept, text, strlen(text));
	} else {
		host->backend->exists(host, path);
	}
	return fact;
}

static int make_digest(const struct host *host, const char *path, host_make_digest make,
		       void *argument, char **ret_text, size_t *ret_len)
{
	_cleanup_close_ int fd =
		rooted_open(host->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct host_status status;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	status = status_of(&st);
	return make(fd, &status, argument, ret_text, ret_len);
}

static int read_kept_digest(const struct host *host, const char *path, const char *kept,
			    host_make_digest make, void *argument, char **ret_text,
			    size_t *ret_len)
{
	int r = host_read_file(host, kept, ret_text, ret_len);

	if (r == 0 || r == -ENOMEM)
		return r;
	if (host->root >= 0)
		return make_digest(host, path, make, argument, ret_text, ret_len);
	r = host_read_file(host, path, ret_text, ret_len);
	if (r < 0)
		return r;
	/* The file itself, which nobody makes digests of here. */
	free(steal(*ret_text));
	return -ENODATA;
}

int host_read_digest(const struct host *host, const char *kind, const char *path,
		     host_make_digest make, void *argument, char **ret_text,
		     size_t *ret_len)
{
	char kept[PATH_MAX];
	int r = kept_path(kept, kind, path, "");

	if (r < 0)
		return r;
	if (!host->live)
		return read_kept_digest(host, path, kept, make, argument, ret_text,
					ret_len);
	r = make_digest(host, path, make, argument, ret_text, ret_len);
	if (host->recording && r == 0)
		host_recording_keep(host, kept, *ret_text, *ret_len);
	else if (host->recording)
		host_recording_keep_error(host, path, -r);
	return r;
}
