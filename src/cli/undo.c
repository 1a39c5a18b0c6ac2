/* SPDX-License-Identifier: GPL-2.0-or-later */
/* undo: taking back a change that was made. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/edits.h"
#include "cli/output.h"

enum { OPTION_ROOT = 1 };

static const struct option own[] = {
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ 0 },
};

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
