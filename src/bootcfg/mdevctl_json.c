/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file of mdevctl's says: load_from_json() and to_json() in its src/mdev.rs. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/mdevctl.h"

static void put_object(struct json_object *const *object)
{
	json_object_put(*object);
}

/* What json-c takes and mdevctl does not: control characters but white space between
 * values, and texts in single quotes. NULs are what a crash leaves of a file. */
static bool is_plain(const char *bytes, size_t len)
{
	bool is_text = false;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)bytes[i] < ' ' &&
		    (is_text || !bytes[i] || !strchr("\t\n\r", bytes[i])))
			return false;
		if (!is_text && bytes[i] == '\'')
			return false;
		if (is_text && bytes[i] == '\\')
			i++;
		else if (bytes[i] == '"')
			is_text = !is_text;
	}
	return true;
}

/* NULL: it is no whole document; what stands behind one makes it none. */
static struct json_object *read_document(const char *bytes, size_t len)
{
	struct json_tokener *tokener =
		len <= INT_MAX && is_plain(bytes, len) ? json_tokener_new() : NULL;
	struct json_object *root;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, bytes, (int)len);
	json_tokener_free(tokener);
	return root;
}

static const char *text_of(struct json_object *root, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(root, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* One key and a text. */
static bool is_attribute(struct json_object *item)
{
	if (json_object_is_type(item, json_type_object) &&
	    json_object_object_length(item) == 1) {
		json_object_object_foreach(item, key, value)
		{
			(void)key;
			return json_object_is_type(value, json_type_string);
		}
	}
	return false;
}

/* No list at all is an empty one. */
static bool are_attributes(struct json_object *root)
{
	struct json_object *list;

	if (!json_object_object_get_ex(root, "attrs", &list) || !list)
		return true;
	if (!json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		if (!is_attribute(json_object_array_get_idx(list, i)))
			return false;
	return true;
}

/* Of a root without damage. */
static bool has_attributes(struct json_object *root)
{
	struct json_object *list;

	return json_object_object_get_ex(root, "attrs", &list) && list &&
	       json_object_array_length(list) > 0;
}

static const char *find_damage(struct json_object *root)
{
	if (!root)
		return "it is no whole JSON document: perhaps half written";
	if (!json_object_is_type(root, json_type_object))
		return "it is no JSON object";
	if (!text_of(root, "mdev_type") || !*text_of(root, "mdev_type"))
		return "it has no \"mdev_type\"";
	if (!text_of(root, "start"))
		return "it has no \"start\"";
	return are_attributes(root)
		       ? NULL
		       : "its \"attrs\" are not a list of objects with one text each";
}

int bootcfg_definition_parse(const char *bytes, size_t len,
			     struct bootcfg_definition *ret_definition)
{
	_cleanup_(put_object) struct json_object *root = read_document(bytes, len);
	struct bootcfg_definition definition = { 0 };
	const char *damage = find_damage(root);

	if (damage) {
		definition.damage = strdup(damage);
	} else {
		definition.type = strdup(text_of(root, "mdev_type"));
		/* Whatever else it says means by hand. */
		definition.starts = !strcmp(text_of(root, "start"), "auto");
		definition.has_attributes = has_attributes(root);
	}
	if (!definition.damage && !definition.type)
		return -ENOMEM;
	*ret_definition = definition;
	return 0;
}

static void put_indent(FILE *stream, int depth)
{
	fprintf(stream, "\n%*s", 2 * depth, "");
}

/* A text, number or the like. */
static void put_plain(FILE *stream, struct json_object *value)
{
	fputs(json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE),
	      stream);
}

/* As serde_json's to_string_pretty(), whose empty lists are "[]" and json-c's are not. */
static void put_value(FILE *stream, struct json_object *value, int depth)
{
	bool is_list = json_object_is_type(value, json_type_array);
	const char *between = "";

	if (!is_list && !json_object_is_type(value, json_type_object)) {
		put_plain(stream, value);
		return;
	}
	fputc(is_list ? '[' : '{', stream);
	for (size_t i = 0; is_list && i < json_object_array_length(value); i++) {
		fputs(between, stream);
		put_indent(stream, depth + 1);
		put_value(stream, json_object_array_get_idx(value, i), depth + 1);
		between = ",";
	}
	if (!is_list) {
		json_object_object_foreach(value, key, member)
		{
			struct json_object *name = json_object_new_string(key);

			fputs(between, stream);
			put_indent(stream, depth + 1);
			put_plain(stream, name);
			fputs(": ", stream);
			put_value(stream, member, depth + 1);
			json_object_put(name);
			between = ",";
		}
	}
	if (*between)
		put_indent(stream, depth);
	fputc(is_list ? ']' : '}', stream);
}

int bootcfg_definition_write(const char *before, size_t before_len, const char *type,
			     bool starts, char **ret_bytes, size_t *ret_len)
{
	_cleanup_(put_object) struct json_object *root =
		before ? read_document(before, before_len) : json_object_new_object();
	_cleanup_free_ char *bytes = NULL;
	struct json_object *attributes;
	FILE *stream;
	size_t len;

	if (before && find_damage(root))
		return -EINVAL;
	stream = root ? open_memstream(&bytes, &len) : NULL;
	if (!stream)
		return -ENOMEM;
	json_object_object_add(root, "mdev_type", json_object_new_string(type));
	json_object_object_add(root, "start",
			       json_object_new_string(starts ? "auto" : "manual"));
	if (!json_object_object_get_ex(root, "attrs", &attributes) || !attributes)
		json_object_object_add(root, "attrs", json_object_new_array());
	put_value(stream, root, 0);
	if (fclose(stream) != 0)
		return -ENOMEM;
	*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}
