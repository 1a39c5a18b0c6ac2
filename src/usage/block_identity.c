/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By which names a block device is known: the kernel's, device mapper's, udev's. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/block.h"

/* The next line that begins with the prefix; NULL: no more. */
static const char *next_line(const char *at, const char *prefix)
{
	size_t len = strlen(prefix);

	while (at && *at) {
		if (!strncmp(at, prefix, len))
			return at + len;
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return NULL;
}

static bool line_is(const char *line, const char *text)
{
	size_t len = strlen(text);

	return !strncmp(line, text, len) && (line[len] == '\n' || !line[len]);
}

bool block_property(const struct block_device *block, const char *key, char *buffer,
		    size_t size)
{
	char prefix[64];
	const char *value;

	snprintf(prefix, sizeof(prefix), "E:%s=", key);
	value = next_line(block->properties, prefix);
	if (!value)
		return false;
	snprintf(buffer, size, "%.*s", (int)strcspn(value, "\n"), value);
	return true;
}

/* udev's links in /dev are lines "S:disk/by-uuid/...". */
static bool has_link(const struct block_device *block, const char *link)
{
	const char *line = next_line(block->properties, "S:");

	while (line && !line_is(line, link)) {
		line = strchr(line, '\n');
		line = line ? next_line(line + 1, "S:") : NULL;
	}
	return line;
}

bool block_is_name(const char *name, const char *text, size_t len)
{
	if (strlen(name) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] != (name[i] == '!' ? '/' : name[i]))
			return false;
	return true;
}

static bool is_one_path(const struct block_device *block, const char *path)
{
	if (strncmp(path, "/dev/", 5) != 0)
		return false;
	path += 5;
	return block_is_name(block->name, path, strlen(path)) ||
	       (block->dm_name[0] && !strncmp(path, "mapper/", 7) &&
		!strcmp(path + 7, block->dm_name)) ||
	       has_link(block, path);
}

/* A name in /dev/disk/by-path has colons in it, but no path behind them. */
bool block_is_path(const struct block_device *block, const char *path)
{
	const char *joint;

	while (path && (joint = strstr(path, ":/"))) {
		char one[PATH_MAX];

		snprintf(one, sizeof(one), "%.*s", (int)(joint - path), path);
		if (is_one_path(block, one))
			return true;
		path = joint + 1;
	}
	return path && is_one_path(block, path);
}

/* udev writes white space and the like as "\x20" (blkid_encode_string() of libblkid). */
static void decode(char *text)
{
	const char *at = text;
	uint32_t byte;

	for (; *at; text++) {
		bool encoded = !strncmp(at, "\\x", 2) && strnlen(at, 4) == 4 &&
			       text_parse_hex(at + 2, 2, &byte) == 0;

		*text = encoded ? (char)byte : *at;
		at += encoded ? 4 : 1;
	}
	*text = '\0';
}

bool block_is_spec(const struct block_device *block, const char *spec)
{
	/* What fstab(5) calls it, and udev. ID_FS_LABEL has "_" for white space. */
	static const char *const tags[][2] = {
		{ "UUID=", "ID_FS_UUID" },
		{ "LABEL=", "ID_FS_LABEL_ENC" },
		{ "PARTUUID=", "ID_PART_ENTRY_UUID" },
		{ "PARTLABEL=", "ID_PART_ENTRY_NAME" },
		{ "ID=", NULL }, /* a name in /dev/disk/by-id */
	};
	char value[256], wanted[256], link[280];

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		size_t len = strlen(tags[i][0]);

		if (strncmp(spec, tags[i][0], len) != 0)
			continue;
		spec += len;
		snprintf(wanted, sizeof(wanted), "%.*s",
			 (int)strcspn(spec + (*spec == '"'), "\""),
			 spec + (*spec == '"'));
		if (!tags[i][1]) {
			snprintf(link, sizeof(link), "disk/by-id/%s", wanted);
			return has_link(block, link);
		}
		if (!block_property(block, tags[i][1], value, sizeof(value)))
			return false;
		decode(value);
		return !strcasecmp(value, wanted);
	}
	return block_is_path(block, spec);
}
