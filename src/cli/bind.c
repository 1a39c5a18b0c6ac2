/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/bind_tab.h"
#include "cli/cli.h"
#include "cli/display.h"
#include "cli/edits.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "cli/take.h"
#include "cli/within.h"

enum {
	OPTION_DRIVER = 1,
	OPTION_TIMEOUT,
	OPTION_ALL_MATCHING,
	OPTION_DRY_RUN,
	OPTION_TAB,
	OPTION_FORCE,
	OPTION_USER,
	OPTION_WAIT,
	OPTION_SET,
	OPTION_PERSIST,
	OPTION_STOP_DISPLAY
};

struct bind_options {
	struct take_options take;
	bool tab;
	unsigned int seconds; /* that --tab waits for drivers */
	bool persist;	      /* the settings */
};

static void free_options(struct bind_options *options)
{
	free(options->take.forced);
	free(options->take.settings);
}

static int parse(struct cli *cli, int argc, char **argv, const struct option *own,
		 struct bind_options *options, struct error *err)
{
	struct take_options *take = &options->take;
	int value, r = 0;

	*take = (struct take_options)TAKE_OPTIONS_INIT;
	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value == OPTION_DRIVER)
			take->driver = optarg;
		else if (value == OPTION_USER)
			r = take_parse_user(optarg, take, err);
		else if (value == OPTION_FORCE)
			r = take_parse_forced(optarg, take, err);
		else if (value == OPTION_TIMEOUT)
			r = take_parse_timeout(optarg, take, err);
		else if (value == OPTION_ALL_MATCHING)
			take->all_matching = true;
		else if (value == OPTION_DRY_RUN)
			take->dry_run = true;
		else if (value == OPTION_TAB)
			options->tab = true;
		else if (value == OPTION_SET)
			r = take_parse_setting(optarg, take, err);
		else if (value == OPTION_STOP_DISPLAY)
			take->stop_display = true;
		else if (value == OPTION_PERSIST)
			options->persist = true;
		else if (value == OPTION_WAIT)
			r = within_parse(optarg, &options->seconds, err);
		else
			r = value;
	}
	return r;
}

/* The driver a device has now, whatever the plan was. */
static const char *driver_now(const struct host *host, const struct bind_member *member,
			      char *buffer, size_t size)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	enum fact fact;

	pci_attribute_path(&member->address, "driver", path);
	fact = host_link_name(host, path, buffer, size);
	return fact == FACT_KNOWN ? buffer : fact == FACT_ABSENT ? "no driver" : "?";
}

/* What nobody could give back, and what has begun again without it. */
static int print_gone(const struct bind_plan *plan, struct json_object *root)
{
	struct json_object *array = root ? json_object_new_array() : NULL;

	for (size_t i = 0; i < plan->n_gone; i++) {
		const struct string_list *services = &plan->gone[i].picture.services;
		_cleanup_free_ char *begun = string_list_join(services, ", ");
		char address[PCI_ADDRESS_SIZE];

		if (!begun)
			return -ENOMEM;
		pci_address_format(&plan->gone[i].address, address);
		if (root) {
			struct json_object *item = json_object_new_object();

			json_object_object_add(item, "address",
					       output_json_text(address));
			json_add_list(item, "begun", services);
			json_object_array_add(array, item);
		} else {
			output_line("%s: no longer there; %s%s%s", address,
				    *begun ? "begun again: " : "", begun,
				    *begun ? "" : "what was kept of it is forgotten");
		}
	}
	if (root)
		json_object_object_add(root, "gone", array);
	return 0;
}

static void print_member(const struct host *host, const struct bind_member *member,
			 const char *already, struct json_object *array)
{
	char address[PCI_ADDRESS_SIZE], driver[BIND_DRIVER_SIZE];
	const char *before = member->now.driver[0] ? member->now.driver : "no driver";
	const char *now = driver_now(host, member, driver, sizeof(driver));
	struct json_object *item = NULL;

	pci_address_format(&member->address, address);
	if (array) {
		item = json_object_new_object();
		json_object_object_add(item, "address", output_json_text(address));
		json_object_object_add(item, "iommu_group",
				       json_object_new_int64(member->group));
		json_object_object_add(item, "driver_before",
				       output_json_text(member->now.driver[0] ? before
									      : NULL));
		json_object_object_add(item, "driver",
				       output_json_text(strcmp(now, "no driver") ? now
										 : NULL));
		json_object_array_add(array, item);
	} else if (!strcmp(before, now)) {
		output_line("%s: %s (group %u), %s", address, now, member->group,
			    already);
	} else {
		output_line("%s: %s, was %s (group %u)", address, now, before,
			    member->group);
	}
	settings_print(member, item);
}

static int print_result(const struct cli *cli, const struct host *host,
			const struct bind_plan *plan, const char *already,
			const struct string_list *slices, unsigned int change)
{
	struct json_object *root = NULL, *array = NULL, *ended = NULL;

	if (cli->json) {
		root = json_root(cli->command->name);
		array = json_object_new_array();
		ended = json_object_new_array();
	}
	for (size_t i = 0; i < plan->count; i++) {
		print_member(host, &plan->members[i], already, array);
		if (!plan->gives_back)
			display_tell_ended(&plan->members[i], ended);
	}
	if (print_gone(plan, root) < 0)
		return -ENOMEM;
	if (!cli->json)
		return 0;
	json_object_object_add(root, "devices", array);
	json_add_list(root, "forced", &plan->overridden);
	json_object_object_add(root, "ended", ended);
	if (slices)
		json_add_list(root, "slices", slices);
	if (change)
		json_add_number(root, "change", FACT_KNOWN, change);
	return output_json(root);
}

