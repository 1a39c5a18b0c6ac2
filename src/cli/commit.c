/* SPDX-License-Identifier: GPL-2.0-or-later */
/* commit: what was tried for one boot becomes what every boot does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/tab.h"
#include "cli/cli.h"
#include "cli/edits.h"
#include "cli/foreseen.h"
#include "cli/json.h"
#include "cli/output.h"
#include "plan/plan.h"
#include "plan/trial.h"
#include "plan/verify.h"

/* What the unit that reboots looks for. */
static const char over[] = "run/pciferry/trial-over";

static void refuse(bool *refused, struct error *err)
{
	if (!*refused)
		error_refuse(err, "",
			     "the trial did not do what it was to do: nothing was made"
			     " permanent");
	*refused = true;
}

/* It is made permanent only where it has done what it was to do. */
static int check_holds(const struct plan_verification *verification, struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < verification->count; i++) {
		const struct plan_expected *expected = &verification->items[i];
		char address[PCI_ADDRESS_SIZE];

		if (expected->holds)
			continue;
		refuse(&refused, err);
		error_evidence(err, "%s: %s, not %s: %s",
			       pci_address_format(&expected->address, address),
			       expected->driver[0] ? expected->driver : "no driver",
			       expected->wanted, expected->why);
	}
	for (size_t i = 0; i < verification->n_pages; i++) {
		const struct plan_expected_pages *expected = &verification->pages[i];
		char text[VM_RESERVE_TEXT_SIZE];

		if (expected->holds || !expected->is_tried)
			continue;
		refuse(&refused, err);
		error_evidence(err, "node %u: %lld of %s: %s", expected->wanted.node,
			       expected->count,
			       vm_reserve_text(expected->wanted.count,
					       expected->wanted.kib, text),
			       expected->why);
	}
	if (!refused)
		return 0;
	error_hint(err, "reboot: the next boot is the old one");
	return -EPERM;
}

static int plan_again(const struct host *host,
		      const struct plan_verification *verification, struct plan *ret_plan,
		      struct error *err)
{
	_cleanup_free_ struct pci_address *addresses = NULL;
	_cleanup_free_ struct plan_pages *pages = NULL;
	/* Whoever tried it has seen that the host does without. */
	struct plan_request request = { .count = verification->count,
					.options.headless = true };
	int r;

	addresses = calloc(verification->count + 1, sizeof(*addresses));
	pages = calloc(verification->n_pages + 1, sizeof(*pages));
	if (!addresses || !pages)
		return error_oom(err);
	for (size_t i = 0; i < verification->count; i++)
		addresses[i] = verification->items[i].address;
	for (size_t i = 0; i < verification->n_pages; i++) {
		const struct vm_reserve *one = &verification->pages[i].wanted;

		if (!verification->pages[i].is_tried)
			continue;
		pages[request.n_pages++] = (struct plan_pages){
			.kib = (unsigned long long)one->count * one->kib,
			.page_kib = one->kib,
			.has_node = true,
			.node = one->node,
		};
	}
	request.addresses = addresses;
	request.pages = pages;
	r = plan_make(host, &request, ret_plan, err);
	if (r == 0 && ret_plan->instructions.count)
		r = edits_refuse_by_hand(ret_plan, err);
	return r;
}

/* The trial goes, then what it tried is made; in this order the images that are made have
 * nothing of the trial in them. Killed between the two, the next boot is the old one. */
static int make_permanent(const struct cli *cli, const struct host *host,
			  struct change *change, unsigned int trial,
			  const struct plan_verification *verification,
			  struct plan *ret_plan, unsigned int *ret_id, struct error *err)
{
	_cleanup_(plan_free) struct plan before = { 0 };
	struct change_watcher watcher = edits_watcher(cli);
	int r = plan_again(host, verification, &before, err);

	if (r == 0)
		r = change_undo(change, trial, &watcher, err);
	if (r == 0)
		r = plan_again(host, verification, ret_plan, err);
	if (r == 0)
		r = edits_apply_plan(cli, change, ret_plan, ret_id, err);
	return r;
}

static int say_done(const struct cli *cli, unsigned int trial, const struct plan *plan,
		    unsigned int id)
{
	if (cli->json) {
		struct json_object *root = json_root("commit");

		json_add_number(root, "trial", FACT_KNOWN, trial);
		json_add_number(root, "change", id ? FACT_KNOWN : FACT_ABSENT, id);
		return output_json(root);
	}
	output_line("Trial %u is over: it no longer reboots by itself.", trial);
	if (!id) {
		output_line("What it tried was so already.");
		return 0;
	}
	output_line("It is permanent as change %u; pciferry undo %u takes it back.", id,
		    id);
	foreseen_print(&plan->predictions);
	return 0;
}

static int run_commit(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option own[] = { { 0 } };
	_cleanup_(plan_verification_free) struct plan_verification verification = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	_cleanup_(plan_free) struct plan plan = { 0 };
	struct change *change;
	unsigned int trial, pending, id = 0;
	int r = cli_next_option(cli, argc, argv, own, err);

	if (r != -1)
		return r;
	if (optind < argc)
		return error_usage(err, argv[optind], "commit takes no argument");
	r = cli_open_host(cli, &host, err);
	if (r < 0)
		return r;
	if (!plan_trial_now(host, &trial)) {
		error_set(err, ENOENT, "", "this boot is no trial");
		if (plan_trial_pending(host, &pending))
			error_hint(err,
				   "trial %u was made: pciferry undo %u takes it out,"
				   " and apply --trial makes another one",
				   pending, pending);
		else
			error_hint(err, "pciferry apply --trial DEVICE makes one");
		return -ENOENT;
	}
	r = edits_begin(cli, host, &change, err);
	if (r < 0)
		return r;
	r = change_refuse_interrupted(change, err);
	if (r == 0)
		r = plan_verify(host, &verification, err);
	if (r == 0)
		r = check_holds(&verification, err);
	/* Whoever says this has a way in: a reboot in the midst of it helps nobody. */
	if (r == 0)
		r = change_create_file(host, over, "", 0, err);
	if (r == 0 || r == -EEXIST)
		r = make_permanent(cli, host, change, trial, &verification, &plan, &id,
				   err);
	change_end(change);
	if (r < 0)
		return r;
	if (id)
		foreseen_look_again(host, &plan);
	r = say_done(cli, trial, &plan, id);
	return r < 0 ? r : foreseen_tell_failures(&plan, id);
}

const struct cli_command cli_commit = {
	.name = "commit",
	.arguments = "",
	.summary = "make the trial that this boot is permanent",
	.options = "Only where each device is as it was to be. Without it the machine\n"
		   "reboots ten minutes after the trial began, into what was before.\n",
	.run = run_commit,
};
