/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/display.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "check/check.h"
#include "cli/output.h"
#include "iommu/groups.h"
#include "pci/modalias.h"

static bool is_wanted(const struct check *check, void *argument)
{
	(void)argument;
	return !strcmp(check->id, "device-reset") || !strcmp(check->id, "device-known") ||
	       !strcmp(check->id, "device-display");
}

/* Without a look at all devices: most that are bound are none. */
static bool may_be_display(const struct host *host, const struct pci_address *address)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], text[128];
	struct pci_device device = { 0 };

	return host_read(host, pci_attribute_path(address, "modalias", path), text,
			 sizeof(text)) == FACT_KNOWN &&
	       pci_modalias_parse(text, strlen(text), &device) == 0 &&
	       device.class_code >> 16 == 0x03;
}

static int tell_warnings(const struct host *host, const struct pci_devices *devices,
			 struct pci_device *const *named, size_t count, struct error *err)
{
	_cleanup_(check_findings_free) struct check_findings findings = { 0 };
	_cleanup_(iommu_groups_free) struct iommu_groups groups = { 0 };
	const struct check_request request = { .devices = devices,
					       .groups = &groups,
					       .named = named,
					       .n_named = count,
					       .wanted = is_wanted };
	int r = iommu_scan(devices, &groups, err);

	if (r == 0)
		r = check_host(host, &request, &findings, err);
	for (size_t i = 0; r == 0 && i < findings.count; i++) {
		const struct check_finding *finding = &findings.items[i];

		if (finding->status == CHECK_WARN || finding->status == CHECK_FAIL)
			output_talk("warning: %s: %s: %s", finding->subject,
				    finding->seen, finding->why);
	}
	return r;
}

int display_warn(const struct host *host, const struct bind_plan *plan, struct error *err)
{
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	_cleanup_free_ struct pci_device **named =
		calloc(plan->count + 1, sizeof(*named));
	size_t n_named = 0;
	bool found = false;
	int r;

	if (!named)
		return error_oom(err);
	for (size_t i = 0; i < plan->count; i++)
		found |= may_be_display(host, &plan->members[i].address);
	if (!found || bind_plan_is_done(plan))
		return 0;
	r = pci_scan(host, &devices, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		named[n_named] = pci_find(&devices, &plan->members[i].address);
		n_named += named[n_named] && pci_is_display(named[n_named]);
	}
	return r == 0 && n_named ? tell_warnings(host, &devices, named, n_named, err) : r;
}

void display_tell_ended(const struct bind_member *member, struct json_object *array)
{
	const struct {
		const char *what;
		const struct string_list *list;
	} ended[] = {
		{ "service", &member->picture.services },
		{ "console", &member->picture.consoles },
		{ "framebuffer", &member->picture.framebuffers },
		{ "module", &member->users },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ended); i++)
		for (size_t j = 0; j < ended[i].list->count; j++) {
			char line[256];

			snprintf(line, sizeof(line), "%s %.200s", ended[i].what,
				 ended[i].list->items[j]);
			if (array)
				json_object_array_add(array, output_json_text(line));
			else
				output_line("  without the %s until the %s", line,
					    ended[i].list == &member->picture.framebuffers
						    ? "next boot"
						    : "release");
		}
}
