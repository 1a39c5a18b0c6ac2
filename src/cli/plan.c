/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan: what it takes for devices to be free at each boot, shown, and saved. */
#include "cli/plan.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/edits.h"
#include "cli/file.h"
#include "cli/foreseen.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/pages.h"

static void print_lines(const char *heading, const struct string_list *lines)
{
	if (lines->count)
		output_line("%s", heading);
	for (size_t i = 0; i < lines->count; i++)
		output_line("  %s", lines->items[i]);
}

static void print_found(const struct plan *plan)
{
	if (plan->n_found)
		output_line("Found, set up by hand:");
	for (size_t i = 0; i < plan->n_found; i++) {
		const struct plan_found *found = &plan->found[i];

		output_line("  %s: %s: %s%s", found->place, found->text, found->meaning,
			    found->adopted	    ? ": taken over"
			    : found->can_be_adopted ? ": --adopt takes it over"
						    : "");
	}
}

int plan_print(const struct plan *plan, struct error *err)
{
	char graphics[PCI_ADDRESS_SIZE];

	output_line("At %s boot, for a guest:%s", plan->trial ? "the next" : "each",
		    plan->count || plan->n_pages || plan->gvt ? "" : " nothing");
	for (size_t i = 0; i < plan->count; i++) {
		char address[PCI_ADDRESS_SIZE];

		output_line("  %s%s",
			    pci_address_format(&plan->members[i].address, address),
			    plan->members[i].named ? "" : "  goes along: same group");
	}
	pages_print_plan(plan);
	if (plan->gvt)
		output_line("  slices of %s (GVT-g)",
			    pci_address_format(&plan->graphics, graphics));
	print_lines("No longer:", &plan->released);
	print_found(plan);
	print_lines("This has to be done by hand first:", &plan->instructions);
	if (plan->edits.count)
		output_line("Changes:");
	else if (!plan->instructions.count)
		output_line("Nothing has to be changed.");
	if (edits_print_all(&plan->edits, NULL, err) < 0)
		return -ENOMEM;
	foreseen_print(&plan->predictions);
	print_lines("The host will be without:", &plan->losses);
	print_lines("What may go wrong all the same:", &plan->risks);
	if (plan->edits.count)
		print_lines("Ways back:", &plan->returns);
	return 0;
}

static struct json_object *found_json(const struct plan *plan)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < plan->n_found; i++) {
		const struct plan_found *found = &plan->found[i];
		struct json_object *object = json_object_new_object();

		json_add_text(object, "place", found->place);
		json_add_text(object, "text", found->text);
		json_add_text(object, "meaning", found->meaning);
		json_add_list(object, "devices", &found->devices);
		json_add_list(object, "also", &found->also);
		json_add_boolean(object, "fights", FACT_KNOWN, found->fights);
		json_add_boolean(object, "can_be_adopted", FACT_KNOWN,
				 found->can_be_adopted);
		json_add_boolean(object, "adopted", FACT_KNOWN, found->adopted);
		json_object_array_add(array, object);
	}
	return array;
}

int plan_print_json(const char *command, const struct plan *plan, unsigned int change,
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
	json_add_address(root, "gvt", plan->gvt ? FACT_KNOWN : FACT_ABSENT,
			 &plan->graphics);
	json_object_object_add(root, "found", found_json(plan));
	json_object_object_add(root, "huge_pages", pages_plan_json(plan));
	json_add_list(root, "released", &plan->released);
	json_object_object_add(root, "edits", edits_json(&plan->edits));
	json_object_object_add(root, "predictions", foreseen_json(&plan->predictions));
	json_object_object_add(root, "page_predictions",
			       pages_next_json(&plan->predictions));
	json_add_list(root, "instructions", &plan->instructions);
	json_add_list(root, "losses", &plan->losses);
	json_add_list(root, "risks", &plan->risks);
	json_add_list(root, "ways_back", &plan->returns);
	json_add_number(root, "trial", plan->trial ? FACT_KNOWN : FACT_ABSENT,
			plan->trial);
	json_add_number(root, "change", change ? FACT_KNOWN : FACT_ABSENT, change);
	json_add_boolean(root, "reboot_required", FACT_KNOWN, plan->edits.count > 0);
	return output_json(root);
}

static int save(const struct plan_wish *wish, const struct plan *plan, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (plan->instructions.count)
		return edits_refuse_by_hand(plan, err);
	r = plan_saved_write(plan, &wish->options, &text, &len, err);
	return r < 0 ? r : file_write(wish->output, text, len, wish->force, false, err);
}

static int run(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(plan_wish_free) struct plan_wish wish = { 0 };
	_cleanup_(plan_free) struct plan plan = { 0 };
	int r = plan_wish_read(cli, PLAN_COMMAND, argc, argv, &wish, err);

	if (r == 0)
		r = plan_wish_make(&wish, &plan, err);
	if (r == 0 && wish.output)
		r = save(&wish, &plan, err);
	if (r < 0)
		return r;
	return cli->json ? plan_print_json("plan", &plan, 0, err)
			 : plan_print(&plan, err);
}

const struct cli_command cli_plan = {
	.name = "plan",
	.arguments = "[DEVICE...] [--headless] [--hugepages SIZE[@NODE]] [-o FILE]",
	.summary = "what it takes for devices to be free at every boot",
	.options = PLAN_HELP
	"  -o, --output FILE\n"
	"                   save the plan, for pciferry apply FILE\n"
	"  --force          replace a FILE that is there\n"
	"\n"
	"Without a DEVICE it is what makes /etc/pciferry.tab true; with --hugepages\n"
	"they alone.\n",
	.run = run,
};
