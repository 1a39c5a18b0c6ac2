/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/edits.h"

#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/output.h"

enum { WAIT_FOR_LOCK_MS = 60000, TELL_EVERY_S = 10 };

static const char *const kinds[] = {
	[EDIT_WRITE] = "write", [EDIT_REMOVE] = "remove", [EDIT_RUN] = "run"
};

static char *make_difference(const struct change_edit *edit)
{
	return change_diff(edit->path, edit->before, edit->before_len, edit->bytes,
			   edit->len);
}

int edits_print(const struct change_edit *edit, bool with_difference)
{
	_cleanup_free_ char *arguments = string_list_join(&edit->arguments, " ");
	_cleanup_free_ char *difference = NULL;
	char *rest;

	if (!arguments)
		return -ENOMEM;
	output_line("  %s /%s%s%s: %s", kinds[edit->kind], edit->path,
		    edit->arguments.count ? " " : "", arguments, edit->purpose);
	if (!with_difference || edit->kind == EDIT_RUN)
		return 0;
	difference = make_difference(edit);
	if (!difference)
		return -ENOMEM;
	for (rest = difference; *rest;)
		output_line("    %s", strsep(&rest, "\n"));
	return 0;
}

int edits_print_all(const struct change_edits *edits,
		    const struct string_list *instructions, struct error *err)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits_print(&edits->items[i], true) < 0)
			return error_oom(err);
	for (size_t i = 0; instructions && i < instructions->count; i++)
		output_line("%s", instructions->items[i]);
	return 0;
}

struct json_object *edits_json(const struct change_edits *edits)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < edits->count; i++) {
		const struct change_edit *edit = &edits->items[i];
		struct json_object *object = json_object_new_object();
		struct json_object *arguments = json_object_new_array();
		_cleanup_free_ char *difference = NULL;

		if (edit->kind != EDIT_RUN)
			difference = make_difference(edit);
		json_add_text(object, "kind", kinds[edit->kind]);
		json_add_text(object, "path", edit->path);
		json_add_text(object, "purpose", edit->purpose);
		for (size_t j = 0; j < edit->arguments.count; j++)
			json_object_array_add(arguments,
					      output_json_text(edit->arguments.items[j]));
		json_object_object_add(object, "arguments", arguments);
		json_object_object_add(object, "difference",
				       output_json_lines(difference));
		json_object_array_add(array, object);
	}
	return array;
}

static void tell_edit(const struct change_edit *edit, void *argument)
{
	const struct cli *cli = argument;
	_cleanup_free_ char *arguments = string_list_join(&edit->arguments, " ");

	if (!cli->quiet)
		output_talk("%s /%s%s%s", kinds[edit->kind], edit->path,
			    edit->arguments.count ? " " : "", arguments ? arguments : "");
}

/* Each second where that can be written over, else now and then; a log is told nothing.
 */
static void tell_tool(const struct change_edit *edit, unsigned int seconds,
		      const char *line, void *argument)
{
	static unsigned int told;
	const struct cli *cli = argument;

	(void)edit;
	if (!seconds)
		told = 0;
	if (cli->quiet || !output_is_watched() || seconds == told)
		return;
	if (output_status("  %u s: %s", seconds, line)) {
		told = seconds;
	} else if (seconds >= told + TELL_EVERY_S) {
		told = seconds;
		output_talk("  %u s: %s", seconds, line);
	}
}

struct change_watcher edits_watcher(const struct cli *cli)
{
	return (struct change_watcher){ tell_edit, tell_tool, (void *)cli };
}

int edits_begin(const struct cli *cli, const struct host *host,
		struct change **ret_change, struct error *err)
{
	_cleanup_(error_clear) struct error busy = ERROR_INIT;
	struct change_options options = { 0 };
	int r;

