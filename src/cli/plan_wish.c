/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of plan and apply. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/file.h"
#include "cli/pages.h"
#include "cli/plan.h"
#include "cli/take.h"

enum {
	OPTION_ROOT = 1,
	OPTION_ALL_MATCHING,
	OPTION_ADOPT,
	OPTION_BY_ID,
	OPTION_HEADLESS,
	OPTION_DRY_RUN,
	OPTION_FORCE,
	OPTION_TRIAL,
	OPTION_RESUME,
	OPTION_HUGEPAGES,
	OPTION_GVT,
};

static const struct option of_plan[] = {
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
	{ "adopt", no_argument, NULL, OPTION_ADOPT },
	{ "by-id", no_argument, NULL, OPTION_BY_ID },
	{ "trial", no_argument, NULL, OPTION_TRIAL },
	{ "headless", no_argument, NULL, OPTION_HEADLESS },
	{ "hugepages", required_argument, NULL, OPTION_HUGEPAGES },
	{ "gvt", no_argument, NULL, OPTION_GVT },
	{ "output", required_argument, NULL, 'o' },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ 0 },
};

static const struct option of_apply[] = {
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
	{ "adopt", no_argument, NULL, OPTION_ADOPT },
	{ "by-id", no_argument, NULL, OPTION_BY_ID },
	{ "trial", no_argument, NULL, OPTION_TRIAL },
	{ "headless", no_argument, NULL, OPTION_HEADLESS },
	{ "hugepages", required_argument, NULL, OPTION_HUGEPAGES },
	{ "gvt", no_argument, NULL, OPTION_GVT },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "resume", no_argument, NULL, OPTION_RESUME },
	{ 0 },
};

void plan_wish_free(struct plan_wish *wish)
{
	free(wish->addresses);
	free(wish->pages);
	plan_saved_free(wish->saved);
	free(wish->saved);
	host_free(wish->host);
	memset(wish, 0, sizeof(*wish));
}

static int parse(struct cli *cli, enum plan_command command, int argc, char **argv,
		 struct plan_wish *wish, struct error *err)
{
	const struct option *own = command == PLAN_COMMAND ? of_plan : of_apply;
	int value, r = 0;

	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		if (value == OPTION_ROOT)
			cli->root_path = optarg;
		else if (value == OPTION_ALL_MATCHING)
			wish->all_matching = true;
		else if (value == OPTION_ADOPT)
			wish->options.adopt = true;
		else if (value == OPTION_BY_ID)
			wish->options.by_id = true;
		else if (value == OPTION_HEADLESS)
			wish->options.headless = true;
		else if (value == OPTION_DRY_RUN)
			wish->dry_run = true;
		else if (value == OPTION_TRIAL)
			wish->trial = true;
		else if (value == OPTION_RESUME)
			wish->resume = true;
		else if (value == OPTION_HUGEPAGES)
			r = pages_take(optarg, &wish->pages, &wish->n_pages, err);
		else if (value == OPTION_GVT)
			wish->gvt = true;
		else if (value == OPTION_FORCE)
			wish->force = true;
		else
			wish->output = optarg;
	}
	return r;
}

/*
 * A saved plan, by its name alone, so that it is one everywhere or nowhere: the end, or a
 * slash that is not a device node's.
 */
static bool is_file(const char *argument)
{
	static const char end[] = ".json";
	size_t len = strlen(argument);

	if (!strncmp(argument, "net:", 4) || !strncmp(argument, "group:", 6))
		return false;
	return (len >= sizeof(end) && !strcmp(argument + len - strlen(end), end)) ||
	       (strchr(argument, '/') && strncmp(argument, "/dev/", 5) != 0);
}

/* The devices that were named when it was saved. */
static int take_saved(struct plan_wish *wish, struct error *err)
{
	const struct plan_saved *saved = wish->saved;

	wish->options = saved->options;
	wish->addresses = calloc(saved->count + 1, sizeof(*wish->addresses));
	if (!wish->addresses)
		return error_oom(err);
	for (size_t i = 0; i < saved->count; i++)
		if (saved->members[i].named)
			wish->addresses[wish->count++] = saved->members[i].address;
	return 0;
}

