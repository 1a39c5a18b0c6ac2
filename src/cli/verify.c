/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/output.h"
#include "plan/verify.h"

enum { OPTION_WAIT = 1 };
enum { DEFAULT_WAIT_S = 30, MAX_WAIT_S = 3600 };

static struct json_object *expected_json(const struct plan_expected *expected)
{
	struct json_object *object = json_object_new_object();

	json_add_address(object, "address", FACT_KNOWN, &expected->address);
	json_add_text(object, "expected", expected->wanted);
	json_add_text_or_null(object, "driver", expected->driver);
	json_add_boolean(object, "holds", FACT_KNOWN, expected->holds);
	json_add_text_or_null(object, "why", expected->why);
	return object;
}

static int print_json(const struct plan_verification *verification, struct error *err)
{
	struct json_object *root = json_root("verify");
	struct json_object *devices = json_object_new_array();
	struct json_object *bad = json_object_new_array();

	if (!root || !devices || !bad) {
		json_object_put(root);
		json_object_put(devices);
		json_object_put(bad);
		return error_oom(err);
	}
	for (size_t i = 0; i < verification->count; i++)
		json_object_array_add(devices, expected_json(&verification->items[i]));
	for (size_t i = 0; i < verification->bad.count; i++)
		json_object_array_add(bad, output_json_text(verification->bad.items[i]));
	json_object_object_add(root, "devices", devices);
	json_object_object_add(root, "bad_lines", bad);
	return output_json(root);
}

static void print_expected(const struct plan_expected *expected)
{
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&expected->address, address);
	if (expected->holds) {
		output_line("%s  %s", address, expected->driver);
		return;
	}
	output_line("%s  %s, not %s", address,
		    expected->driver[0] ? expected->driver : "no driver",
		    expected->wanted);
	output_line("  %s", expected->why);
}

static bool all_hold(const struct plan_verification *verification)
{
	bool all = !verification->bad.count;

	for (size_t i = 0; i < verification->count; i++)
		all &= verification->items[i].holds;
	return all;
}

/* Looks again until all holds or the time is over: at boot, devices still come. */
static int verify_within(const struct host *host, unsigned int seconds,
			 struct plan_verification *verification, struct error *err)
{
	enum { EVERY_MS = 250 };
	const struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };
	unsigned int left = seconds * 1000 / EVERY_MS;
	int r;

	for (;;) {
		r = plan_verify(host, verification, err);
		if (r < 0 || all_hold(verification) || verification->disarmed || !left--)
			return r;
		plan_verification_free(verification);
		nanosleep(&pause, NULL);
	}
}

static int parse_wait(const char *text, unsigned int *ret_seconds, struct error *err)
{
	uint64_t seconds = DEFAULT_WAIT_S;

	if (text && text_parse_number(text, MAX_WAIT_S, &seconds) < 0)
		return error_usage(err, "--wait", "%s is no number of seconds up to %d",
				   text, MAX_WAIT_S);
	*ret_seconds = (unsigned int)seconds;
	return 0;
}

static int run_verify(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option own[] = {
		{ "wait", optional_argument, NULL, OPTION_WAIT }, { 0 }
	};
	_cleanup_(plan_verification_free) struct plan_verification verification = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	unsigned int seconds = 0;
	bool all;
	int value, r = 0;

	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1)
		r = value < 0 ? value : parse_wait(optarg, &seconds, err);
	if (r < 0)
		return r;
	if (optind < argc)
		return error_usage(err, argv[optind], "verify takes no argument");
	r = cli_open_host(cli, &host, err);
	if (r == 0)
		r = verify_within(host, seconds, &verification, err);
	if (r < 0)
		return r;
	all = all_hold(&verification);
	if (cli->json) {
		r = print_json(&verification, err);
		return r < 0 ? r : all ? CLI_DONE : CLI_FAILED;
	}
	for (size_t i = 0; i < verification.count; i++)
		print_expected(&verification.items[i]);
	for (size_t i = 0; i < verification.bad.count; i++)
		output_line("/etc/pciferry.tab: %s", verification.bad.items[i]);
	return all ? CLI_DONE : CLI_FAILED;
}

const struct cli_command cli_verify = {
	.name = "verify",
	.arguments = "[--wait[=SEC]]",
	.summary = "after a reboot: is each device as /etc/pciferry.tab wants it",
	.options = "  --wait[=SEC]     look again for SEC seconds (30) until all is so\n"
		   "\n"
		   "Exit status 1 when one is not, with the reason.\n",
	.run = run_verify,
};
