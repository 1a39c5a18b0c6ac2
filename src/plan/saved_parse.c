/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a saved plan, which may come from anybody. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/internal.h"
#include "plan/saved.h"

enum { DEPTH_MAX = 4 };

struct reader {
	const char *name;
	struct error *err;
};

static int refuse(const struct reader *reader, const char *what, const char *which)
{
	int r = error_refuse(reader->err, reader->name,
			     "it is not a plan as pciferry saves it: nothing was"
			     " changed");

	error_evidence(reader->err, "%s%s%s", what, which ? ": " : "",
		       which ? which : "");
	error_hint(reader->err, "plan again: pciferry plan DEVICE... -o FILE");
	return r;
}

/*
 * No part of a plan needs another character, or an escape but that of a slash. json-c
 * keeps the last of two fields of one name: the strings are counted, to be missed later.
 */
static const char *look(const char *text, size_t len, size_t *ret_strings)
{
	bool inside = false;

	*ret_strings = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x7f || (c < ' ' && (inside || !strchr("\t\n\r", c) || !c)))
			return "a character that no plan has";
		if (inside && c == '\\' && (i + 1 == len || text[++i] != '/'))
			return "an escape that no plan has";
		if (c == '"') {
			inside = !inside;
			*ret_strings += inside;
		}
	}
	return NULL;
}

static size_t count_strings(struct json_object *object)
{
	size_t count = 0;

	if (json_object_is_type(object, json_type_string))
		return 1;
	if (json_object_is_type(object, json_type_array))
		for (size_t i = 0; i < json_object_array_length(object); i++)
			count += count_strings(json_object_array_get_idx(object, i));
	if (json_object_is_type(object, json_type_object)) {
		json_object_object_foreach(object, key, value)
		{
			(void)key;
			count += 1 + count_strings(value);
		}
	}
	return count;
}

/* NULL: each key is one of the names. */
static const char *find_unknown(struct json_object *object, const char *const *names,
				size_t count)
{
	json_object_object_foreach(object, key, value)
	{
		size_t i = 0;

		(void)value;
		while (i < count && strcmp(names[i], key) != 0)
			i++;
		if (i == count)
			return key;
	}
	return NULL;
}

/* All of an object's fields, in the order of the names, and no others. */
static int take_fields(const struct reader *reader, struct json_object *object,
		       const char *const *names, size_t count,
		       struct json_object **ret_values)
{
	const char *unknown;

	if (!json_object_is_type(object, json_type_object))
		return refuse(reader, "something is no object", NULL);
	unknown = find_unknown(object, names, count);
	if (unknown)
		return refuse(reader, "an unknown field", unknown);
	for (size_t i = 0; i < count; i++)
		if (!json_object_object_get_ex(object, names[i], &ret_values[i]))
			return refuse(reader, "a field is missing", names[i]);
	return 0;
}

static int take_flag(const struct reader *reader, struct json_object *value,
		     const char *name, bool *ret_flag)
{
	if (!json_object_is_type(value, json_type_boolean))
		return refuse(reader, "neither true nor false", name);
	*ret_flag = json_object_get_boolean(value);
	return 0;
}

/* NULL where it is no string. */
static const char *text_of(struct json_object *value)
{
	return json_object_is_type(value, json_type_string)
		       ? json_object_get_string(value)
		       : NULL;
}

static int take_options(const struct reader *reader, struct json_object *object,
			struct plan_options *options)
{
	struct json_object *values[PLAN_OPTIONS];
	const char *names[PLAN_OPTIONS];
	int r;

	for (size_t i = 0; i < PLAN_OPTIONS; i++)
		names[i] = plan_option_name(i);
	r = take_fields(reader, object, names, PLAN_OPTIONS, values);
	for (size_t i = 0; r == 0 && i < PLAN_OPTIONS; i++)
		r = take_flag(reader, values[i], names[i], plan_option(options, i));
	return r;
}

static int take_member(const struct reader *reader, struct json_object *object,
		       struct plan_member *member)
{
	static const char *const names[] = { "address", "identity", "driver", "named" };
	struct json_object *values[ARRAY_SIZE(names)];
	const char *address, *identity, *driver;
	char again[PCI_ADDRESS_SIZE];
	int r = take_fields(reader, object, names, ARRAY_SIZE(names), values);

