/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/functions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/edit.h"
#include "cli/edits.h"
#include "cli/output.h"

void functions_kept_free(struct functions_kept *kept)
{
	if (kept)
		string_list_free(&kept->instructions);
}

static int plan_edits(const struct host *host, const struct bind_functions *functions,
		      struct change_edits *edits, struct string_list *instructions,
		      struct error *err)
{
	const struct plan_functions_request kept = {
		.physical = functions->physical,
		.count = functions->wanted,
		.driver = functions->driver,
		.settings = &functions->settings,
	};

	return plan_functions(host, &kept, edits, instructions, err);
}

static int keep(const struct cli *cli, struct change *change,
		const struct bind_functions_request *request,
		const struct change_edits *edits, struct functions_kept *kept,
		struct error *err)
{
	char address[PCI_ADDRESS_SIZE], title[96];
	int r;

	snprintf(title, sizeof(title), "%u virtual functions of %s at each boot",
		 request->wanted, pci_address_format(&request->physical, address));
	r = edits_apply(cli, change, title, &request->physical, 1, edits, &kept->id, err);
	if (r < 0)
		error_evidence(err,
			       "there are %u virtual functions now, and this is not"
			       " kept for the next boot",
			       request->wanted);
	return r;
}

int functions_make(const struct cli *cli, const struct host *host,
		   const struct take_options *options,
		   const struct bind_functions_request *request,
		   struct bind_functions *ret_before, struct functions_kept *ret_kept,
		   struct error *err)
{
	static const struct change_options late = {
		.came_back = bind_functions_came_back,
		.late = "pciferry vf DEVICE tells what came of it",
	};
	_cleanup_(bind_functions_free) struct bind_functions functions = { 0 };
	_cleanup_(change_edits_free) struct change_edits edits = { 0 };
	struct change *change;
	int r = take_begin(cli, host, options, &late, &change, err);

	if (r < 0)
		return r;
	r = bind_functions_wait(change, &request->physical, err);
	if (r == 0)
		r = bind_functions_plan(host, request, &functions, err);
	if (r == 0 && ret_kept)
		r = change_refuse_interrupted(change, err);
	if (r == 0 && ret_kept)
		r = plan_edits(host, &functions, &edits, &ret_kept->instructions, err);
	if (r == 0)
		r = bind_functions_make(change, &functions, err);
	if (r == 0 && edits.count)
		r = keep(cli, change, request, &edits, ret_kept, err);
	change_end(change);
	if (r < 0)
		return r;
	*ret_before = functions;
	memset(&functions, 0, sizeof(functions));
	return 0;
}

int functions_print_steps(const struct host *host,
			  const struct bind_functions_request *request, bool keep,
			  struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions functions = { 0 };
	_cleanup_(string_list_free) struct string_list instructions = { 0 };
	_cleanup_(change_edits_free) struct change_edits edits = { 0 };
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char address[PCI_ADDRESS_SIZE];
	int r = bind_functions_plan(host, request, &functions, err);

	if (r == 0 && keep)
		r = plan_edits(host, &functions, &edits, &instructions, err);
	if (r < 0)
		return r;
	if (bind_functions_steps(&functions, &steps) < 0)
		return error_oom(err);
	if (!steps.count)
		output_line("%s: there are as many already%s",
			    pci_address_format(&request->physical, address),
			    functions.settings.count ? ", and they are set so" : "");
	take_print_step_list(&steps);
	if (request->driver && request->wanted)
		output_line("each of them: bind to %s; then drivers may take new ones as"
			    " before",
			    request->driver);
	else if (bind_functions_hold_back(&functions))
		output_line("drivers may take them then, and new ones as before");
	return edits_print_all(&edits, &instructions, err);
}
