/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was in an image is remembered until the next boot, since reading one takes as long
 * as unpacking it. It is told apart by device, inode, size and time; what is remembered
 * of another one, or damaged, is as good as nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "check/images.h"

struct memory {
	const struct host *host;
	const char *path;
};

/* FNV-1a: against what a full disk or a cut leaves, not against anybody. */
static uint64_t hash(const char *bytes, size_t len)
{
	uint64_t value = 14695981039346656037u;

	for (size_t i = 0; i < len; i++)
		value = (value ^ (unsigned char)bytes[i]) * 1099511628211u;
	return value;
}

/* The first line of what is remembered. The caller frees it; NULL: no memory. */
static char *make_head(const struct memory *memory, const struct host_status *status,
		       const char *text, size_t len)
{
	char numbers[HOST_STATUS_SIZE], *head;

	return asprintf(&head, "%s %016" PRIx64 " /%s\n",
			host_status_format(status, numbers), hash(text, len),
			memory->path) < 0
		       ? NULL
		       : head;
}

/* One name for each path; that they differ is seen by the path in the first line. */
static void make_name(const char *path, char name[NAME_MAX + 1])
{
	snprintf(name, NAME_MAX + 1, "%s", path);
	for (char *at = name; *at; at++)
		if (*at == '/')
			*at = '%';
}

static bool is_good(const char *text, size_t len)
{
	struct bootcfg_image image;
	bool good;

	if (bootcfg_image_parse(text, len, &image) < 0)
		return false;
	/* A library may be installed, and a loaded machine be faster, the next time. */
	good = !image.problem;
	bootcfg_image_free(&image);
	return good;
}

static int recall(const struct memory *memory, const struct host_status *status,
		  char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *bytes = NULL, *head = NULL;
	char name[NAME_MAX + 1];
	const char *text;
	size_t len;
	int r;

	make_name(memory->path, name);
	r = change_recall(memory->host, name, &bytes, &len);
	if (r < 0)
		return r;
	text = memchr(bytes, '\n', len);
	if (!text)
		return -EINVAL;
	len -= (size_t)(++text - bytes);
	head = make_head(memory, status, text, len);
	if (!head)
		return -ENOMEM;
	if (strncmp(bytes, head, strlen(head)) != 0 || !is_good(text, len))
		return -EINVAL;
	*ret_text = strdup(text);
	*ret_len = len;
	return *ret_text ? 0 : -ENOMEM;
}

/* Where it fails, it is read again the next time. */
static void remember(const struct memory *memory, const struct host_status *status,
		     const char *text, size_t len)
{
	_cleanup_free_ char *head = make_head(memory, status, text, len), *bytes = NULL;
	char name[NAME_MAX + 1];
	int n;

	if (!head || !is_good(text, len))
		return;
	make_name(memory->path, name);
	n = asprintf(&bytes, "%s%s", head, text);
	if (n >= 0)
		change_remember(memory->host, name, bytes, (size_t)n);
}

static int make(int fd, const struct host_status *status, void *argument, char **ret_text,
		size_t *ret_len)
{
	const struct memory *memory = argument;
	bool remembers = host_is_live(memory->host) && geteuid() == 0;
	int r;

	if (remembers && recall(memory, status, ret_text, ret_len) == 0)
		return 0;
	r = bootcfg_image_make(fd, status, NULL, ret_text, ret_len);
	if (remembers && r == 0)
		remember(memory, status, *ret_text, *ret_len);
	return r;
}

int check_read_image(const struct host *host, const char *path,
		     struct bootcfg_image *ret_image)
{
	struct memory memory = { host, path };
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read_digest(host, "images", path, make, &memory, &text, &len);

	return r < 0 ? r : bootcfg_image_parse(text, len, ret_image);
}
