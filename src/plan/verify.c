/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "boot/trial.h"
#include "bootcfg/images.h"
#include "plan/internal.h"
#include "plan/trial.h"

void plan_verification_free(struct plan_verification *verification)
{
	if (!verification)
		return;
	free(verification->items);
	string_list_free(&verification->bad);
	memset(verification, 0, sizeof(*verification));
}

/* The one that this boot goes by. */
static int read_tab(const struct host *host, struct bootcfg_tab *tab, struct error *err)
{
	char path[64];
	unsigned int trial;

	if (!plan_trial_now(host, &trial))
		return plan_tab_read(host, PLAN_TAB, tab, err);
	snprintf(path, sizeof(path), "/" BOOT_TRIAL_TABS "/%u.tab", trial);
	return plan_tab_read(host, path, tab, err);
}

static bool is_disarmed(const struct plan_view *view)
{
	const struct bootcfg_parameter *word =
		bootcfg_find_parameter(&view->cmdline, "pciferry");

	return word && word->value && !strcmp(word->value, "off");
}

/* Whether the image of the running kernel has the tab as it is now. */
static enum fact image_has_tab(const struct plan_view *view,
			       const struct bootcfg_tab *tab)
{
	_cleanup_(bootcfg_images_free) struct bootcfg_images images = { 0 };
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(view->kernels);
	_cleanup_free_ char *wanted = NULL;
	enum fact found = FACT_UNREADABLE;
	size_t len;

	if (!kernel || bootcfg_tab_write(tab, &wanted, &len) < 0 ||
	    bootcfg_images_read(view->host, view->kernels, &view->boot.entries, &images) <
		    0)
		return FACT_UNREADABLE;
	for (size_t i = 0; i < images.count; i++) {
		_cleanup_(bootcfg_image_free) struct bootcfg_image image = { 0 };
		_cleanup_free_ char *text = NULL;

		if (!images.items[i].release ||
		    strcmp(images.items[i].release, kernel->release) != 0 ||
		    host_read_digest(view->host, "images", images.items[i].path,
				     bootcfg_image_make, NULL, &text, &len) < 0 ||
		    bootcfg_image_parse(text, len, &image) < 0 || image.problem)
			continue;
		found = image.tab && plan_same_tab(image.tab, wanted) ? FACT_KNOWN
								      : FACT_ABSENT;
	}
	return found;
}

/* The device is the right one, and has another driver. */
static void explain_driver(const struct plan_view *view, const struct bootcfg_tab *tab,
			   const struct pci_device *device,
			   struct plan_expected *expected)
{
	char *why = expected->why;
	size_t size = sizeof(expected->why);

	if (is_disarmed(view))
		snprintf(why, size,
			 "pciferry=off was on the kernel's command line:"
			 " nothing was bound in this boot");
	else if (!view->groups.count)
		snprintf(why, size,
			 "the IOMMU is off, so nothing is bound: pciferry check"
			 " --only iommu");
	else if (device->driver_fact == FACT_UNREADABLE)
		snprintf(why, size, "its driver could not be read");
	else if (image_has_tab(view, tab) == FACT_ABSENT)
		snprintf(why, size,
			 "the initramfs has not this tab: pciferry apply makes it"
			 " anew, then reboot");
	else
		snprintf(why, size,
			 "the kernel's log may say why: dmesg | grep pciferry:");
}

static void verify_device(const struct plan_view *view, const struct bootcfg_tab *tab,
			  const struct bootcfg_tab_entry *entry,
			  struct plan_expected *expected)
{
	const struct pci_device *device = pci_find(&view->devices, &entry->address);
	char misfit[PCI_MISFIT_SIZE];
	size_t index;

	*expected = (struct plan_expected){ .address = entry->address };
	snprintf(expected->wanted, sizeof(expected->wanted), "%s", entry->to);
	if (!device) {
		snprintf(
			expected->why, sizeof(expected->why),
			"nothing is at this address: was it taken out, or has it moved?");
		return;
	}
	expected->driver_fact = device->driver_fact;
	if (device->driver)
		snprintf(expected->driver, sizeof(expected->driver), "%s",
			 device->driver);
	index = (size_t)(device - view->devices.items);
	if (!pci_identity_fits(&entry->identity, &view->topology.nodes[index],
			       &view->configs[index], misfit)) {
		snprintf(expected->why, sizeof(expected->why),
			 "another device is there: %s", misfit);
		return;
	}
	expected->fits = true;
	expected->holds = device->driver && !strcmp(device->driver, entry->to);
	if (!expected->holds)
		explain_driver(view, tab, device, expected);
}

int plan_verify(const struct host *host, struct plan_verification *ret_verification,
		struct error *err)
{
	_cleanup_(plan_verification_free) struct plan_verification verification = { 0 };
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_(plan_view_close) struct plan_view view = { 0 };
	int r = read_tab(host, &tab, err);

	if (r == 0)
		r = plan_view_open(host, &view, err);
	if (r < 0)
		return r;
	verification.disarmed = is_disarmed(&view);
	verification.items = calloc(tab.count + 1, sizeof(*verification.items));
	if (!verification.items)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < tab.count; i++) {
		const struct bootcfg_tab_line *line = &tab.lines[i];

		if (line->bad)
			r = string_list_addf(&verification.bad, "line %u: %s",
					     line->number, line->bad);
		else if (line->entry.kind == TAB_DEVICE)
			verify_device(&view, &tab, &line->entry,
				      &verification.items[verification.count++]);
	}
	if (r < 0)
		return error_oom(err);
	*ret_verification = verification;
	memset(&verification, 0, sizeof(verification));
	return 0;
}
