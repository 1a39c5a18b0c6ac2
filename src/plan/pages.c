/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Huge pages at each boot: docs/design/guests.md, "Huge pages". */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/trial.h"
#include "plan/internal.h"

static const char option[] = "--hugepages";

static int refuse_several(const char *problem, struct error *err)
{
	error_usage(err, option, "%s", problem);
	error_hint(err, "--hugepages SIZE@NODE says which one");
	return -EINVAL;
}

/* That of the devices that were named, which have to be at one. */
static int find_node(const struct plan_view *view, const struct plan *plan,
		     unsigned int *ret_node, struct error *err)
{
	bool found = false;

	*ret_node = 0;
	if (vm_count_nodes(view->host) == 1)
		return 0;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &plan->members[i].address);
		unsigned int node;

		if (!plan->members[i].named ||
		    pci_read_node(view->host, device, &node) != FACT_KNOWN)
			continue;
		if (found && node != *ret_node)
			return refuse_several("the devices are at several NUMA nodes",
					      err);
		*ret_node = node;
		found = true;
	}
	return found ? 0
		     : refuse_several(plan->count ? "this host does not say at which NUMA"
						    " node the devices are"
						  : "this host has several NUMA nodes",
				      err);
}

static int add(struct plan *plan, struct vm_reserve reserve, struct error *err)
{
	struct vm_reserve *larger =
		reallocarray(plan->pages, plan->n_pages + 1, sizeof(*larger));
	char subject[32];

	if (!larger)
		return error_oom(err);
	plan->pages = larger;
	for (size_t i = 0; i < plan->n_pages; i++) {
		if (larger[i].node != reserve.node || larger[i].kib != reserve.kib)
			continue;
		/* All lines but this one. */
		if (!larger[i].count || !reserve.count) {
			larger[i].count += reserve.count;
			return 0;
		}
		snprintf(subject, sizeof(subject), "node %u", reserve.node);
		return error_usage(err, subject, "%s is there twice for it", option);
	}
	larger[plan->n_pages++] = reserve;
	return 0;
}

/* All lines of the tab for that node; without one, all. */
static int add_removals(const struct plan_view *view, const struct plan_pages *wish,
			struct plan *plan, struct error *err)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_free_ struct vm_reserve *there = NULL;
	size_t count = 0;
	int r = plan_tab_read_or_empty(view->host, &tab, err);

	if (r == 0 && vm_reserves_of(&tab, &there, &count) < 0)
		r = error_oom(err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		there[i].count = 0;
		if (!wish->has_node || there[i].node == wish->node)
			r = add(plan, there[i], err);
	}
	return r;
}

static int want(const struct plan_view *view, const struct plan_pages *wish,
		struct plan *plan, struct error *err)
{
	struct vm_reserve reserve = { .node = wish->node, .kib = wish->page_kib };
	char size[BOOTCFG_PAGE_SIZE];
	int r = wish->has_node ? 0 : find_node(view, plan, &reserve.node, err);

	if (r < 0)
		return r;
	if (!reserve.kib && vm_pages_read_size(view->host, &reserve.kib) != FACT_KNOWN) {
		error_set(err, ENODATA, option,
			  "what huge pages this host has could not be read");
		error_hint(err, "pciferry has to see /proc and /sys of that host");
		return -ENODATA;
	}
	if (wish->kib % reserve.kib || wish->kib / reserve.kib > INT_MAX)
		return error_usage(err, option, "%llu MiB are no whole pages of %s",
				   wish->kib >> 10, bootcfg_page_size(reserve.kib, size));
	reserve.count = (unsigned int)(wish->kib / reserve.kib);
	return add(plan, reserve, err);
}

int plan_want_pages(const struct plan_view *view, const struct plan_request *request,
		    struct plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->n_pages; i++)
		r = request->pages[i].kib
			    ? want(view, &request->pages[i], plan, err)
			    : add_removals(view, &request->pages[i], plan, err);
	return r;
}

/* With all that the tab has then, by others' hands too. */
static int check(const struct plan_view *view, const char *path, const struct plan *plan,
		 struct error *err)
{
	const struct change_edit *edit = change_edit_find(&plan->edits, path);
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_free_ struct vm_reserve *all = NULL;
	size_t count = 0;
	int r = bootcfg_tab_parse(edit->bytes, edit->len, &tab);

	if (r == 0)
		r = vm_reserves_of(&tab, &all, &count);
	if (r < 0)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < plan->n_pages; i++)
		if (plan->pages[i].count)
			r = vm_reserve_check(view->host, &plan->pages[i], all, count,
					     err);
	return r;
}

int plan_edit_pages(const struct plan_view *view, struct plan *plan, struct error *err)
{
	_cleanup_free_ struct bootcfg_tab_entry *entries = NULL;
	char path[64] = BOOTCFG_TAB;
	int r;

	if (!plan->n_pages)
		return 0;
	entries = calloc(plan->n_pages, sizeof(*entries));
	if (!entries)
		return error_oom(err);
	if (plan->trial)
		snprintf(path, sizeof(path), BOOT_TRIAL_TABS "/%u.tab", plan->trial);
	for (size_t i = 0; i < plan->n_pages; i++)
		entries[i] = (struct bootcfg_tab_entry){
			.kind = TAB_PAGES,
			.node = plan->pages[i].node,
			.page_kib = plan->pages[i].kib,
			.count = plan->pages[i].count,
		};
	r = boot_edit_pages(view->host, path, entries, plan->n_pages, &plan->edits,
			    &plan->risks, err);
	return r < 0 ? r : check(view, path, plan, err);
}
