/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history: the changes that were made, and their ends. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
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

/* Of what a tool wrote. */
enum { OUTPUT_LINES = 20 };

struct history_options {
	unsigned int id; /* 0: all of them */
};

static const struct option own[] = {
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ 0 },
};

static const char *const states[] = { [CHANGE_INTERRUPTED] = "interrupted",
				      [CHANGE_APPLIED] = "applied",
				      [CHANGE_UNDONE] = "undone",
				      [CHANGE_IN_PROGRESS] = "in progress" };

static int parse(struct cli *cli, int argc, char **argv, struct history_options *options,
		 struct error *err)
{
	uint64_t number = 0;
	int value;

	while ((value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		cli->root_path = optarg;
	}
	if (argc - optind > 1)
		return error_usage(err, argv[optind + 1], "history takes one change");
	if (optind < argc &&
	    (text_parse_number(argv[optind], UINT_MAX, &number) < 0 || !number)) {
		error_usage(err, argv[optind], "not the number of a change");
		error_hint(err, "pciferry history shows them");
		return -EINVAL;
	}
	options->id = (unsigned int)number;
	return 0;
}

/*
 * What lost its power before it was described has no time, and one that is damaged none
 * that could be believed.
 */
static bool has_time(const struct change_record *record)
{
	return !record->damage && record->time;
}

static struct json_object *record_json(const struct change_record *record)
{
	struct json_object *object = json_object_new_object();
	struct json_object *devices = json_object_new_array();

	json_add_number(object, "change", FACT_KNOWN, record->id);
	json_add_text(object, "state", states[record->state]);
	json_add_number(object, "time", has_time(record) ? FACT_KNOWN : FACT_ABSENT,
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

/* The last lines of what a tool wrote, and where the rest is. */
static void print_output(const struct host *host, unsigned int id, size_t number)
{
	char path[CHANGE_OUTPUT_PATH_SIZE];
	_cleanup_free_ char *text = NULL;
	const char *first;
	char *rest;
	size_t len;
	int r = change_output_read(host, id, number, path, &text, &len);

	if (r < 0) {
		output_line("    %s", r == -ENOENT ? "it has not run" : strerror(-r));
		return;
	}
	text_trim_end(text);
	first = text + strlen(text);
	for (int lines = 0; first > text; first--)
		if (first[-1] == '\n' && ++lines == OUTPUT_LINES)
			break;
	output_line("    %s /%s:",
		    first > text ? "its last lines; the rest is in"
				 : "what it wrote is in",
		    path);
	for (rest = text + (first - text); rest && *rest;)
		output_line("      %s", strsep(&rest, "\n"));
}

static int print_record(const struct cli *cli, const struct history_options *options,
			const struct host *host, const struct change_record *record,
			struct error *err)
{
	char when[64] = "?";
	time_t at = (time_t)record->time;
	struct tm broken;

	if (has_time(record) && localtime_r(&at, &broken))
		strftime(when, sizeof(when), "%F %T", &broken);
	output_line("%u  %s  %s  %s%s%s", record->id, when, states[record->state],
		    record->title, record->damage ? ": " : "",
		    record->damage ? record->damage : "");
	for (size_t i = 0; i < record->edits.count; i++) {
		if (edits_print(&record->edits.items[i], cli->verbose || options->id) < 0)
			return error_oom(err);
		if (options->id && record->edits.items[i].kind == EDIT_RUN)
			print_output(host, record->id, i);
	}
	return 0;
}

/* Leaves only the one that was asked for. */
static int choose(struct change_history *history, unsigned int id, struct error *err)
{
	size_t i = 0;
	char text[16];

	while (i < history->count && history->items[i].id != id)
		i++;
	if (i == history->count) {
		snprintf(text, sizeof(text), "%u", id);
		error_set(err, ENOENT, text, "there is no such change");
		error_hint(err, "pciferry history shows them");
		return -ENOENT;
	}
	for (size_t j = 0; j < history->count; j++)
		if (j != i)
			change_record_free(&history->items[j]);
	history->items[0] = history->items[i];
	history->count = 1;
	return 0;
}

static int run_history(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(change_history_free) struct change_history history = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	struct history_options options = { 0 };
	int r = parse(cli, argc, argv, &options, err);

	if (r == 0)
		r = cli_open_host(cli, &host, err);
	if (r == 0)
		r = change_history_read(host, &history, err);
	if (r == 0)
		change_history_mark(host, &history);
	if (r == 0 && options.id)
		r = choose(&history, options.id, err);
	if (r < 0)
		return r;
	if (cli->json)
		return print_json(&history, err);
	for (size_t i = 0; r == 0 && i < history.count; i++)
		r = print_record(cli, &options, host, &history.items[i], err);
	if (r == 0 && !history.count && !cli->quiet)
		output_talk("pciferry has changed nothing on this host.");
	return r;
}

const struct cli_command cli_history = {
	.name = "history",
	.arguments = "[CHANGE] [--verbose]",
	.summary = "what pciferry has changed, and when",
	.options = "  --root DIR       the system that is mounted at DIR, and does not"
		   " run\n"
		   "\n"
		   "Of one CHANGE it shows the differences, and what its tools wrote.\n",
	.run = run_history,
};
