/* SPDX-License-Identifier: GPL-2.0-or-later */
/* undo and history: the changes that were made, and their ends. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/edits.h"
#include "cli/json.h"
#include "cli/output.h"

enum { OPTION_ROOT = 1 };

static const struct option own[] = {
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ 0 },
};

static const char *const states[] = { [CHANGE_INTERRUPTED] = "interrupted",
				      [CHANGE_APPLIED] = "applied",
				      [CHANGE_UNDONE] = "undone" };

static int parse(struct cli *cli, int argc, char **argv, struct error *err)
{
	int value;

	while ((value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		cli->root_path = optarg;
	}
	return 0;
}

/* The last one that was not undone. */
static int find_last(const struct host *host, unsigned int *ret_id, struct error *err)
{
	_cleanup_(change_history_free) struct change_history history = { 0 };
	int r = change_history_read(host, &history, err);

	if (r < 0)
		return r;
	for (size_t i = history.count; i-- > 0;)
		if (history.items[i].state != CHANGE_UNDONE && !history.items[i].damage) {
			*ret_id = history.items[i].id;
			return 0;
		}
	return error_set(err, ENOENT, "", "there is nothing to undo");
}

static int run_undo(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(host_cleanup) struct host *host = NULL;
	struct change_watcher watcher = edits_watcher(cli);
	struct change *change;
	uint64_t number = 0;
	unsigned int id;
	int r = parse(cli, argc, argv, err);

	if (r < 0)
		return r;
	if (argc - optind > 1)
		return error_usage(err, argv[optind + 1], "undo takes one change");
	if (optind < argc && text_parse_number(argv[optind], UINT_MAX, &number) < 0) {
		error_usage(err, argv[optind], "not the number of a change");
		error_hint(err, "pciferry history shows them");
		return -EINVAL;
	}
	id = (unsigned int)number;
	r = cli_open_host(cli, &host, err);
	if (r == 0)
		r = edits_begin(cli, host, &change, err);
	if (r < 0)
		return r;
	if (!id)
		r = find_last(host, &id, err);
	if (r == 0)
		r = change_undo(change, id, &watcher, err);
	change_end(change);
	if (r < 0)
		return r;
	output_line("Change %u is undone.", id);
	return 0;
}

static struct json_object *record_json(const struct change_record *record)
{
	struct json_object *object = json_object_new_object();
	struct json_object *devices = json_object_new_array();

	json_add_number(object, "change", FACT_KNOWN, record->id);
	json_add_text(object, "state", states[record->state]);
	json_add_number(object, "time", record->damage ? FACT_ABSENT : FACT_KNOWN,
			record->time);
	json_add_text(object, "title", record->title);
	for (size_t i = 0; i < record->subjects.count; i++)
		json_object_array_add(devices,
				      output_json_text(record->subjects.items[i]));
	json_object_object_add(object, "devices", devices);
	json_object_object_add(object, "edits", edits_json(&record->edits));
	json_add_text(object, "damage", record->damage);
	return object;
}

static int print_json(const struct change_history *history, struct error *err)
{
	struct json_object *root = json_root("history");
	struct json_object *array = json_object_new_array();

	if (!root || !array) {
		json_object_put(root);
		json_object_put(array);
		return error_oom(err);
	}
	for (size_t i = 0; i < history->count; i++)
		json_object_array_add(array, record_json(&history->items[i]));
	json_object_object_add(root, "changes", array);
	return output_json(root);
}

static int print_record(const struct cli *cli, const struct change_record *record,
			struct error *err)
{
	char when[64] = "?";
	time_t at = (time_t)record->time;
	struct tm broken;

	if (!record->damage && localtime_r(&at, &broken))
		strftime(when, sizeof(when), "%F %T", &broken);
	output_line("%u  %s  %s  %s%s%s", record->id, when, states[record->state],
		    record->title, record->damage ? ": " : "",
		    record->damage ? record->damage : "");
	for (size_t i = 0; i < record->edits.count; i++)
		if (edits_print(&record->edits.items[i], cli->verbose) < 0)
			return error_oom(err);
	return 0;
}

static int run_history(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(change_history_free) struct change_history history = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	int r = parse(cli, argc, argv, err);

	if (r == 0 && optind < argc)
		return error_usage(err, argv[optind], "history takes no argument");
	if (r == 0)
		r = cli_open_host(cli, &host, err);
	if (r == 0)
		r = change_history_read(host, &history, err);
	if (r < 0)
		return r;
	if (cli->json)
		return print_json(&history, err);
	for (size_t i = 0; r == 0 && i < history.count; i++)
		r = print_record(cli, &history.items[i], err);
	if (r == 0 && !history.count && !cli->quiet)
		output_talk("pciferry has changed nothing on this host.");
	return r;
}

const struct cli_command cli_undo = {
	.name = "undo",
	.arguments = "[CHANGE]",
	.summary = "take a change back: every file as it was before",
	.options = "  --root DIR       the system that is mounted at DIR, and does not"
		   " run\n"
		   "\n"
		   "Without a CHANGE it is the last one. Files that somebody has edited\n"
		   "since are not touched: then nothing is undone, and it says so.\n",
	.mends = true,
	.run = run_undo,
};

const struct cli_command cli_history = {
	.name = "history",
	.arguments = "[--verbose]",
	.summary = "what pciferry has changed, and when",
	.options = "  --root DIR       the system that is mounted at DIR, and does not"
		   " run\n",
	.run = run_history,
};
