/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/script_found.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void script_found_free(struct script_found *found)
{
	if (!found)
		return;
	free(found->items);
	memset(found, 0, sizeof(*found));
}

static struct script_item *add(struct script_found *found, unsigned int line,
			       const char *command)
{
	struct script_item *larger =
		reallocarray(found->items, found->count + 1, sizeof(*larger));

	if (!larger) {
		found->no_memory = true;
		return NULL;
	}
	found->items = larger;
	larger += found->count++;
	*larger = (struct script_item){ .note.line = line };
	snprintf(larger->note.command, sizeof(larger->note.command), "%s", command);
	return larger;
}

void script_found_note(struct script_found *found, enum check_script_kind kind,
		       unsigned int line, const char *command)
{
	struct script_item *item = add(found, line, command);

	if (item)
		item->note.kind = kind;
}

void script_found_call(struct script_found *found, const char *command, bool keeps)
{
	struct script_item *item = add(found, 0, command);

	if (!item)
		return;
	item->is_call = item->is_waited_for = true;
	item->keeps = keeps;
}

static void drop_notes(struct script_found *found, size_t first, bool background)
{
	size_t kept = first;

	for (size_t i = first; i < found->count; i++) {
		const struct script_item *item = &found->items[i];

		if (item->is_call || (item->note.kind == SCRIPT_BACKGROUND) != background)
			found->items[kept++] = *item;
	}
	found->count = kept < found->count ? kept : found->count;
}

void script_found_let_go(struct script_found *found, size_t first)
{
	drop_notes(found, first, true);
	for (size_t i = first; i < found->count; i++)
		found->items[i].keeps = false;
}

void script_found_in_background(struct script_found *found, size_t first)
{
	drop_notes(found, first, false);
	for (size_t i = first; i < found->count; i++)
		found->items[i].is_waited_for = false;
}

static unsigned int find(const struct script_found *found, const char *name)
{
	for (unsigned int i = 0; i < found->n_functions; i++)
		if (!strcmp(found->functions[i].name, name))
			return i + 1;
	return 0;
}

unsigned int script_found_function(struct script_found *found, const char *name)
{
	unsigned int number = find(found, name);
	struct script_function *function;

	if (number || found->n_functions == SCRIPT_FUNCTIONS)
		return number;
	function = &found->functions[found->n_functions++];
	snprintf(function->name, sizeof(function->name), "%s", name);
	return found->n_functions;
}

void script_found_body(struct script_found *found, size_t first, unsigned int function)
{
	for (size_t i = first; i < found->count; i++)
		if (!found->items[i].body)
			found->items[i].body = function;
}

/* Of all those that call it, each for what itself is called like. */
static bool spread(struct script_found *found, const unsigned int *callees)
{
	bool changed = false;

	for (size_t i = 0; i < found->count; i++) {
		const struct script_item *call = &found->items[i];
		struct script_function *to, *from;
		bool keeps = call->keeps, waits = call->is_waited_for;

		if (!callees[i])
			continue;
		to = &found->functions[callees[i] - 1];
		from = call->body ? &found->functions[call->body - 1] : NULL;
		keeps &= !from || from->keeps;
		waits &= !from || from->is_waited_for;
		changed |= (keeps && !to->keeps) || (waits && !to->is_waited_for);
		to->keeps |= keeps;
		to->is_waited_for |= waits;
	}
	return changed;
}

/* How each function is called; of one that is not, by a name that is read: at worst. */
static int judge(struct script_found *found)
{
	_cleanup_free_ unsigned int *callees = calloc(found->count + 1, sizeof(*callees));

	if (!callees)
		return -ENOMEM;
	for (size_t i = 0; i < found->count; i++) {
		const struct script_item *item = &found->items[i];

		if (item->is_call)
			callees[i] = find(found, item->note.command);
		if (callees[i] && callees[i] != item->body)
			found->functions[callees[i] - 1].is_called = true;
	}
	for (unsigned int i = 0; i < found->n_functions; i++)
		found->functions[i].keeps = found->functions[i].is_waited_for =
			!found->functions[i].is_called;
	while (spread(found, callees))
		;
	return 0;
}

static bool holds(const struct script_found *found, const struct script_item *item)
{
	const struct script_function *function =
		item->body ? &found->functions[item->body - 1] : NULL;

	if (item->is_call || !function)
		return !item->is_call;
	return item->note.kind == SCRIPT_BACKGROUND ? function->keeps
						    : function->is_waited_for;
}

int script_found_finish(struct script_found *found, struct check_script_notes *ret_notes)
{
	struct check_script_notes notes = { 0 };
	int r = found->no_memory ? -ENOMEM : judge(found);

	if (r < 0)
		return r;
	notes.items = calloc(found->count + 1, sizeof(*notes.items));
	if (!notes.items)
		return -ENOMEM;
	for (size_t i = 0; i < found->count; i++)
		if (holds(found, &found->items[i]))
			notes.items[notes.count++] = found->items[i].note;
	*ret_notes = notes;
	return 0;
}