static bool has_options(const struct plan_wish *wish)
{
	struct plan_options options = wish->options;

	return options.headless || options.adopt || options.by_id || wish->trial ||
	       wish->all_matching || wish->n_pages || wish->gvt;
}

static int read_saved(const struct cli *cli, const char *path, struct plan_wish *wish,
		      struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (has_options(wish))
		return error_usage(err, path, "a saved plan has its own options");
	wish->saved = calloc(1, sizeof(*wish->saved));
	if (!wish->saved)
		return error_oom(err);
	r = file_read(path, PLAN_SAVED_MAX, &text, &len, err);
	if (r == 0)
		r = plan_saved_parse(text, len, path, wish->saved, err);
	if (r == 0)
		r = take_saved(wish, err);
	return r < 0 ? r : cli_open_host(cli, &wish->host, err);
}

static int refuse_file(enum plan_command command, const char *path, struct error *err)
{
	error_usage(err, path,
		    command == PLAN_COMMAND ? "a saved plan is not planned again"
					    : "a saved plan stands alone");
	error_hint(err, "pciferry apply --dry-run FILE shows what it would do");
	return -EINVAL;
}

/* Everything was decided when the change was begun. */
static int check_resume(const struct plan_wish *wish, int argc, struct error *err)
{
	if (argc)
		return error_usage(err, "--resume", "it takes no DEVICE");
	if (wish->dry_run)
		return error_usage(err, "--resume", "it cannot be used with --dry-run");
	return 0;
}

int plan_wish_read(struct cli *cli, enum plan_command command, int argc, char **argv,
		   struct plan_wish *wish, struct error *err)
{
	struct take_options take = TAKE_OPTIONS_INIT;
	int r = parse(cli, command, argc, argv, wish, err);

	if (r == 0 && wish->trial && wish->output)
		r = error_usage(err, "--trial", "a trial is of one host, and not saved");
	if (r == 0 && wish->n_pages && wish->output)
		r = error_usage(err, "--hugepages",
				"how much memory there is at a node is one host's, and"
				" not saved");
	if (r == 0 && wish->gvt && (wish->trial || wish->output))
		r = error_usage(err, "--gvt", "it cannot be used with %s",
				wish->trial ? "--trial" : "--output");
	for (size_t i = 0; r == 0 && wish->trial && i < wish->n_pages; i++)
		if (!wish->pages[i].kib)
			r = error_usage(err, "--hugepages",
					"a trial leaves all else as it is, so it takes"
					" no line out");
	if (r == 0 && wish->options.by_id && (wish->trial || wish->options.adopt))
		r = error_usage(err, "--by-id", "it cannot be used with %s",
				wish->trial ? "--trial" : "--adopt");
	if (r == 0 && wish->trial && wish->options.adopt)
		r = error_usage(err, "--adopt",
				"a trial leaves all else as it is, so it takes nothing"
				" over");
	if (r == 0 && wish->resume)
		return check_resume(wish, argc - optind, err);
	if (r < 0)
		return r;
	argc -= optind;
	argv += optind;
	for (int i = 0; i < argc; i++)
		if (is_file(argv[i]))
			return command == PLAN_COMMAND || argc > 1
				       ? refuse_file(command, argv[i], err)
				       : read_saved(cli, argv[i], wish, err);
	if (!argc) {
		wish->options.from_tab = !wish->n_pages && !wish->gvt;
		return cli_open_host(cli, &wish->host, err);
	}
	take.all_matching = wish->all_matching;
	return take_select(cli, &take, argc, argv, &wish->host, &wish->addresses,
			   &wish->count, err);
}

int plan_wish_make(const struct plan_wish *wish, struct plan *ret_plan, struct error *err)
{
	struct plan_request request = { .addresses = wish->addresses,
					.count = wish->count,
					.pages = wish->pages,
					.n_pages = wish->n_pages,
					.gvt = wish->gvt,
					.options = wish->options,
					.trial = wish->trial,
					.saved = wish->saved };

	return plan_make(wish->host, &request, ret_plan, err);
}
