/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/check.h"
#include "cli/cli.h"
#include "cli/findings.h"
#include "cli/json.h"
#include "cli/output.h"

struct check_options {
	bool list;
	bool boot;		       /* slow ones as well */
	struct string_list only, skip; /* ids */
};

static void options_free(struct check_options *options)
{
	string_list_free(&options->only);
	string_list_free(&options->skip);
}

static bool is_named(const struct string_list *names, const struct check *check)
{
	return string_list_has(names, check->id) || string_list_has(names, check->area);
}

static bool is_wanted(const struct check *check, void *argument)
{
	const struct check_options *options = argument;

	if (is_named(&options->skip, check))
		return false;
	if (options->only.count && !is_named(&options->only, check))
		return false;
	return !check->is_slow || options->boot ||
	       string_list_has(&options->only, check->id);
}

static bool is_name(const char *name)
{
	const struct check *check;

	for (size_t i = 0; (check = check_at(i)); i++)
		if (!strcmp(check->id, name) || !strcmp(check->area, name))
			return true;
	return false;
}

/* "iommu,kvm-module": ids of checks, or areas. */
static int take_names(const char *option, const char *text, struct string_list *names,
		      struct error *err)
{
	for (;;) {
		size_t len = strcspn(text, ",");

		if (string_list_addf(names, "%.*s", (int)len, text) < 0)
			return error_oom(err);
		if (!is_name(names->items[names->count - 1])) {
			error_usage(err, option, "%s is no check",
				    names->items[names->count - 1]);
			error_hint(err, "pciferry check --list shows them");
			return -EINVAL;
		}
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

static int parse_options(struct cli *cli, int argc, char **argv,
			 struct check_options *options, struct error *err)
{
	static const struct option own[] = {
		{ "boot", no_argument, NULL, 'b' },
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ "skip", required_argument, NULL, 's' },
		{ 0 },
	};
	int value, r = 0;

	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		if (value == 'l')
			options->list = true;
		else if (value == 'b')
			options->boot = true;
		else if (value == 'o')
			r = take_names("--only", optarg, &options->only, err);
		else
			r = take_names("--skip", optarg, &options->skip, err);
	}
	return r;
}

static int list_checks(const struct cli *cli, struct error *err)
{
	struct json_object *root = cli->json ? json_root("check") : NULL;
	struct json_object *array = cli->json ? json_object_new_array() : NULL;
	const struct check *check;

	if (cli->json && (!root || !array)) {
		json_object_put(root);
		json_object_put(array);
		return error_oom(err);
	}
	for (size_t i = 0; (check = check_at(i)); i++) {
		if (cli->json) {
			json_object_array_add(array, json_check(check));
			continue;
		}
		if (!i || strcmp(check_at(i - 1)->area, check->area) != 0)
			output_line("%s%s", check->area,
				    check->per_device ? ", of each DEVICE named" : "");
		output_line("  %-20s %s%s", check->id, check->meaning,
			    check->is_slow ? " (with --boot)" : "");
	}
	if (!cli->json)
		return 0;
	json_object_object_add(root, "checks", array);
	return output_json(root);
}

static int check_and_print(const struct cli *cli, struct check_options *options,
			   struct cli_view *view, int argc, char **argv,
			   struct error *err)
{
	_cleanup_(check_findings_free) struct check_findings findings = { 0 };
	_cleanup_free_ struct pci_device **devices = NULL;
	struct check_request request = {
		.devices = &view->devices,
		.groups = &view->groups,
		.wanted = is_wanted,
		.argument = options,
	};
	int r = 0;

	for (int i = 0; r == 0 && i < argc; i++) {
		bool several;

		r = cli_select(view, argv[i], &devices, &request.n_named, &several, err);
	}
	if (r < 0)
		return r;
	request.named = devices;
	r = check_host(view->host, &request, &findings, err);
	if (r < 0)
		return r;
	if (cli->json)
		r = findings_print_json("check", &findings, err);
	else
		findings_print(cli, &findings);
	if (r == 0 && !cli->json && !cli->quiet && host_is_live(view->host) &&
	    geteuid() != 0 && findings_count(&findings, CHECK_UNKNOWN))
		output_talk("Root can see more: sudo pciferry check");
	if (r < 0)
		return r;
	return findings_count(&findings, CHECK_FAIL) ? CLI_FAILED : CLI_DONE;
}

static int run_check(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(options_free) struct check_options options = { 0 };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	int r = parse_options(cli, argc, argv, &options, err);

	if (r == 0 && options.list)
		return list_checks(cli, err);
	if (r == 0)
		r = cli_view_open(cli, &view, 0, err);
	if (r < 0)
		return r;
	return check_and_print(cli, &options, &view, argc - optind, argv + optind, err);
}

const struct cli_command cli_check = {
	.name = "check",
	.arguments = "[OPTION...] [DEVICE...]",
	.summary = "is this host ready, and if not, what exactly to do",
	.options =
		"  --boot           look into the initramfs images as well\n"
		"  --list           every check and what it looks at\n"
		"  --only ID,...    these checks, or those of an area\n"
		"  --skip ID,...    not these\n"
		"\n"
		"PASS, INFO, WARN, FAIL, or UNKNOWN where it could not be seen; --verbose\n"
		"tells what passed, too. Exit status 1 when a check fails.\n",
	.run = run_check,
};
