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

int plan_verify_functions(const struct plan_view *view,
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
	return 0;
}
