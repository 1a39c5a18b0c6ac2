/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply: what plan shows, done. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/edits.h"
#include "cli/foreseen.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "plan/trial.h"

static int carry_out(const struct cli *cli, const struct plan_wish *wish,
		     struct plan *ret_plan, unsigned int *ret_id, struct error *err)
{
	struct change *change;
	int r = edits_begin(cli, wish->host, &change, err);

	if (r < 0)
		return r;
	/* Of files that are half of one change no plan is made. */
	r = change_refuse_interrupted(change, err);
	if (r == 0)
		r = plan_refuse_pending(wish->host, err);
	/* Made only now, with the lock held: the host may have changed since. */
	if (r == 0)
		r = plan_wish_make(wish, ret_plan, err);
	if (r == 0 && ret_plan->instructions.count)
		r = edits_refuse_by_hand(ret_plan, err);
	if (r == 0)
		r = edits_apply_plan(cli, change, ret_plan, ret_id, err);
	change_end(change);
	return r;
}

/* What was interrupted, as a plan of which all is done. */
static int resume(const struct cli *cli, struct plan_wish *wish, struct plan *ret_plan,
		  unsigned int *ret_id, struct error *err)
{
	_cleanup_(change_record_free) struct change_record record = { 0 };
	int r = edits_resume(cli, &wish->host, &record, err);

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

/* The kernel keeps those that it has until somebody tells it otherwise. */
static void say_pages(const struct plan *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->n_pages; i++)
		any |= plan->pages[i].count > 0;
	if (any)
		output_line("pciferry bind --tab reserves the huge pages now.");
	else if (plan->n_pages)
		output_line("Huge pages that are reserved now stay so until then.");
}

static void say_made(const struct plan *plan, unsigned int id, bool works)
{
	if (!plan->trial) {
		output_line("Change %u is made%s.", id,
			    works ? ": it takes effect at the next boot" : "");
		say_pages(plan);
		output_line("pciferry undo %u takes it back.", id);
		return;
	}
	output_line("Trial %u is made: the next boot, and that one alone, goes by it.",
		    id);
	output_line("Reboot, look whether all is well, and say pciferry commit within %d"
		    " minutes;",
		    PLAN_TRIAL_MINUTES);
	output_line("without that the machine reboots by itself, into what it is now.");
}

static int tell_end(const struct cli *cli, const struct plan *plan, unsigned int id)
{
	if (!cli->json) {
		say_made(plan, id, !foreseen_failures(plan));
		foreseen_print(&plan->predictions);
	}
	return foreseen_tell_failures(plan, id);
}

static int run(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(plan_wish_free) struct plan_wish wish = { 0 };
	_cleanup_(plan_free) struct plan plan = { 0 };
	unsigned int id = 0;
	int r = plan_wish_read(cli, APPLY_COMMAND, argc, argv, &wish, err);

	if (r == 0 && wish.resume) {
		r = resume(cli, &wish, &plan, &id, err);
	} else if (r == 0 && wish.dry_run) {
		cli_tell_interrupted(cli, wish.host);
		r = plan_wish_make(&wish, &plan, err);
	} else if (r == 0)
		r = carry_out(cli, &wish, &plan, &id, err);
	if (r < 0)
		return r;
	if (id)
		foreseen_look_again(wish.host, &plan);
	if (cli->json) {
		r = plan_print_json("apply", &plan, id, err);
		return r < 0 || !id ? r : tell_end(cli, &plan, id);
	}
	if (wish.dry_run)
		return plan_print(&plan, err);
	if (id)
		return tell_end(cli, &plan, id);
	output_line("Nothing had to be changed.");
	return 0;
}

const struct cli_command cli_apply = {
	.name = "apply",
	.arguments = "[DEVICE...|FILE] [--headless] [--trial] [--dry-run]",
	.summary = "do that, so that it can be undone",
	.options =
		"  --dry-run        show the plan, change nothing\n"
		"  --resume         go on with the change that was cut off\n" PLAN_HELP
		"\n"
		"FILE is what pciferry plan -o FILE has saved: its name ends with .json\n"
		"or has a slash. The plan is made once more, and must come to the same.\n"
		"Without either, what /etc/pciferry.tab says is made true; with --hugepages\n"
		"they alone are reserved, from the next boot on.\n",
	.mends = true,
	.run = run,
};
