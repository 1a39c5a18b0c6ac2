/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/saved.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "plan/internal.h"

void plan_saved_free(struct plan_saved *saved)
{
	if (!saved)
		return;
	free(saved->members);
	free(saved->edits);
	memset(saved, 0, sizeof(*saved));
}

static void sum(const char *bytes, size_t len, char buffer[SHA256_TEXT_SIZE])
{
	struct sha256 sha;

	sha256_begin(&sha);
	sha256_add(&sha, bytes, len);
	sha256_end(&sha, buffer);
}

void plan_saved_edit_of(const struct change_edit *edit, struct plan_saved_edit *ret_edit)
{
	bool is_tool = edit->kind == EDIT_RUN;
	struct sha256 sha;

	memset(ret_edit, 0, sizeof(*ret_edit));
	sha256_begin(&sha);
	/* With their NULs: no path and arguments are like another's. */
	sha256_add(&sha, is_tool ? "tool" : "file", sizeof("tool"));
	sha256_add(&sha, edit->path, strlen(edit->path) + 1);
	for (size_t i = 0; i < edit->arguments.count; i++)
		sha256_add(&sha, edit->arguments.items[i],
			   strlen(edit->arguments.items[i]) + 1);
	sha256_add(&sha, "undo", sizeof("undo"));
	for (size_t i = 0; i < edit->undo.count; i++)
		sha256_add(&sha, edit->undo.items[i], strlen(edit->undo.items[i]) + 1);
	sha256_end(&sha, ret_edit->place);
	if (edit->existed)
		sum(edit->before, edit->before_len, ret_edit->before);
	if (edit->kind == EDIT_WRITE)
		sum(edit->bytes, edit->len, ret_edit->after);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key,
			       text[0] ? json_object_new_string(text) : NULL);
}

static struct json_object *write_members(const struct plan *plan)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_member *member = &plan->members[i];
		struct json_object *object = json_object_new_object();
		char address[PCI_ADDRESS_SIZE], identity[PCI_IDENTITY_TEXT_SIZE];

		add_text(object, "address",
			 pci_address_format(&member->address, address));
		add_text(object, "identity",
			 pci_identity_write(&member->identity, identity));
		add_text(object, "driver", member->driver);
		json_object_object_add(object, "named",
				       json_object_new_boolean(member->named));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *write_edits(const struct change_edits *edits)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < edits->count; i++) {
		struct json_object *object = json_object_new_object();
		struct plan_saved_edit edit;

		plan_saved_edit_of(&edits->items[i], &edit);
		add_text(object, "place", edit.place);
		add_text(object, "before", edit.before);
		add_text(object, "after", edit.after);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *write_options(struct plan_options options)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < PLAN_OPTIONS; i++)
		json_object_object_add(
			object, plan_option_name(i),
			json_object_new_boolean(*plan_option(&options, i)));
	return object;
}

int plan_saved_write(const struct plan *plan, const struct plan_options *options,
		     char **ret_text, size_t *ret_len)
{
	struct json_object *root = json_object_new_object();
	const char *text;
	char *copy = NULL;

	add_text(root, "schema", PLAN_SAVED_SCHEMA);
	json_object_object_add(root, "options", write_options(*options));
	json_object_object_add(root, "devices", write_members(plan));
	json_object_object_add(root, "edits", write_edits(&plan->edits));
	text = json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text && asprintf(&copy, "%s\n", text) < 0)
		copy = NULL;
	json_object_put(root);
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	*ret_len = strlen(copy);
	return 0;
}