	/* A reader of our talk that goes away must not end the work half-way. */
	signal(SIGPIPE, SIG_IGN);
	r = change_begin(host, &options, 0, ret_change, &busy);
	if (r == -EBUSY) {
		if (!cli->quiet)
			output_talk("%s: waiting for it", busy.message);
		return change_begin(host, &options, WAIT_FOR_LOCK_MS, ret_change, err);
	}
	if (r < 0) {
		*err = busy;
		memset(&busy, 0, sizeof(busy));
	}
	return r;
}

int edits_resume(const struct cli *cli, struct host **ret_host,
		 struct change_record *ret_record, struct error *err)
{
	struct change_watcher watcher = edits_watcher(cli);
	struct change *change;
	int r = cli_open_host(cli, ret_host, err);

	if (r == 0)
		r = edits_begin(cli, *ret_host, &change, err);
	if (r < 0)
		return r;
	r = change_resume(change, &watcher, ret_record, err);
	change_end(change);
	return r;
}

static int apply(const struct cli *cli, struct change *change,
		 const struct change_title *title, const struct change_edits *edits,
		 unsigned int *ret_id, struct error *err)
{
	struct change_watcher watcher = edits_watcher(cli);

	return change_apply(change, title, edits, &watcher, ret_id, err);
}

int edits_apply(const struct cli *cli, struct change *change, const char *title,
		const struct pci_address *addresses, size_t count,
		const struct change_edits *edits, unsigned int *ret_id, struct error *err)
{
	_cleanup_(string_list_free) struct string_list subjects = { 0 };
	const struct change_title named = { title, &subjects };
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < count; i++)
		if (string_list_add(&subjects,
				    pci_address_format(&addresses[i], address)) < 0)
			return error_oom(err);
	return apply(cli, change, &named, edits, ret_id, err);
}

/* "free at each boot: 0000:01:00.0 0000:05:00.0" */
static int make_title(const struct plan *plan, struct string_list *ret_subjects,
		      char *title, size_t size)
{
	size_t len = (size_t)snprintf(
		title, size, "%s%s",
		plan->trial			? "try for one boot:"
		: plan->n_pages && !plan->count ? "reserve at each boot:"
		: plan->gvt && !plan->count	? "turn on at each boot:"
						: "free at each boot:",
		plan->count || plan->n_pages || plan->gvt ? "" : " nothing");

	for (size_t i = 0; i < plan->count; i++) {
		char address[PCI_ADDRESS_SIZE];

		pci_address_format(&plan->members[i].address, address);
		if (string_list_add(ret_subjects, address) < 0)
			return -ENOMEM;
		if (len < size)
			len += (size_t)snprintf(title + len, size - len, " %s", address);
	}
	if (len < size)
		snprintf(title + len, size - len, "%s%s",
			 plan->n_pages ? " huge pages" : "", plan->gvt ? " GVT-g" : "");
	return 0;
}

int edits_apply_plan(const struct cli *cli, struct change *change,
		     const struct plan *plan, unsigned int *ret_id, struct error *err)
{
	_cleanup_(string_list_free) struct string_list subjects = { 0 };
	char words[512];
	const struct change_title title = { words, &subjects };

	if (!plan->edits.count)
		return 0;
	if (make_title(plan, &subjects, words, sizeof(words)) < 0)
		return error_oom(err);
	return apply(cli, change, &title, &plan->edits, ret_id, err);
}

void edits_tell_kept(unsigned int id, const char *what)
{
	if (id)
		output_line("%s: change %u, pciferry undo %u takes it back.", what, id,
			    id);
	else
		output_line("/etc/pciferry.tab says so already.");
}

int edits_refuse_by_hand(const struct plan *plan, struct error *err)
{
	int r = error_refuse(err, "",
			     "some of it has to be done by hand first: nothing was"
			     " changed");

	for (size_t i = 0; i < plan->instructions.count; i++)
		error_evidence(err, "%s", plan->instructions.items[i]);
	error_hint(err, "do that by hand, and apply again");
	return r;
}
