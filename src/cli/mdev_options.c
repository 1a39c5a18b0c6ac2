/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mdev create and mdev remove share. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/edits.h"
#include "cli/mdev.h"
#include "cli/output.h"

enum { OPTION_PERSIST = 1, OPTION_DRY_RUN, OPTION_TIMEOUT, OPTION_PARENT };

/* In mdevctl's words. */
static int take_persist(const char *how, struct mdev_options *options, struct error *err)
{
	options->persist = true;
	options->by_hand = how && !strcmp(how, "manual");
	return !how || options->by_hand || !strcmp(how, "auto")
		       ? 0
		       : error_usage(err, "--persist", "%s is neither auto nor manual",
				     how);
}

int mdev_parse_options(struct cli *cli, int argc, char **argv,
		       struct mdev_options *options, struct error *err)
{
	static const struct option own[] = {
		{ "persist", optional_argument, NULL, OPTION_PERSIST },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "parent", required_argument, NULL, OPTION_PARENT },
		{ 0 },
	};
	int value, r = 0;

	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value == OPTION_PERSIST)
			r = take_persist(optarg, options, err);
		else if (value == OPTION_DRY_RUN)
			options->take.dry_run = true;
		else if (value == OPTION_TIMEOUT)
			r = take_parse_timeout(optarg, &options->take, err);
		else if (value == OPTION_PARENT)
			options->parent = optarg;
		else
			r = value;
	}
	return r;
}

int mdev_begin(const struct cli *cli, const struct host *host,
	       const struct mdev_options *options, struct change **ret_change,
	       struct error *err)
{
	static const struct change_options late = {
		.came_back = bind_slice_came_back,
		.late = "pciferry mdev list tells what came of it: one that is being"
			" removed goes when nobody holds it any more",
	};
	int r = take_begin(cli, host, &options->take, &late, ret_change, err);

	if (r == 0 && options->persist) {
		r = change_refuse_interrupted(*ret_change, err);
		if (r < 0)
			change_end(*ret_change);
	}
	return r;
}

int mdev_print_steps(const struct bind_slice *slice, const struct change_edits *edits,
		     const struct string_list *notes, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };

	if (slice->uuid[0] && bind_slice_steps(slice, &steps) < 0)
		return error_oom(err);
	if (!steps.count && !edits->count)
		output_line("nothing to do");
	take_print_step_list(&steps);
	return edits_print_all(edits, notes, err);
}
