/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/foreseen.h"
#include "cli/json.h"
#include "cli/mdev_boot.h"
#include "cli/output.h"
#include "cli/pages.h"
#include "cli/within.h"
#include "plan/trial.h"
#include "plan/verify.h"

enum { OPTION_WAIT = 1, OPTION_ROOT, OPTION_NEXT, OPTION_KERNEL };

static struct json_object *expected_json(const struct plan_expected *expected)
{
	struct json_object *object = json_object_new_object();

	json_add_address(object, "address", FACT_KNOWN, &expected->address);
	json_add_text(object, "expected", expected->wanted);
	json_add_text_or_null(object, "driver", expected->driver);
	json_add_boolean(object, "holds", FACT_KNOWN, expected->holds);
	json_add_text_or_null(object, "why", expected->why);
	json_add_boolean(object, "prediction_held", expected->foreseen.fact,
			 expected->came_true);
	json_add_text_or_null(object, "foreseen", expected->foreseen.driver);
	json_add_text(object, "settings", expected->settings);
	return object;
}

static struct json_object *functions_json(const struct plan_expected_functions *expected)
{
	struct json_object *object = json_object_new_object();

	json_add_address(object, "physical_function", FACT_KNOWN, &expected->physical);
	json_add_number(object, "expected_count", FACT_KNOWN, expected->wanted);
	json_add_number(object, "count", FACT_KNOWN, expected->count);
	json_add_text_or_null(object, "expected", expected->driver);
	json_add_boolean(object, "holds", FACT_KNOWN, expected->holds);
	json_add_text_or_null(object, "why", expected->why);
	return object;
}

static int print_json(const struct plan_verification *verification, struct error *err)
{
	struct json_object *root = json_root("verify");
	struct json_object *devices = json_object_new_array();
	struct json_object *functions = json_object_new_array();
	struct json_object *bad = json_object_new_array();

	if (!root || !devices || !functions || !bad) {
		json_object_put(root);
		json_object_put(devices);
		json_object_put(functions);
		json_object_put(bad);
		return error_oom(err);
	}
	for (size_t i = 0; i < verification->count; i++)
		json_object_array_add(devices, expected_json(&verification->items[i]));
	for (size_t i = 0; i < verification->n_functions; i++)
		json_object_array_add(functions,
				      functions_json(&verification->functions[i]));
	for (size_t i = 0; i < verification->bad.count; i++)
		json_object_array_add(bad, output_json_text(verification->bad.items[i]));
	if (verification->slices_bad)
		json_object_array_add(bad, output_json_text(verification->slices_bad));
	json_object_object_add(root, "devices", devices);
	json_object_object_add(root, "virtual_functions", functions);
	json_object_object_add(root, "huge_pages", pages_expected_json(verification));
	json_object_object_add(root, "slices", mdev_boot_json(verification));
	json_object_object_add(root, "bad_lines", bad);
	return output_json(root);
}

/* What was foreseen before the boot, and whether it came true. */
static void print_foreseen(const struct plan_expected *expected)
{
	const char *got = expected->driver[0] ? expected->driver : "no driver";
	const struct plan_foreseen *foreseen = &expected->foreseen;

	if (foreseen->fact == FACT_UNREADABLE)
		output_line("  what it would get could not be foreseen");
	else if (foreseen->fact == FACT_KNOWN && expected->came_true)
		output_line("  the prediction held");
	else if (foreseen->fact == FACT_KNOWN)
		output_line("  foreseen %s, got %s",
			    foreseen->driver[0] ? foreseen->driver : "no driver", got);
}

static void print_expected(const struct plan_expected *expected)
{
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&expected->address, address);
	if (expected->holds) {
		output_line("%s  %s%s%s", address, expected->driver,
			    expected->settings ? "  " : "",
			    expected->settings ? expected->settings : "");
		print_foreseen(expected);
		return;
	}
	if (!strcmp(expected->driver, expected->wanted))
		output_line("%s  %s, and yet", address, expected->driver);
	else
		output_line("%s  %s, not %s", address,
			    expected->driver[0] ? expected->driver : "no driver",
			    expected->wanted);
	output_line("  %s", expected->why);
	print_foreseen(expected);
}

static void print_functions(const struct plan_expected_functions *expected)
{
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&expected->physical, address);
	if (expected->holds) {
		output_line("%s  %u virtual functions%s%s", address, expected->count,
			    expected->driver[0] ? ", each on " : "", expected->driver);
		return;
	}
	output_line("%s  %u virtual functions, of %u", address, expected->count,
		    expected->wanted);
	output_line("  %s", expected->why);
}

/* What the tab wants. */
static bool tab_holds(const struct plan_verification *verification)
{
	bool all = !verification->bad.count;

	for (size_t i = 0; i < verification->count; i++)
		all &= verification->items[i].holds;
	for (size_t i = 0; i < verification->n_functions; i++)
		all &= verification->functions[i].holds;
	for (size_t i = 0; i < verification->n_pages; i++)
		all &= verification->pages[i].holds;
	return all;
}

static bool all_hold(const struct plan_verification *verification)
{
	bool all = tab_holds(verification) && !verification->slices_bad;

	for (size_t i = 0; i < verification->n_slices; i++)
		all &= verification->slices[i].holds;
	return all;
}

/* bind --tab has waited for the parents of slices: of those only mdevctl makes more. */
static bool is_enough(const struct plan_verification *verification, void *argument)
{
	bool enough = tab_holds(verification);

	(void)argument;
	for (size_t i = 0; i < verification->n_slices; i++)
		enough &= verification->slices[i].holds ||
			  !verification->slices[i].is_awaited;
	return enough;
}

