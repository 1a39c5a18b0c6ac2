/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/foreseen.h"

#include <json-c/json.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/pages.h"

/* How many from there on are about one device, and whether they differ. */
static size_t count_alike(const struct plan_predictions *predictions, size_t start,
			  bool *ret_all)
{
	const struct plan_prediction *first = &predictions->items[start];
	size_t n = 0;

	*ret_all = true;
	while (start + n < predictions->count &&
	       !pci_address_compare(&first[n].address, &first->address)) {
		*ret_all &= plan_prediction_is_same(&first[n], first);
		n++;
	}
	return n;
}

static void print(const struct plan_prediction *one, bool all)
{
	char address[PCI_ADDRESS_SIZE];

	output_line("  %s  %s%s%s: %s%s", pci_address_format(&one->address, address),
		    plan_prediction_name(one), all ? "" : " with ",
		    all ? "" : one->release, one->remade ? "foreseen, " : "",
		    one->next.reason);
}

void foreseen_print(const struct plan_predictions *predictions)
{
	bool all;
	size_t n;

	if (predictions->count || predictions->n_pages)
		output_line("Next boot:");
	for (size_t i = 0; i < predictions->count; i += n) {
		n = count_alike(predictions, i, &all);
		for (size_t j = 0; j < (all ? 1 : n); j++)
			print(&predictions->items[i + j], all);
	}
	pages_print_next(predictions);
}

struct json_object *foreseen_json(const struct plan_predictions *predictions)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < predictions->count; i++) {
		const struct plan_prediction *one = &predictions->items[i];
		struct json_object *object = json_object_new_object();

		json_add_address(object, "address", FACT_KNOWN, &one->address);
		json_add_text(object, "kernel", one->release);
		json_add_text(object, "expected", one->wanted);
		json_add_boolean(object, "known", FACT_KNOWN,
				 one->next.fact != FACT_UNREADABLE);
		json_add_text_or_null(object, "driver", one->next.driver);
		json_add_boolean(object, "foreseen", FACT_KNOWN, one->remade);
		json_add_text(object, "reason", one->next.reason);
		json_object_array_add(array, object);
	}
	return array;
}

void foreseen_look_again(const struct host *host, struct plan *plan)
{
	struct plan_predictions found = { 0 };
	struct error err = ERROR_INIT;
	int r = plan->trial ? 0 : plan_foresee_tab(host, NULL, &found, &err);

	if (!plan->trial) {
		plan_predictions_free(&plan->predictions);
		plan->predictions = found;
	}
	if (r == 0)
		r = plan_predictions_keep(host, &plan->predictions, &err);
	if (r < 0)
		output_talk("What the next boot does is not known: %s: %s", err.subject,
			    err.message);
	error_clear(&err);
}

/* Others of the tab are told, and no more. */
static bool is_member(const struct plan *plan, const struct pci_address *address)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!pci_address_compare(&plan->members[i].address, address))
			return true;
	return false;
}

size_t foreseen_failures(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->predictions.count; i++)
		count += plan_prediction_fails(&plan->predictions.items[i]) &&
			 is_member(plan, &plan->predictions.items[i].address);
	for (size_t i = 0; i < plan->predictions.n_pages; i++) {
		const struct plan_pages_prediction *one = &plan->predictions.pages[i];

		count += one->fact == FACT_ABSENT && plan_has_pages(plan, &one->wanted);
	}
	return count;
}

int foreseen_tell_failures(const struct plan *plan, unsigned int id)
{
	if (!foreseen_failures(plan))
		return CLI_DONE;
	output_talk(
		"The next boot will not do it, as far as can be seen: pciferry undo %u,"
		" or mend that",
		id);
	return CLI_FAILED;
}
