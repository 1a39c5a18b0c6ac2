/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose a file is, and who may do what with it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/rooted.h"
#include "host/backend.h"
#include "host/internal.h"
#include "host/recording.h"

enum { TEXT_SIZE = 48 };

static enum fact read_kept(const struct host *host, const char *kept,
			   struct host_mode *ret_mode)
{
	char text[TEXT_SIZE], rest;
	enum fact fact = host_read(host, kept, text, sizeof(text));
	struct host_mode mode;

	if (fact != FACT_KNOWN)
		return fact;
	if (sscanf(text, "mode %o owner %u%c", &mode.mode, &mode.owner, &rest) != 2 ||
	    mode.mode > 07777)
		return FACT_UNREADABLE;
	*ret_mode = mode;
	return FACT_KNOWN;
}

static enum fact ask(const struct host *host, const char *path,
		     struct host_mode *ret_mode)
{
	_cleanup_close_ int fd = rooted_open(host->root, path, O_PATH, 0);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return host_fact_of_error(fd < 0 ? -fd : errno);
	*ret_mode = (struct host_mode){
		.mode = status.st_mode & 07777,
		.owner = status.st_uid,
	};
	return FACT_KNOWN;
}

static enum fact ask_copy(const struct host *host, const char *path, const char *kept,
			  struct host_mode *ret_mode)
{
	enum fact fact = read_kept(host, kept, ret_mode);
	int r;

	if (fact == FACT_KNOWN)
		return fact;
	if (host->root >= 0)
		return ask(host, path, ret_mode);
	/* What is known to be there, or not, is told by the path itself. */
	r = host->backend->exists(host, path);
	return r < 0 ? host_fact_of_error(-r) : FACT_UNREADABLE;
}

enum fact host_file_mode(const struct host *host, const char *path,
			 struct host_mode *ret_mode)
{
	char kept[PATH_MAX], text[TEXT_SIZE];
	enum fact fact;

	/* A folder's has a name of its own: its files' stand in a folder of its name. */
	if (snprintf(kept, sizeof(kept), "pciferry/modes/%s.mode", path) >=
	    (int)sizeof(kept))
		return FACT_UNREADABLE;
	if (!host->live)
		return ask_copy(host, path, kept, ret_mode);
	fact = ask(host, path, ret_mode);
	if (!host->recording)
		return fact;
	if (fact == FACT_KNOWN) {
		snprintf(text, sizeof(text), "mode %04o owner %u\n", ret_mode->mode,
			 ret_mode->owner);
		host_recording_keep(host, kept, text, strlen(text));
	} else {
		host->backend->exists(host, path);
	}
	return fact;
}
