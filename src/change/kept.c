/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change/kept.h"

#include <errno.h>
#include <json-c/json.h>
#include <linux/limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/text.h"

void change_kept_free(struct change_kept *kept)
{
	if (!kept)
		return;
	for (size_t i = 0; i < kept->n_attributes; i++) {
		free(kept->attributes[i].name);
		free(kept->attributes[i].value);
	}
	free(kept->attributes);
	memset(kept, 0, sizeof(*kept));
}

/* Takes the value, also on failure. */
static int add_attribute(struct change_kept *kept, const char *name, void *value,
			 size_t len)
{
	struct change_attribute *larger =
		reallocarray(kept->attributes, kept->n_attributes + 1, sizeof(*larger));
	char *copy = strdup(name);

	if (larger)
		kept->attributes = larger;
	if (!larger || !copy) {
		free(copy);
		free(value);
		return -ENOMEM;
	}
	larger += kept->n_attributes++;
	larger->name = copy;
	larger->value = value;
	larger->len = len;
	return 0;
}

static int keep_attribute(int fd, const char *name, struct change_kept *kept)
{
	_cleanup_free_ void *room = malloc(XATTR_SIZE_MAX);
	void *value;
	ssize_t len;

	if (!room)
		return -ENOMEM;
	len = fgetxattr(fd, name, room, XATTR_SIZE_MAX);
	if (len < 0)
		return -errno;
	/* Thousands of files may have one, such as a security label. */
	value = malloc(len ? (size_t)len : 1);
	if (!value)
		return -ENOMEM;
	memcpy(value, room, (size_t)len);
	return add_attribute(kept, name, value, (size_t)len);
}

/*
 * The names of a file's attributes, each ended by a NUL; the caller frees them. Returns
 * how long they are, or -errno.
 */
static ssize_t list_attributes(int fd, char **ret_names)
{
	_cleanup_free_ char *names = malloc(XATTR_LIST_MAX);
	ssize_t len;

	if (!names)
		return -ENOMEM;
	len = flistxattr(fd, names, XATTR_LIST_MAX);
	/* This file system has none. */
	if (len < 0 && errno == ENOTSUP)
		len = 0;
	if (len < 0)
		return -errno;
	*ret_names = steal(names);
	return len;
}

static int keep_attributes(int fd, struct change_kept *kept)
{
	_cleanup_free_ char *names = NULL;
	ssize_t len = list_attributes(fd, &names);
	int r = len < 0 ? (int)len : 0;

	for (const char *name = names; r == 0 && name < names + len;
	     name += strlen(name) + 1)
		r = keep_attribute(fd, name, kept);
	return r;
}

int change_keep(int fd, struct change_kept *ret_kept)
{
	_cleanup_(change_kept_free) struct change_kept kept = { .has_times = true,
								.has_attributes = true };
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0)
		return -errno;
	kept.mode = status.st_mode & 07777;
	kept.uid = status.st_uid;
	kept.gid = status.st_gid;
	kept.times[0] = status.st_atim;
	kept.times[1] = status.st_mtim;
	r = keep_attributes(fd, &kept);
	if (r < 0)
		return r;
	*ret_kept = kept;
	memset(&kept, 0, sizeof(kept));
	return 0;
}

static const struct change_attribute *find_attribute(const struct change_kept *kept,
						     const char *name)
{
	for (size_t i = 0; i < kept->n_attributes; i++)
		if (!strcmp(kept->attributes[i].name, name))
			return &kept->attributes[i];
	return NULL;
}

bool change_kept_is_same(const struct change_kept *a, const struct change_kept *b)
{
	if (a->mode != b->mode || a->uid != b->uid || a->gid != b->gid ||
	    a->times[1].tv_sec != b->times[1].tv_sec ||
	    a->times[1].tv_nsec != b->times[1].tv_nsec ||
	    a->n_attributes != b->n_attributes)
		return false;
	for (size_t i = 0; i < a->n_attributes; i++) {
		const struct change_attribute *mine = &a->attributes[i];
		const struct change_attribute *other = find_attribute(b, mine->name);

		if (!other || other->len != mine->len ||
		    memcmp(other->value, mine->value, mine->len) != 0)
			return false;
	}
	return true;
}

/*
 * What the folder gave the new file and the old one had not, such as an access list. A
 * security label cannot be taken away where a security module is at work.
 */
static int remove_attributes(int fd, const struct change_kept *kept)
{
	_cleanup_free_ char *names = NULL;
	ssize_t len = list_attributes(fd, &names);

	if (len < 0)
		return (int)len;
	for (const char *name = names; name < names + len; name += strlen(name) + 1)
		if (!find_attribute(kept, name) && fremovexattr(fd, name) < 0 &&
		    errno != ENODATA && strncmp(name, "security.", 9) != 0)
			return -errno;
	return 0;
}