	if (r < 0)
		return r;
	address = text_of(values[0]);
	identity = text_of(values[1]);
	driver = text_of(values[2]);
	if (!address || pci_address_parse(address, &member->address) < 0 ||
	    strcmp(pci_address_format(&member->address, again), address) != 0)
		return refuse(reader, "not an address", address);
	if (!identity ||
	    pci_identity_parse(identity, strlen(identity), &member->identity) < 0)
		return refuse(reader, "not a device's identity", identity);
	if (!driver || !*driver || strlen(driver) >= sizeof(member->driver))
		return refuse(reader, "not a driver's name", driver);
	memcpy(member->driver, driver, strlen(driver) + 1);
	return take_flag(reader, values[3], names[3], &member->named);
}

static int take_sum(const struct reader *reader, struct json_object *value,
		    char buffer[SHA256_TEXT_SIZE])
{
	const char *text = text_of(value);

	if (!value)
		return 0;
	if (!text || strlen(text) != SHA256_TEXT_SIZE - 1 ||
	    strspn(text, "0123456789abcdef") != SHA256_TEXT_SIZE - 1)
		return refuse(reader, "not a sum", text);
	memcpy(buffer, text, SHA256_TEXT_SIZE);
	return 0;
}

static int take_edit(const struct reader *reader, struct json_object *object,
		     struct plan_saved_edit *edit)
{
	static const char *const names[] = { "place", "before", "after" };
	struct json_object *values[ARRAY_SIZE(names)];
	int r = take_fields(reader, object, names, ARRAY_SIZE(names), values);

	if (r == 0)
		r = take_sum(reader, values[0], edit->place);
	if (r == 0)
		r = take_sum(reader, values[1], edit->before);
	return r < 0 ? r : take_sum(reader, values[2], edit->after);
}

/* Room for as many items as the list has. */
static int make_room(const struct reader *reader, struct json_object *list, size_t size,
		     const char *name, void **ret_items, size_t *ret_count)
{
	if (!json_object_is_type(list, json_type_array) ||
	    json_object_array_length(list) > PLAN_SAVED_ITEMS_MAX)
		return refuse(reader, "no list, or one that is too long", name);
	*ret_count = json_object_array_length(list);
	*ret_items = calloc(*ret_count + 1, size);
	return *ret_items ? 0 : error_oom(reader->err);
}

static int take_plan(const struct reader *reader, struct json_object *root,
		     struct plan_saved *saved)
{
	static const char *const names[] = { "schema", "options", "devices", "edits" };
	struct json_object *values[ARRAY_SIZE(names)];
	const char *schema;
	int r = take_fields(reader, root, names, ARRAY_SIZE(names), values);

	if (r < 0)
		return r;
	schema = text_of(values[0]);
	if (!schema || strcmp(schema, PLAN_SAVED_SCHEMA) != 0)
		return refuse(reader, "not of the schema " PLAN_SAVED_SCHEMA, schema);
	r = take_options(reader, values[1], &saved->options);
	if (r == 0)
		r = make_room(reader, values[2], sizeof(*saved->members), names[2],
			      (void **)&saved->members, &saved->count);
	if (r == 0)
		r = make_room(reader, values[3], sizeof(*saved->edits), names[3],
			      (void **)&saved->edits, &saved->n_edits);
	for (size_t i = 0; r == 0 && i < saved->count; i++)
		r = take_member(reader, json_object_array_get_idx(values[2], i),
				&saved->members[i]);
	for (size_t i = 0; r == 0 && i < saved->n_edits; i++)
		r = take_edit(reader, json_object_array_get_idx(values[3], i),
			      &saved->edits[i]);
	return r;
}

/* NULL: it is no JSON, or more than one value. */
static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX + 1);
	struct json_object *root = NULL;

	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, text, (int)len);
	json_tokener_free(tokener);
	return root;
}

int plan_saved_parse(const char *text, size_t len, const char *name,
		     struct plan_saved *ret_saved, struct error *err)
{
	_cleanup_(plan_saved_free) struct plan_saved saved = { 0 };
	const struct reader reader = { name, err };
	struct json_object *root;
	const char *bad;
	size_t strings;
	int r;

	if (len > PLAN_SAVED_MAX)
		return refuse(&reader, "it is larger than any plan", NULL);
	while (len && strchr(" \t\n\r", text[len - 1]) && text[len - 1])
		len--;
	bad = look(text, len, &strings);
	if (bad)
		return refuse(&reader, bad, NULL);
	root = parse(text, len);
	if (!root)
		return refuse(&reader, "it is no JSON, or nested too deeply", NULL);
	r = count_strings(root) == strings
		    ? take_plan(&reader, root, &saved)
		    : refuse(&reader, "a field that is there twice", NULL);
	json_object_put(root);
	if (r < 0)
		return r;
	*ret_saved = saved;
	memset(&saved, 0, sizeof(saved));
	return 0;
}