static int run_tab(const struct cli *cli, int argc, char **argv,
		   const struct bind_options *parsed, struct error *err)
{
	const struct take_options *options = &parsed->take;
	_cleanup_(bind_plan_free) struct bind_plan done = { 0 };
	_cleanup_(string_list_free) struct string_list slices = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	int r, printed;

	if (optind < argc)
		return error_usage(err, argv[optind], "with --tab no DEVICE is named");
	if (options->user)
		return error_usage(err, "--user", "not with --tab: name the devices");
	if (options->settings || parsed->persist)
		return error_usage(err, options->settings ? "--set" : "--persist",
				   "not with --tab, whose set lines say it");
	if (options->n_forced)
		return error_usage(err, "--force",
				   "not with --tab: it is for one device,"
				   " whose use somebody has looked at");
	r = cli_open_host(cli, &host, err);
	if (r < 0)
		return r;
	r = bind_tab(cli, host, options, parsed->seconds, &done, &slices, err);
	if (options->dry_run || (!done.count && !cli->json))
		return r;
	printed = print_result(cli, host, &done, "already", &slices, 0);
	return r < 0 ? r : printed;
}

static int run_either(struct cli *cli, int argc, char **argv, const struct option *own,
		      enum take_direction direction, struct error *err)
{
	_cleanup_(free_options) struct bind_options parsed = { 0 };
	const struct take_options *options = &parsed.take;
	_cleanup_free_ struct pci_address *addresses = NULL;
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	unsigned int id = 0;
	size_t count;
	int r = parse(cli, argc, argv, own, &parsed, err);

	if (r < 0)
		return r;
	parsed.take.gives_back = direction == GIVE_BACK;
	if (parsed.tab)
		return run_tab(cli, argc, argv, &parsed, err);
	if (parsed.seconds)
		return error_usage(err, "--wait", "it goes with --tab");
	if (parsed.persist && !options->settings) {
		error_usage(err, "--persist", "it goes with --set");
		error_hint(err, "pciferry apply DEVICE hands it over at each boot");
		return -EINVAL;
	}
	if (options->user && !bind_is_for_vfio(options->driver))
		return error_usage(err, "--user", "%s has no groups to give to anybody",
				   options->driver);
	r = take_select(cli, options, argc - optind, argv + optind, &host, &addresses,
			&count, err);
	/* What stands in the way is told before anything is done. */
	if (r == 0 && parsed.persist)
		r = settings_keep(cli, host, options, addresses, count, true, &id, err);
	if (r == 0)
		r = take_carry_out(cli, host, options, addresses, count, direction, &plan,
				   err);
	if (r == 0 && options->dry_run) {
		r = take_print_steps(host, &plan, options, err);
		return r == 0 && parsed.persist
			       ? settings_print_edits(host, options, addresses, count,
						      err)
			       : r;
	}
	if (r == 0 && direction == TAKE && bind_is_for_vfio(options->driver))
		r = take_verify(host, &plan, err);
	if (r == 0 && parsed.persist)
		r = settings_keep(cli, host, options, addresses, count, false, &id, err);
	if (r < 0)
		return r;
	r = print_result(cli, host, &plan,
			 direction == TAKE ? "already" : "left as it is", NULL, id);
	if (r == 0 && parsed.persist && !cli->json)
		edits_tell_kept(id, "At each boot as well");
	return r;
}

static int run_bind(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option own[] = {
		{ "driver", required_argument, NULL, OPTION_DRIVER },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ "tab", no_argument, NULL, OPTION_TAB },
		{ "force", required_argument, NULL, OPTION_FORCE },
		{ "user", required_argument, NULL, OPTION_USER },
		{ "wait", optional_argument, NULL, OPTION_WAIT },
		{ "set", required_argument, NULL, OPTION_SET },
		{ "persist", no_argument, NULL, OPTION_PERSIST },
		{ "stop-display", no_argument, NULL, OPTION_STOP_DISPLAY },
		{ 0 },
	};

	return run_either(cli, argc, argv, own, TAKE, err);
}

static int run_release(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option own[] = {
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
		{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
		{ 0 },
	};

	return run_either(cli, argc, argv, own, GIVE_BACK, err);
}

#define COMMON_OPTIONS                                         \
	"  --dry-run        print the steps, change nothing\n" \
	"  --all-matching   IDs may mean several devices\n"    \
	"  --timeout SEC    give a step up after SEC seconds (30)\n"

const struct cli_command cli_bind = {
	.name = "bind",
	.arguments = "DEVICE... [--driver DRIVER] [--force ADDRESS] | --tab",
	.summary = "take devices from their drivers, whole groups, for a guest",
	.options =
		"  --driver DRIVER  bind to DRIVER (vfio-pci, or its variant for the device)\n"
		"  --force ADDRESS  that one goes although it is in use; no disk, no guest's\n"
		"  --stop-display   of graphics cards: stop the display manager, and what else\n"
		"                   shows a picture; release starts it again\n"
		"  --set NAME=VALUE of these devices, until their release: reset_method,\n"
		"                   d3cold_allowed, power_control, bar0 to bar5 (a size)\n"
		"  --persist        these settings at each boot, too\n"
		"  --user USER      who may open the groups, to run the guest without root\n"
		"  --tab            what /etc/pciferry.tab lists, and is not bound yet; and each\n"
		"                   slice that mdevctl starts at boot, also one stopped since\n"
		"  --wait[=SEC]     with --tab: for the drivers of vf lines, then as long for\n"
		"                   the parents of slices (30)\n" COMMON_OPTIONS,
	.run = run_bind,
};

const struct cli_command cli_release = {
	.name = "release",
	.arguments = "DEVICE... [--dry-run]",
	.summary = "give devices back to the drivers that they had",
	.options = COMMON_OPTIONS,
	.run = run_release,
};
