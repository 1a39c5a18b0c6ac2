/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/saved.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
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

/* What it is done to: each part with its NUL, so that no two edits are alike by chance.
 */
static int write_place(const struct change_edit *edit, char **ret_place, size_t *ret_len)
{
	FILE *stream = open_memstream(ret_place, ret_len);

	if (!stream)
		return -ENOMEM;
	fprintf(stream, "%s%c", edit->kind == EDIT_RUN ? "tool" : "file", '\0');
	fprintf(stream, "%s%c", edit->path, '\0');
	for (size_t i = 0; i < edit->arguments.count; i++)
		fprintf(stream, "%s%c", edit->arguments.items[i], '\0');
	fprintf(stream, "undo%c", '\0');
	for (size_t i = 0; i < edit->undo.count; i++)
		fprintf(stream, "%s%c", edit->undo.items[i], '\0');
	return fclose(stream) == 0 ? 0 : -ENOMEM;
}

int plan_saved_edit_of(const struct sha256 *sha, const struct change_edit *edit,
		       struct plan_saved_edit *ret_edit)
{
	_cleanup_free_ char *place = NULL;
	size_t len;
	int r = write_place(edit, &place, &len);

	memset(ret_edit, 0, sizeof(*ret_edit));
	if (r < 0)
		return r;
	sha256_text(sha, place, len, ret_edit->place);
	if (edit->existed)
		sha256_text(sha, edit->before, edit->before_len, ret_edit->before);
	if (edit->kind == EDIT_WRITE)
		sha256_text(sha, edit->bytes, edit->len, ret_edit->after);
	return 0;
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

/* NULL: no memory. */
static struct json_object *write_edits(const struct sha256 *sha,
				       const struct change_edits *edits)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < edits->count; i++) {
		struct json_object *object;
		struct plan_saved_edit edit;

		if (plan_saved_edit_of(sha, &edits->items[i], &edit) < 0) {
			json_object_put(array);
			return NULL;
		}
		object = json_object_new_object();
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
		     char **ret_text, size_t *ret_len, struct error *err)
{
	struct json_object *root, *edits;
	struct sha256 sha;
	const char *text;
	char *copy = NULL;
	int r = sha256_load(&sha, err);

	if (r < 0)
		return r;
	edits = write_edits(&sha, &plan->edits);
	if (!edits)
		return error_oom(err);
	root = json_object_new_object();
	add_text(root, "schema", PLAN_SAVED_SCHEMA);
	json_object_object_add(root, "options", write_options(*options));
	json_object_object_add(root, "devices", write_members(plan));
	json_object_object_add(root, "edits", edits);
	text = json_object_to_json_string_ext(
		root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text && asprintf(&copy, "%s\n", text) < 0)
		copy = NULL;
	json_object_put(root);
	if (!copy)
		return error_oom(err);
	*ret_text = copy;
	*ret_len = strlen(copy);
	return 0;
}
