/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tab's vf lines, against what there is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/functions.h"
#include "plan/internal.h"
#include "plan/verify.h"

#define HOW "pciferry bind --tab does it, or says what is in the way"

static void judge_drivers(const struct plan_view *view,
			  const struct bind_functions *functions,
			  struct plan_expected_functions *expected)
{
	expected->holds = true;
	for (size_t i = 0; expected->holds && i < functions->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &functions->items[i]);
		const char *driver = device ? device->driver : NULL;

		expected->holds = driver && !strcmp(driver, expected->driver);
		if (!expected->holds)
			snprintf(expected->why, sizeof(expected->why),
				 "virtual function %zu is on %s, not %s: " HOW, i,
				 driver ? driver : "no driver", expected->driver);
	}
}

/* What the tab has set of them: its set line for the same device. */
static int read_settings(const struct plan_view *view, const struct bootcfg_tab *tab,
			 struct plan_expected_functions *expected)
{
	const struct bootcfg_tab_entry place = { .kind = TAB_SET,
						 .address = expected->physical };
	const struct bootcfg_tab_line *line = bootcfg_tab_find(tab, &place);
	_cleanup_(bind_function_settings_free) struct bind_function_settings settings = {
		0
	};
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	char misfit[sizeof(expected->why)];
	int r;

	if (!line || !plan_find_listed(view, &line->entry, misfit, sizeof(misfit)))
		return 0;
	r = bind_function_settings_add_words(&settings, line->entry.to, &failure);
	if (r == 0)
		r = bind_function_settings_spread(&settings, expected->wanted,
						  &expected->settings, &failure);
	if (r == -ENOMEM)
		return r;
	expected->bad_settings = r < 0;
	if (r < 0)
		snprintf(expected->why, sizeof(expected->why), "line %u: %s: %s",
			 line->number, failure.subject, failure.message);
	return 0;
}

/* Of functions that are there, and as many as there are to be. */
static void judge_settings(const struct plan_view *view,
			   struct plan_expected_functions *expected)
{
	char interface[IF_NAMESIZE], now[HOST_FUNCTION_TEXT_SIZE];
	char wanted[HOST_FUNCTION_TEXT_SIZE];
	_cleanup_(host_link_free) struct host_link link = { 0 };
	char *why = expected->why;
	size_t size = sizeof(expected->why);
	enum fact fact;

	expected->holds = false;
	fact = bind_functions_find_interface(view->host, &expected->physical, interface);
	if (fact != FACT_KNOWN) {
		snprintf(why, size,
			 fact == FACT_ABSENT ? "it has no network interface, through"
					       " which they are set"
					     : "which network interface it has could not"
					       " be read");
		return;
	}
	if (host_link_read(view->host, interface, &link) != FACT_KNOWN) {
		snprintf(why, size, "what %s has set of them could not be read",
			 interface);
		return;
	}
	for (size_t i = 0; i < expected->settings.count; i++) {
		const struct host_function *item = &expected->settings.items[i];
		const struct host_function *is = host_link_find(&link, item->index);
		unsigned int differs = host_function_differs(item, is);

		if (!differs)
			continue;
		host_function_format(item, differs, wanted);
		host_function_format(is ? is : &(struct host_function){ 0 }, differs,
				     now);
		snprintf(why, size, "virtual function %u has %s, not %s: " HOW,
			 item->index, *now ? now : "what is not told", wanted);
		return;
	}
	expected->holds = true;
}

int plan_verify_functions(const struct plan_view *view, const struct bootcfg_tab *tab,
			  const struct bootcfg_tab_entry *entry,
			  struct plan_expected_functions *ret_expected)
{
	struct plan_expected_functions *expected = ret_expected;
	_cleanup_(bind_functions_free) struct bind_functions functions = { 0 };
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	char *why = expected->why;
	size_t size = sizeof(expected->why);
	const struct pci_device *device;
	int r;

	*expected = (struct plan_expected_functions){ .physical = entry->address,
						      .wanted = entry->count };
	snprintf(expected->driver, sizeof(expected->driver), "%s",
		 entry->to ? entry->to : "");
	device = plan_find_listed(view, entry, why, size);
	if (!device)
		return 0;
	expected->fits = true;
	expected->can_be_made = device->driver != NULL;
	r = read_settings(view, tab, expected);
	if (r < 0 || expected->bad_settings)
		return r;
	r = bind_functions_read(view->host, &entry->address, &functions, &failure);
	if (r == -ENOMEM)
		return r;
	expected->count = (unsigned int)functions.count;
	if (r < 0)
		snprintf(why, size, "%s", failure.message);
	else if (expected->count != expected->wanted && !expected->can_be_made)
		snprintf(why, size, "no driver has it, and that makes them");
	else if (expected->count != expected->wanted)
		snprintf(why, size, HOW);
	else if (expected->driver[0])
		judge_drivers(view, &functions, expected);
	else
		expected->holds = true;
	if (expected->holds && expected->settings.count)
		judge_settings(view, expected);
	return 0;
}
