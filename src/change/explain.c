/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What went wrong at a path, and the way out, in words. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/internal.h"

const char *change_subject(const char *path, char buffer[ERROR_SUBJECT_SIZE])
{
	snprintf(buffer, ERROR_SUBJECT_SIZE, "/%s", path);
	return buffer;
}

const char *change_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* NULL: the system's own words. A hint is about the path. */
static const struct {
	int code;
	const char *words, *hint;
} known[] = {
	{ ELOOP, "it is a link, and only files are changed",
	  "put a file in its place, and try again" },
	{ EISDIR, "it is a folder, and only files are changed", NULL },
	{ EINVAL, "it is no file, and only files are changed", NULL },
	{ EMLINK,
	  "it has another name (a hard link), from which a new file would be parted",
	  "make it a file of its own: copy it with cp -a, and move the copy over it" },
	{ EFBIG, "it is too large for a file of settings",
	  "what fills it is not pciferry's to know: look at it" },
	{ EBUSY, "somebody else has changed it meanwhile: it stays", NULL },
	{ EPERM, NULL,
	  "it may be immutable: lsattr -d shows that, and chattr -i ends it" },
	{ EROFS, NULL, "mount its file system for writing, and try again" },
	{ ENOSPC, NULL, "make room on its file system, and try again" },
};

int change_explain_path(const char *path, int r, struct error *err)
{
	char subject[ERROR_SUBJECT_SIZE];
	size_t i = 0;

	while (i < ARRAY_SIZE(known) && known[i].code != -r)
		i++;
	error_set(err, -r, change_subject(path, subject), "%s",
		  i < ARRAY_SIZE(known) && known[i].words ? known[i].words
							  : strerror(-r));
	if (i < ARRAY_SIZE(known) && known[i].hint)
		error_hint(err, "%s", known[i].hint);
	return r;
}
