/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/pages.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/vm_options.h"

int pages_take(const char *text, struct plan_pages **pages, size_t *count,
	       struct error *err)
{
	const char *at = strchrnul(text, '@');
	struct plan_pages wish = { .has_node = *at }, *larger;
	unsigned int mib;
	uint64_t node = 0;

	if (vm_parse_size(text, (size_t)(at - text), &mib) < 0 || at == text ||
	    (wish.has_node && text_parse_number(at + 1, HOST_NUMA_NODE_MAX, &node) < 0)) {
		error_usage(err, "--hugepages", "%s is no SIZE or SIZE@NODE", text);
		error_hint(err, "for example 16G, or 16G@1 for the NUMA node 1");
		return -EINVAL;
	}
	wish.kib = (unsigned long long)mib << 10;
	wish.node = (unsigned int)node;
	larger = reallocarray(*pages, *count + 1, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	larger[(*count)++] = wish;
	*pages = larger;
	return 0;
}

void pages_print_plan(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_pages; i++) {
		const struct vm_reserve *one = &plan->pages[i];
		char text[VM_RESERVE_TEXT_SIZE], size[BOOTCFG_PAGE_SIZE];

		if (one->count)
			output_line("  node %u: %s, in all", one->node,
				    vm_reserve_text(one->count, one->kib, text));
		else
			output_line("  node %u: no huge pages of %s for it any more",
				    one->node, bootcfg_page_size(one->kib, size));
	}
}

static struct json_object *start_json(const struct vm_reserve *one)
{
	struct json_object *object = json_object_new_object();

	json_add_number(object, "node", FACT_KNOWN, one->node);
	json_add_number(object, "page_kib", FACT_KNOWN, one->kib);
	json_add_number(object, "expected_count", FACT_KNOWN, one->count);
	return object;
}

struct json_object *pages_plan_json(const struct plan *plan)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < plan->n_pages; i++)
		json_object_array_add(array, start_json(&plan->pages[i]));
	return array;
}

void pages_print_next(const struct plan_predictions *predictions)
{
	for (size_t i = 0; i < predictions->n_pages; i++) {
		const struct plan_pages_prediction *one = &predictions->pages[i];
		char text[VM_RESERVE_TEXT_SIZE];

		output_line("  node %u  %s%s: %s", one->wanted.node,
			    one->fact == FACT_KNOWN    ? ""
			    : one->fact == FACT_ABSENT ? "not "
						       : "perhaps ",
			    vm_reserve_text(one->wanted.count, one->wanted.kib, text),
			    one->reason);
	}
}

struct json_object *pages_next_json(const struct plan_predictions *predictions)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < predictions->n_pages; i++) {
		const struct plan_pages_prediction *one = &predictions->pages[i];
		struct json_object *object = start_json(&one->wanted);

		json_add_boolean(object, "will_be",
				 one->fact == FACT_UNREADABLE ? FACT_UNREADABLE
							      : FACT_KNOWN,
				 one->fact == FACT_KNOWN);
		json_add_text(object, "reason", one->reason);
		json_object_array_add(array, object);
	}
	return array;
}

bool pages_will_be(const struct plan_predictions *predictions)
{
	bool all = true;

	for (size_t i = 0; i < predictions->n_pages; i++)
		all &= predictions->pages[i].fact != FACT_ABSENT;
	return all;
}

void pages_print_expected(const struct plan_expected_pages *expected)
{
	const struct vm_reserve *wanted = &expected->wanted;
	char text[VM_RESERVE_TEXT_SIZE];

	vm_reserve_text(wanted->count, wanted->kib, text);
	if (expected->holds) {
		output_line("node %u  %s", wanted->node, text);
		return;
	}
	if (expected->fact == FACT_KNOWN)
		output_line("node %u  %lld of %s", wanted->node, expected->count, text);
	else
		output_line("node %u  not %s", wanted->node, text);
	output_line("  %s", expected->why);
}

struct json_object *pages_expected_json(const struct plan_verification *verification)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < verification->n_pages; i++) {
		const struct plan_expected_pages *expected = &verification->pages[i];
		struct json_object *object = start_json(&expected->wanted);

		json_add_number(object, "count", expected->fact, expected->count);
		json_add_boolean(object, "holds", FACT_KNOWN, expected->holds);
		json_add_text_or_null(object, "why", expected->why);
		json_object_array_add(array, object);
	}
	return array;
}

/* The kernel takes the number as it is, and reserves as many as it finds. */
static int look_again(const struct cli *cli, const struct host *host,
		      const struct vm_reserve *wanted, struct error *err)
{
	char subject[32], text[VM_RESERVE_TEXT_SIZE];
	struct vm_pages pages;

	snprintf(subject, sizeof(subject), "node %u", wanted->node);
	vm_reserve_text(wanted->count, wanted->kib, text);
	if (vm_pages_read_of(host, wanted->node, wanted->kib, &pages) != FACT_KNOWN)
		return error_set(err, EIO, subject,
				 "how many of %s are there could not"
				 " be read",
				 text);
	if (pages.reserved >= wanted->count) {
		if (!cli->json)
			output_line("%s: %s are reserved", subject, text);
		return 0;
	}
	error_set(err, ENOMEM, subject,
		  "the kernel has found memory for %lld of %s, and keeps them",
		  pages.reserved, text);
	error_hint(err, "too little is free there in one piece: it is as a rule after a"
			" reboot");
	return -ENOMEM;
}

enum { PATIENCE_MS = 600000 };

int pages_reserve(const struct cli *cli, const struct host *host,
		  const struct take_options *options,
		  const struct plan_verification *verification,
		  const struct plan_expected_pages *expected, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	/* To find many in one piece, the kernel moves what is in the way. */
	struct take_options patient = *options;
	static const struct change_options none;
	_cleanup_free_ struct vm_reserve *all =
		calloc(verification->n_pages + 1, sizeof(*all));
	struct change *change;
	int r;

	if (!all)
		return error_oom(err);
	for (size_t i = 0; i < verification->n_pages; i++)
		all[i] = verification->pages[i].wanted;
	r = vm_reserve_check(host, &expected->wanted, all, verification->n_pages, err);
	if (r < 0)
		return r;
	if (vm_reserve_add_step(host, &expected->wanted, &steps) < 0)
		return error_oom(err);
	if (options->dry_run) {
		take_print_step_list(&steps);
		return 0;
	}
	if (patient.deadline_ms < PATIENCE_MS)
		patient.deadline_ms = PATIENCE_MS;
	r = take_begin(cli, host, &patient, &none, &change, err);
	if (r < 0)
		return r;
	r = change_perform(change, &steps.items[0], err);
	change_end(change);
	return r < 0 ? r : look_again(cli, host, &expected->wanted, err);
}