static void tell_trial(const struct host *host)
{
	unsigned int trial;

	if (plan_trial_now(host, &trial))
		output_line("This boot is trial %u: pciferry commit makes it permanent;"
			    " else it reboots %d minutes after its start.",
			    trial, PLAN_TRIAL_MINUTES);
	else if (plan_trial_pending(host, &trial))
		output_line("Trial %u is not over, and this boot is not its own: pciferry"
			    " undo %u takes it out.",
			    trial, trial);
}

/* After the boot. */
static int verify_boot(const struct cli *cli, const struct host *host,
		       unsigned int seconds, struct error *err)
{
	_cleanup_(plan_verification_free) struct plan_verification verification = { 0 };
	bool all;
	int r = within_verify(host, seconds, is_enough, NULL, &verification, err);

	if (r < 0)
		return r;
	all = all_hold(&verification);
	if (cli->json) {
		r = print_json(&verification, err);
		return r < 0 ? r : all ? CLI_DONE : CLI_FAILED;
	}
	for (size_t i = 0; i < verification.count; i++)
		print_expected(&verification.items[i]);
	for (size_t i = 0; i < verification.n_functions; i++)
		print_functions(&verification.functions[i]);
	for (size_t i = 0; i < verification.n_pages; i++)
		pages_print_expected(&verification.pages[i]);
	for (size_t i = 0; i < verification.n_slices; i++)
		mdev_boot_print(&verification.slices[i]);
	for (size_t i = 0; i < verification.bad.count; i++)
		output_line("/etc/pciferry.tab: %s", verification.bad.items[i]);
	if (verification.slices_bad)
		output_line("%s", verification.slices_bad);
	tell_trial(host);
	return all ? CLI_DONE : CLI_FAILED;
}

static int print_next(const struct plan_predictions *predictions, struct error *err)
{
	struct json_object *root = json_root("verify");
	struct json_object *array = foreseen_json(predictions);

	if (!root || !array) {
		json_object_put(root);
		json_object_put(array);
		return error_oom(err);
	}
	json_object_object_add(root, "predictions", array);
	json_object_object_add(root, "page_predictions", pages_next_json(predictions));
	return output_json(root);
}

/* Before it. What cannot be told is no failure. */
static int verify_next(const struct cli *cli, const struct host *host,
		       const char *release, struct error *err)
{
	_cleanup_(plan_predictions_free) struct plan_predictions predictions = { 0 };
	bool all = true;
	int r = plan_foresee_tab(host, release, &predictions, err);

	if (r == 0 && cli->json)
		r = print_next(&predictions, err);
	if (r < 0)
		return r;
	if (!cli->json && !predictions.count && !predictions.n_pages)
		output_line(
			"Next boot: /etc/pciferry.tab names no device that is there.");
	else if (!cli->json)
		foreseen_print(&predictions);
	for (size_t i = 0; i < predictions.count; i++)
		all &= !plan_prediction_fails(&predictions.items[i]);
	all &= pages_will_be(&predictions);
	return all ? CLI_DONE : CLI_FAILED;
}

/* What was asked for. */
struct verify_wish {
	bool next;
	const char *release; /* NULL: all kernels */
	unsigned int seconds;
};

static int parse(struct cli *cli, int argc, char **argv, struct verify_wish *wish,
		 struct error *err)
{
	static const struct option own[] = {
		{ "wait", optional_argument, NULL, OPTION_WAIT },
		{ "root", required_argument, NULL, OPTION_ROOT },
		{ "next", no_argument, NULL, OPTION_NEXT },
		{ "kernel", required_argument, NULL, OPTION_KERNEL },
		{ 0 },
	};
	int value, r = 0;

	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			r = value;
		else if (value == OPTION_WAIT)
			r = within_parse(optarg, &wish->seconds, err);
		else if (value == OPTION_ROOT)
			cli->root_path = optarg;
		else if (value == OPTION_NEXT)
			wish->next = true;
		else
			wish->release = optarg;
	}
	if (r < 0)
		return r;
	if (optind < argc)
		return error_usage(err, argv[optind], "verify takes no argument");
	if (wish->release && !wish->next)
		return error_usage(err, "--kernel", "it goes with --next");
	if (wish->seconds && wish->next)
		return error_usage(err, "--wait", "it does not go with --next");
	return 0;
}

static int run_verify(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(host_cleanup) struct host *host = NULL;
	struct verify_wish wish = { 0 };
	int r = parse(cli, argc, argv, &wish, err);

	if (r == 0)
		r = cli_open_host(cli, &host, err);
	if (r < 0)
		return r;
	return wish.next ? verify_next(cli, host, wish.release, err)
			 : verify_boot(cli, host, wish.seconds, err);
}

const struct cli_command cli_verify = {
	.name = "verify",
	.arguments = "[--wait[=SEC]] [--next [--kernel RELEASE]]",
	.summary = "after a reboot: is each device as /etc/pciferry.tab wants it",
	.options =
		"  --wait[=SEC]     look again for SEC seconds (30) until all is so; for a slice\n"
		"                   only where mdevctl may be about to make it\n"
		"  --next           before it: which driver will each have, and why\n"
		"  --kernel RELEASE of that kernel alone\n"
		"  --root DIR       the system that is mounted at DIR, and does not run\n"
		"\n"
		"The same of each slice that mdevctl starts at boot (pciferry mdev), but with\n"
		"--next. Exit status 1 when one is not, or will not be, with the reason.\n",
	.run = run_verify,
};
