/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The member pciferry/recording: what an archive cannot say by itself, a fact on each
 * line: "listed PATH", "entry PATH" (it was there), or the name of an error and a path.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/archive.h"
#include "host/internal.h"
#include "host/tree.h"

const char host_index_path[] = "pciferry/recording";
const char host_index_head[] = "pciferry-recording 1\n";

/* Names, as everywhere, and what is not listed here is EIO. */
static const int errors[] = { ENOENT, ENOTDIR, EACCES, EPERM,  EIO,   EINVAL,
			      ENODEV, ENXIO,   ELOOP,  EISDIR, ESRCH, EFBIG };

const char *host_index_error_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i] == error)
			return strerrorname_np(error);
	return "EIO";
}

static int error_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		const char *other = strerrorname_np(errors[i]);

		if (strlen(other) == len && !strncmp(other, name, len))
			return errors[i];
	}
	return 0;
}

static int add_fact(struct host_tree *tree, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	char path[PATH_MAX];
	size_t word;
	int error;

	if (!space || len >= sizeof(path))
		return -EINVAL;
	word = (size_t)(space - line);
	memcpy(path, space + 1, len - word - 1);
	path[len - word - 1] = '\0';
	if (word == strlen("listed") && !strncmp(line, "listed", word))
		return host_tree_mark_listed(tree, path);
	if (word == strlen("entry") && !strncmp(line, "entry", word))
		return host_tree_add(tree, path, TREE_UNKNOWN, NULL, 0);
	error = error_by_name(line, word);
	return error ? host_tree_add_error(tree, path, error) : -EINVAL;
}

int host_archive_parse_index(const char *text, size_t len, struct host_tree *tree)
{
	const char *end = text + len;
	int r = 0;

	if (len < strlen(host_index_head) ||
	    strncmp(text, host_index_head, strlen(host_index_head)) != 0)
		return -EINVAL;
	text += strlen(host_index_head);
	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		r = add_fact(tree, text, n);
		text += n + (newline != NULL);
	}
	return r;
}
