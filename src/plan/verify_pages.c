/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tab's pages lines: what there is of them, and what the next boot makes of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bootcfg/service.h"
#include "plan/internal.h"
#include "plan/trial.h"
#include "plan/verify.h"

/* Of x86's, those that the kernel's allocator does not hand out in one piece
 * (hstate_is_gigantic(), include/linux/hugetlb.h). */
enum { GIGANTIC_KIB = 1 << 20 };

/* A pages line, against what there is. */
static void verify_one(const struct plan_view *view, const struct vm_reserve *one,
		       struct plan_expected_pages *expected)
{
	struct vm_pages pages;

	*expected = (struct plan_expected_pages){ .wanted = *one };
	expected->fact = vm_pages_read_of(view->host, one->node, one->kib, &pages);
	if (expected->fact == FACT_KNOWN)
		expected->count = pages.reserved;
	expected->holds = expected->fact == FACT_KNOWN && pages.reserved >= one->count;
	if (!expected->holds)
		snprintf(expected->why, sizeof(expected->why), "%s",
			 expected->fact == FACT_ABSENT
				 ? "this host has no such NUMA node, or no pages of that"
				   " size"
			 : expected->fact == FACT_UNREADABLE
				 ? "how many there are could not be read"
			 : bootcfg_is_disarmed(&view->cmdline)
				 ? "pciferry=off was on the kernel's command line:"
				   " nothing was reserved in this boot"
				 : "pciferry bind --tab reserves them, or says what is in"
				   " the way");
}

static bool has_line(const struct bootcfg_tab *tab, const struct vm_reserve *reserve)
{
	const struct bootcfg_tab_entry place = { .kind = TAB_PAGES,
						 .node = reserve->node,
						 .page_kib = reserve->kib };
	const struct bootcfg_tab_line *line = bootcfg_tab_find(tab, &place);

	return line && line->entry.count == reserve->count;
}

int plan_verify_pages(const struct plan_view *view, const struct bootcfg_tab *tab,
		      struct plan_verification *verification)
{
	_cleanup_free_ struct vm_reserve *all = NULL;
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab own = { 0 };
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	unsigned int trial;
	bool is_trial = plan_trial_now(view->host, &trial);
	size_t count;
	int r = vm_reserves_of(tab, &all, &count);

	if (r == 0 && is_trial &&
	    plan_tab_read_or_empty(view->host, &own, &failure) == -ENOMEM)
		r = -ENOMEM;
	if (r < 0)
		return r;
	verification->pages = calloc(count + 1, sizeof(*verification->pages));
	if (!verification->pages)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		verify_one(view, &all[i], &verification->pages[i]);
		verification->pages[i].is_tried = is_trial && !has_line(&own, &all[i]);
	}
	verification->n_pages = count;
	return 0;
}

/* The first kernel, of those that are asked for, whose words disarm it; NULL: none. */
static const char *find_disarmed(const struct check_foresight *foresight,
				 const char *release)
{
	for (size_t i = 0; i < foresight->count; i++) {
		const struct bootcfg_next_boot *boot = &foresight->starts[i].boot;
		const char *name = boot->kernel->release;

		if ((!release || !strcmp(name, release)) && boot->words == FACT_KNOWN &&
		    bootcfg_is_disarmed(boot->cmdline))
			return name;
	}
	return NULL;
}

static int judge_room(const struct host *host, const struct vm_reserve *all, size_t count,
		      struct plan_pages_prediction *prediction)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	const struct vm_reserve *wanted = &prediction->wanted;
	int r = vm_reserve_check(host, wanted, all, count, &failure);

	if (r == -ENOMEM)
		return r;
	prediction->fact = r == 0	   ? FACT_KNOWN
			   : r == -ENODATA ? FACT_UNREADABLE
					   : FACT_ABSENT;
	snprintf(prediction->reason, sizeof(prediction->reason), "%s",
		 r == 0 ? "pciferry.service reserves them" : failure.message);
	if (r < 0 || wanted->kib < GIGANTIC_KIB)
		return 0;
	prediction->fact = FACT_UNREADABLE;
	snprintf(prediction->reason, sizeof(prediction->reason),
		 "pciferry.service reserves as many as it finds memory in one piece for");
	return 0;
}

bool plan_has_pages(const struct plan *plan, const struct vm_reserve *reserve)
{
	for (size_t i = 0; i < plan->n_pages; i++)
		if (plan->pages[i].node == reserve->node &&
		    plan->pages[i].kib == reserve->kib)
			return true;
	return false;
}

int plan_foresee_pages(const struct host *host, const struct check_foresight *foresight,
		       const struct plan *plan, const char *release,
		       struct plan_predictions *predictions)
{
	enum bootcfg_service service = plan && boot_enables_service(&plan->edits)
					       ? SERVICE_ENABLED
					       : bootcfg_service(host);
	const char *disarmed = find_disarmed(foresight, release);
	_cleanup_free_ struct vm_reserve *all = NULL;
	size_t count;
	int r = vm_reserves_of(&foresight->tab, &all, &count);

	if (r < 0)
		return r;
	predictions->pages = calloc(count + 1, sizeof(*predictions->pages));
	if (!predictions->pages)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct plan_pages_prediction *one =
			&predictions->pages[predictions->n_pages];

		if (plan && !plan_has_pages(plan, &all[i]))
			continue;
		predictions->n_pages++;
		*one = (struct plan_pages_prediction){ .wanted = all[i],
						       .fact = FACT_ABSENT };
		if (disarmed)
			snprintf(one->reason, sizeof(one->reason),
				 "pciferry=off is on the command line of %s", disarmed);
		else if (service == SERVICE_NONE)
			*one = (struct plan_pages_prediction){
				all[i], FACT_UNREADABLE,
				"where pciferry bind --tab is run at boot: there is no"
				" pciferry.service"
			};
		else if (service != SERVICE_ENABLED)
			snprintf(one->reason, sizeof(one->reason),
				 "pciferry.service is %s, and nothing else reserves them",
				 service == SERVICE_MASKED ? "masked" : "not enabled");
		else
			r = judge_room(host, all, count, one);
	}
	return r;
}
