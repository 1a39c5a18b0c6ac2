/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_PAGES_H
#define PCIFERRY_CLI_PAGES_H

/* Huge pages at each boot: how they are asked for, shown, and reserved. */
#include "cli/take.h"
#include "plan/plan.h"
#include "plan/verify.h"

struct json_object;

/* --hugepages' value, SIZE[@NODE], added to *pages, for free(). 0, -EINVAL or -ENOMEM. */
int pages_take(const char *text, struct plan_pages **pages, size_t *count,
	       struct error *err);

/* What a plan wants of them, a line each, with the node. */
void pages_print_plan(const struct plan *plan);
struct json_object *pages_plan_json(const struct plan *plan);

/* What the next boot makes of them. */
void pages_print_next(const struct plan_predictions *predictions);
struct json_object *pages_next_json(const struct plan_predictions *predictions);

/* Whether each one that is known will be there. */
bool pages_will_be(const struct plan_predictions *predictions);

/* What this boot has made of them. */
void pages_print_expected(const struct plan_expected_pages *expected);
struct json_object *pages_expected_json(const struct plan_verification *verification);

/*
 * Has the kernel reserve what is lacking of them, or shows the step in a dry run. Refused
 * where the host would have too little memory left. Returns 0 or -errno, also where the
 * kernel has found fewer, which stay reserved.
 */
int pages_reserve(const struct cli *cli, const struct host *host,
		  const struct take_options *options,
		  const struct plan_verification *verification,
		  const struct plan_expected_pages *expected, struct error *err);

#endif
