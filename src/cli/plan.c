/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan and apply: devices that are free at each boot. */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/edits.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/take.h"
#include "plan/plan.h"

enum {
	OPTION_ROOT = 1,
	OPTION_ALL_MATCHING,
	OPTION_HEADLESS,
	OPTION_DRY_RUN,
	OPTION_RESUME
};

struct plan_options {
	struct take_options take;
	bool headless;
	bool dry_run;
	bool resume;
};

static const struct option own[] = {
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
	{ "headless", no_argument, NULL, OPTION_HEADLESS },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "resume", no_argument, NULL, OPTION_RESUME },
	{ 0 },
};

static int parse(struct cli *cli, int argc, char **argv, struct plan_options *options,
		 struct error *err)
{
	int value;

	while ((value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		if (value == OPTION_ROOT)
			cli->root_path = optarg;
		else if (value == OPTION_ALL_MATCHING)
			options->take.all_matching = true;
		else if (value == OPTION_HEADLESS)
			options->headless = true;
		else if (value == OPTION_RESUME)
			options->resume = true;
		else
			options->dry_run = true;
	}
	return 0;
}

static void print_lines(const char *heading, const struct string_list *lines)
{
	if (lines->count)
		output_line("%s", heading);
	for (size_t i = 0; i < lines->count; i++)
		output_line("  %s", lines->items[i]);
}

static int print_plan(const struct plan *plan, struct error *err)
{
	output_line("At each boot, for a guest:");
	for (size_t i = 0; i < plan->count; i++) {
		char address[PCI_ADDRESS_SIZE];

		output_line("  %s%s",
			    pci_address_format(&plan->members[i].address, address),
			    plan->members[i].named ? "" : "  goes along: same group");
	}
	print_lines("This has to be done by hand first:", &plan->instructions);
	if (plan->edits.count)
		output_line("Changes:");
	else if (!plan->instructions.count)
		output_line("Nothing has to be changed.");
	for (size_t i = 0; i < plan->edits.count; i++)
		if (edits_print(&plan->edits.items[i], true) < 0)
			return error_oom(err);
	print_lines("The host will be without:", &plan->losses);
	print_lines("What may go wrong all the same:", &plan->risks);
	if (plan->edits.count)
		print_lines("Ways back:", &plan->returns);
	return 0;
}

static void add_list(struct json_object *root, const char *key,
		     const struct string_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, output_json_text(list->items[i]));
	json_object_object_add(root, key, array);
}

/* change: its number; 0: nothing was changed. */
static int print_json(const char *command, const struct plan *plan, unsigned int change,
		      struct error *err)
{
	struct json_object *root = json_root(command);
	struct json_object *devices = json_object_new_array();

	if (!root || !devices) {
		json_object_put(root);
		json_object_put(devices);
		return error_oom(err);
	}
	for (size_t i = 0; i < plan->count; i++) {
		struct json_object *device = json_object_new_object();

		json_add_address(device, "address", FACT_KNOWN,
				 &plan->members[i].address);
		json_add_boolean(device, "named", FACT_KNOWN, plan->members[i].named);
		json_object_array_add(devices, device);
	}
	json_object_object_add(root, "devices", devices);
	json_object_object_add(root, "edits", edits_json(&plan->edits));
	add_list(root, "instructions", &plan->instructions);
	add_list(root, "losses", &plan->losses);
	add_list(root, "risks", &plan->risks);
	add_list(root, "ways_back", &plan->returns);
	json_add_number(root, "change", change ? FACT_KNOWN : FACT_ABSENT, change);
	json_add_boolean(root, "reboot_required", FACT_KNOWN, plan->edits.count > 0);
	return output_json(root);
}

static int make(const struct host *host, const struct plan_options *options,
		const struct pci_address *addresses, size_t count, struct plan *ret_plan,
		struct error *err)
{
	struct plan_request request = { addresses, count, options->headless };

	return plan_make(host, &request, ret_plan, err);
}

static int run_plan(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct plan_options options = { .take = TAKE_OPTIONS_INIT };
	_cleanup_free_ struct pci_address *addresses = NULL;
	_cleanup_(host_cleanup) struct host *host = NULL;
	_cleanup_(plan_free) struct plan plan = { 0 };
	size_t count;
	int r = parse(cli, argc, argv, &options, err);

	if (r == 0)
		r = take_select(cli, &options.take, argc - optind, argv + optind, &host,
				&addresses, &count, err);
	if (r == 0)
		r = make(host, &options, addresses, count, &plan, err);
	if (r < 0)
		return r;
	return cli->json ? print_json("plan", &plan, 0, err) : print_plan(&plan, err);
}

/* "0000:01:00.0, 0000:05:00.0" */
static int name_members(const struct plan *plan, struct string_list *ret_subjects,
			char *title, size_t size)
{
	size_t len = (size_t)snprintf(title, size, "free at each boot:");

	for (size_t i = 0; i < plan->count; i++) {
		char address[PCI_ADDRESS_SIZE];

		pci_address_format(&plan->members[i].address, address);
		if (string_list_add(ret_subjects, address) < 0)
			return -ENOMEM;
		if (len < size)
			len += (size_t)snprintf(title + len, size - len, " %s", address);
	}
	return 0;
}

