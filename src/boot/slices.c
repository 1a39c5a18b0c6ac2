/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/slices.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/internal.h"
#include "bootcfg/mdevctl.h"

/* Of a file that is damaged. */
enum { SHOWN_LINES = 8 };

/* As a person names it. Returns the buffer. */
static const char *subject_of(const struct bootcfg_definition *definition,
			      char buffer[ERROR_SUBJECT_SIZE])
{
	snprintf(buffer, ERROR_SUBJECT_SIZE, "/%s", definition->path);
	return buffer;
}

static int refuse_damaged(const struct host *host,
			  const struct bootcfg_definition *definition, struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	char subject[ERROR_SUBJECT_SIZE], *rest, *line;
	size_t len;
	int r = error_refuse(err, subject_of(definition, subject),
			     "mdevctl could not read it, so it was left as it is");

	error_evidence(err, "%s", definition->damage);
	if (host_read_file(host, definition->path, &bytes, &len) == 0) {
		rest = bytes;
		for (int i = 0; i < SHOWN_LINES && (line = strsep(&rest, "\n")); i++)
			error_evidence(err, "| %s", line);
	}
	error_hint(err, "mend it, or remove it: rm /%s", definition->path);
	return r;
}

static int is_anothers(const struct bootcfg_definition *definition, struct error *err)
{
	error_set(err, EEXIST, definition->uuid, "it is defined for %s, as %s, in /%s",
		  definition->parent, definition->type ? definition->type : "unknown",
		  definition->path);
	error_hint(err, "take another UUID, or remove that: rm /%s", definition->path);
	return -EEXIST;
}

/* What is there for the UUID already; NULL: nothing. */
static int look(const struct host *host, const struct boot_slice *slice,
		const struct bootcfg_definitions *definitions,
		const struct bootcfg_definition **ret_there, struct error *err)
{
	const struct bootcfg_definition *there =
		bootcfg_definition_find(definitions, slice->uuid, slice->parent);
	char subject[ERROR_SUBJECT_SIZE];

	/* Of two parents it may be defined, but not by mistake. */
	if (!there)
		there = bootcfg_definition_find(definitions, slice->uuid, NULL);
	*ret_there = there;
	if (!there)
		return 0;
	if (there->damage)
		return refuse_damaged(host, there, err);
	if (strcmp(there->parent, slice->parent) != 0 ||
	    strcmp(there->type, slice->type) != 0)
		return is_anothers(there, err);
	if (!there->is_odd)
		return 0;
	error_refuse(err, subject_of(there, subject),
		     "mdevctl does not find it by its UUID again, so it"
		     " was left as it is");
	error_evidence(err, "its name is not written as the kernel writes a UUID");
	error_hint(err, "rename it to %s", slice->uuid);
	return -EPERM;
}

/*
 * mdevctl ends at the first file that it cannot read, without naming it, and starts none
 * of the parent's devices.
 */
static int note_start(const struct host *host, const struct boot_slice *slice,
		      const struct bootcfg_definitions *definitions,
		      struct string_list *ret_notes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < definitions->count; i++)
		if (definitions->items[i].damage &&
		    !strcmp(definitions->items[i].parent, slice->parent))
			r = string_list_addf(
				ret_notes,
				"/%s is damaged, and mdevctl starts nothing of %s until"
				" that is mended: %s",
				definitions->items[i].path, slice->parent,
				definitions->items[i].damage);
	if (r < 0)
		return r;
	if (!slice->starts)
		return string_list_add(ret_notes,
				       "a guest of libvirt's that asks for it by"
				       " <pciferry:hand-over> has it made as it starts:"
				       " pciferry vm hook --help");
	switch (bootcfg_mdevctl_start(host)) {
	case MDEVCTL_STARTS:
		return string_list_add(ret_notes,
				       "mdevctl starts it when its parent appears;"
				       " pciferry=off does not stop that");
	case MDEVCTL_NOT_THERE:
		return 0;
	case MDEVCTL_RULE_OFF:
		return string_list_add(ret_notes,
				       "mdevctl itself would start nothing: its udev"
				       " rule, 60-mdevctl.rules, is turned off;"
				       " pciferry.service is to make it");
	case MDEVCTL_RULE_BROKEN:
		break;
	}
	return string_list_add(ret_notes,
			       "mdevctl itself would start nothing: its udev"
			       " rule, 60-mdevctl.rules, calls a program that"
			       " is not there; pciferry.service is to make it");
}

int boot_edit_slice(const struct host *host, const struct boot_slice *slice,
		    struct change_edits *edits, struct string_list *ret_notes,
		    struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_free_ char *before = NULL, *bytes = NULL, *path = NULL;
	const struct bootcfg_definition *there = NULL;
	size_t before_len = 0, len;
	int r;

	if (!bootcfg_is_mdevctl_parent(slice->parent))
		return error_set(err, EINVAL, slice->parent,
				 "mdevctl can have no device of that name");
	r = bootcfg_definitions_read(host, &definitions, err);
	if (r == 0)
		r = look(host, slice, &definitions, &there, err);
	if (r < 0)
		return r;
	path = bootcfg_definition_path(slice->parent, slice->uuid);
	if (!path)
		return error_oom(err);
	if (there)
		r = host_read_file(host, path, &before, &before_len);
	if (r < 0)
		return error_set(err, -r, path, "%s", strerror(-r));
	/* What starts as it is to is left, however it is written. */
	if (!there || there->starts != slice->starts) {
		r = bootcfg_definition_write(before, before_len, slice->type,
					     slice->starts, &bytes, &len);
		if (r == 0)
			r = change_edit_write(edits, path,
					      slice->starts
						      ? "have mdevctl start the slice by"
							" itself"
						      : "have the slice defined",
					      bytes, len);
	}
	if (r == 0)
		r = note_start(host, slice, &definitions, ret_notes);
	if (r < 0)
		return error_oom(err);
	if (slice->starts)
		r = boot_need_service(host, edits, ret_notes, err);
	return r < 0 ? r : change_edits_look(host, edits, err);
}

int boot_edit_slice_away(const struct host *host, const char *uuid, const char *parent,
			 struct change_edits *edits, struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	const struct bootcfg_definition *found = NULL;
	int r = bootcfg_definitions_read(host, &definitions, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < definitions.count; i++) {
		const struct bootcfg_definition *definition = &definitions.items[i];

		if (strcmp(definition->uuid, uuid) != 0 ||
		    (parent && strcmp(definition->parent, parent) != 0))
			continue;
		if (found && strcmp(found->parent, definition->parent) != 0) {
			error_set(err, EEXIST, uuid, "it is defined for %s and for %s",
				  found->parent, definition->parent);
			error_hint(err, "name which: --parent %s", found->parent);
			return -EEXIST;
		}
		found = definition;
		if (change_edit_remove(edits, definition->path,
				       "have mdevctl know the slice no more") < 0)
			return error_oom(err);
	}
	return change_edits_look(host, edits, err);
}
