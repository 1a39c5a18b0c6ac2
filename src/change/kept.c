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
	void *value = malloc(XATTR_SIZE_MAX);
	ssize_t len;

	if (!value)
		return -ENOMEM;
	len = fgetxattr(fd, name, value, XATTR_SIZE_MAX);
	if (len < 0) {
		free(value);
		return -errno;
	}
	return add_attribute(kept, name, value, (size_t)len);
}

/* ENOTSUP: this file system has none. */
static int keep_attributes(int fd, struct change_kept *kept)
{
	char names[4096];
	ssize_t len = flistxattr(fd, names, sizeof(names));
	int r = 0;

	if (len < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (const char *name = names; r == 0 && name < names + len;
	     name += strlen(name) + 1)
		r = keep_attribute(fd, name, kept);
	return r;
}

int change_keep(int fd, struct change_kept *ret_kept)
{
	_cleanup_(change_kept_free) struct change_kept kept = { .has_times = true };
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

int change_give_back(int fd, const void *argument)
{
	const struct change_kept *kept = argument;

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

static bool get_number(struct json_object *object, const char *key, int64_t *ret_value)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	*ret_value = json_object_get_int64(value);
	return true;
}

static bool get_time(struct json_object *object, const char *key,
		     struct timespec *ret_time)
{
	struct json_object *array;

	if (!json_object_object_get_ex(object, key, &array) ||
	    !json_object_is_type(array, json_type_array) ||
	    json_object_array_length(array) != 2)
		return false;
	ret_time->tv_sec = json_object_get_int64(json_object_array_get_idx(array, 0));
	ret_time->tv_nsec = json_object_get_int64(json_object_array_get_idx(array, 1));
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
		const char *hex = json_object_get_string(value);

		r = hex ? parse_attribute(kept, json_object_iter_peek_name(&at), hex)
			: -EINVAL;
	}
	return r;
}

int change_kept_parse(struct json_object *object, struct change_kept *ret_kept)
{
	_cleanup_(change_kept_free) struct change_kept kept = { .has_times = true };
	struct json_object *attributes;
	int64_t mode, uid, gid;
	int r;

	if (!get_number(object, "mode", &mode) || !get_number(object, "uid", &uid) ||
	    !get_number(object, "gid", &gid) ||
	    !get_time(object, "accessed", &kept.times[0]) ||
	    !get_time(object, "written", &kept.times[1]) ||
	    !json_object_object_get_ex(object, "attributes", &attributes) ||
	    !json_object_is_type(attributes, json_type_object))
		return -EINVAL;
	kept.mode = (mode_t)mode & 07777;
	kept.uid = (uid_t)uid;
	kept.gid = (gid_t)gid;
	r = parse_attributes(&kept, attributes);
	if (r < 0)
		return r;
	*ret_kept = kept;
	memset(&kept, 0, sizeof(kept));
	return 0;
}