static int refuse_by_hand(const struct plan *plan, struct error *err)
{
	error_refuse(err, "",
		     "this boot loader's files are not safe to edit: nothing was"
		     " changed");
	for (size_t i = 0; i < plan->instructions.count; i++)
		error_evidence(err, "%s", plan->instructions.items[i]);
	error_hint(err, "do that by hand, and apply again");
	return -EPERM;
}

static int carry_out(const struct cli *cli, const struct host *host,
		     const struct plan_options *options,
		     const struct pci_address *addresses, size_t count,
		     struct plan *ret_plan, unsigned int *ret_id, struct error *err)
{
	_cleanup_(string_list_free) struct string_list subjects = { 0 };
	struct change_watcher watcher = edits_watcher(cli);
	struct change *change;
	char words[512];
	int r = edits_begin(cli, host, &change, err);

	if (r < 0)
		return r;
	/* Of files that are half of one change no plan is made. */
	r = change_refuse_interrupted(change, err);
	/* Made only now, with the lock held: the host may have changed since. */
	if (r == 0)
		r = make(host, options, addresses, count, ret_plan, err);
	if (r == 0 && ret_plan->instructions.count)
		r = refuse_by_hand(ret_plan, err);
	if (r == 0 && name_members(ret_plan, &subjects, words, sizeof(words)) < 0)
		r = error_oom(err);
	if (r == 0 && ret_plan->edits.count) {
		struct change_title title = { words, &subjects };

		r = change_apply(change, &title, &ret_plan->edits, &watcher, ret_id, err);
	}
	change_end(change);
	return r;
}

/* What was interrupted, as a plan of which all is done. */
static int resume(const struct cli *cli, int argc, bool dry_run, struct host **ret_host,
		  struct plan *ret_plan, unsigned int *ret_id, struct error *err)
{
	_cleanup_(change_record_free) struct change_record record = { 0 };
	int r;

	if (argc)
		return error_usage(err, "--resume", "it takes no DEVICE");
	if (dry_run)
		return error_usage(err, "--resume", "it cannot be used with --dry-run");
	r = edits_resume(cli, ret_host, &record, err);
	if (r < 0)
		return r;
	ret_plan->members = calloc(record.subjects.count + 1, sizeof(*ret_plan->members));
	if (!ret_plan->members || change_edits_move(&ret_plan->edits, &record.edits) < 0)
		return error_oom(err);
	for (size_t i = 0; i < record.subjects.count; i++) {
		struct plan_member *member = &ret_plan->members[ret_plan->count];

		member->named = true;
		ret_plan->count += pci_address_parse(record.subjects.items[i],
						     &member->address) == 0;
	}
	*ret_id = record.id;
	return 0;
}

static int run_apply(struct cli *cli, int argc, char **argv, struct error *err)
{
	struct plan_options options = { .take = TAKE_OPTIONS_INIT };
	_cleanup_free_ struct pci_address *addresses = NULL;
	_cleanup_(host_cleanup) struct host *host = NULL;
	_cleanup_(plan_free) struct plan plan = { 0 };
	unsigned int id = 0;
	size_t count;
	int r = parse(cli, argc, argv, &options, err);

	if (r == 0 && !options.resume)
		r = take_select(cli, &options.take, argc - optind, argv + optind, &host,
				&addresses, &count, err);
	if (r == 0 && options.resume) {
		r = resume(cli, argc - optind, options.dry_run, &host, &plan, &id, err);
	} else if (r == 0 && options.dry_run) {
		cli_tell_interrupted(cli, host);
		r = make(host, &options, addresses, count, &plan, err);
	} else if (r == 0)
		r = carry_out(cli, host, &options, addresses, count, &plan, &id, err);
	if (r < 0)
		return r;
	if (cli->json)
		return print_json("apply", &plan, id, err);
	if (options.dry_run)
		return print_plan(&plan, err);
	if (!id) {
		output_line("Nothing had to be changed.");
		return 0;
	}
	output_line("Change %u is made: it takes effect at the next boot.", id);
	output_line("pciferry undo %u takes it back.", id);
	return 0;
}

#define COMMON_OPTIONS                                            \
	"  --headless       the host may lose its only display\n" \
	"  --all-matching   IDs may mean several devices\n"       \
	"  --root DIR       the system that is mounted at DIR, and does not run\n"

const struct cli_command cli_plan = {
	.name = "plan",
	.arguments = "DEVICE... [--headless]",
	.summary = "what it takes for devices to be free at every boot",
	.options = COMMON_OPTIONS,
	.run = run_plan,
};

const struct cli_command cli_apply = {
	.name = "apply",
	.arguments = "DEVICE... [--headless] [--dry-run]",
	.summary = "do that, so that it can be undone",
	.options =
		"  --dry-run        show the plan, change nothing\n"
		"  --resume         go on with a change that was interrupted\n" COMMON_OPTIONS,
	.mends = true,
	.run = run_apply,
};