int change_give_back(int fd, const void *argument)
{
	const struct change_kept *kept = argument;
	int r = kept->has_attributes ? remove_attributes(fd, kept) : 0;

	if (r < 0)
		return r;
	/* FAT, where /boot may be, has neither owners nor modes of its own. */
	if (fchown(fd, kept->uid, kept->gid) < 0 && errno != EPERM)
		return -errno;
	if (fchmod(fd, kept->mode) < 0 && errno != EPERM)
		return -errno;
	for (size_t i = 0; i < kept->n_attributes; i++)
		if (fsetxattr(fd, kept->attributes[i].name, kept->attributes[i].value,
			      kept->attributes[i].len, 0) < 0)
			return -errno;
	return kept->has_times && futimens(fd, kept->times) < 0 ? -errno : 0;
}

static struct json_object *format_time(const struct timespec *time)
{
	struct json_object *array = json_object_new_array();

	json_object_array_add(array, json_object_new_int64(time->tv_sec));
	json_object_array_add(array, json_object_new_int64(time->tv_nsec));
	return array;
}

static char *to_hex(const unsigned char *bytes, size_t len)
{
	char *text = malloc(2 * len + 1);

	if (!text)
		return NULL;
	text[0] = '\0';
	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

int change_kept_format(const struct change_kept *kept, struct json_object *object)
{
	struct json_object *attributes = json_object_new_object();

	json_object_object_add(object, "mode", json_object_new_int((int)kept->mode));
	json_object_object_add(object, "uid", json_object_new_int64(kept->uid));
	json_object_object_add(object, "gid", json_object_new_int64(kept->gid));
	json_object_object_add(object, "accessed", format_time(&kept->times[0]));
	json_object_object_add(object, "written", format_time(&kept->times[1]));
	json_object_object_add(object, "attributes", attributes);
	for (size_t i = 0; i < kept->n_attributes; i++) {
		_cleanup_free_ char *hex =
			to_hex(kept->attributes[i].value, kept->attributes[i].len);

		if (!hex)
			return -ENOMEM;
		json_object_object_add(attributes, kept->attributes[i].name,
				       json_object_new_string(hex));
	}
	return 0;
}

static bool take_number(struct json_object *value, int64_t max, int64_t *ret_value)
{
	if (!json_object_is_type(value, json_type_int))
		return false;
	*ret_value = json_object_get_int64(value);
	return *ret_value >= 0 && *ret_value <= max;
}

static bool get_number(struct json_object *object, const char *key, int64_t max,
		       int64_t *ret_value)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) &&
	       take_number(value, max, ret_value);
}

static bool get_time(struct json_object *object, const char *key,
		     struct timespec *ret_time)
{
	struct json_object *array, *seconds;
	int64_t nanoseconds;

	if (!json_object_object_get_ex(object, key, &array) ||
	    !json_object_is_type(array, json_type_array) ||
	    json_object_array_length(array) != 2)
		return false;
	/* A file may be older than 1970. */
	seconds = json_object_array_get_idx(array, 0);
	if (!json_object_is_type(seconds, json_type_int) ||
	    !take_number(json_object_array_get_idx(array, 1), 999999999, &nanoseconds))
		return false;
	ret_time->tv_sec = json_object_get_int64(seconds);
	ret_time->tv_nsec = nanoseconds;
	return true;
}

static int parse_attribute(struct change_kept *kept, const char *name, const char *hex)
{
	size_t len = strlen(hex) / 2;
	unsigned char *bytes = malloc(len + 1);

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		uint32_t byte;

		if (text_parse_hex(hex + 2 * i, 2, &byte) < 0) {
			free(bytes);
			return -EINVAL;
		}
		bytes[i] = (unsigned char)byte;
	}
	return add_attribute(kept, name, bytes, len);
}

static int parse_attributes(struct change_kept *kept, struct json_object *attributes)
{
	struct json_object_iterator at = json_object_iter_begin(attributes);
	struct json_object_iterator end = json_object_iter_end(attributes);
	int r = 0;

	for (; r == 0 && !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		struct json_object *value = json_object_iter_peek_value(&at);
		int digits = json_object_is_type(value, json_type_string)
				     ? json_object_get_string_len(value)
				     : -1;

		r = digits < 0 || digits % 2
			    ? -EINVAL
			    : parse_attribute(kept, json_object_iter_peek_name(&at),
					      json_object_get_string(value));
	}
	return r;
}

int change_kept_parse(struct json_object *object, struct change_kept *ret_kept)
{
	_cleanup_(change_kept_free) struct change_kept kept = { .has_times = true,
								.has_attributes = true };
	struct json_object *attributes;
	int64_t mode, uid, gid;
	int r;

	if (!get_number(object, "mode", 07777, &mode) ||
	    !get_number(object, "uid", UINT32_MAX - 1, &uid) ||
	    !get_number(object, "gid", UINT32_MAX - 1, &gid) ||
	    !get_time(object, "accessed", &kept.times[0]) ||
	    !get_time(object, "written", &kept.times[1]) ||
	    !json_object_object_get_ex(object, "attributes", &attributes) ||
	    !json_object_is_type(attributes, json_type_object))
		return -EINVAL;
	kept.mode = (mode_t)mode;
	kept.uid = (uid_t)uid;
	kept.gid = (gid_t)gid;
	r = parse_attributes(&kept, attributes);
	if (r < 0)
		return r;
	*ret_kept = kept;
	memset(&kept, 0, sizeof(kept));
	return 0;
}
