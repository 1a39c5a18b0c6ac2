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
#include "check/foresee.h"
#include "plan/internal.h"
#include "plan/trial.h"

void plan_verification_free(struct plan_verification *verification)
{
	if (!verification)
		return;
	for (size_t i = 0; i < verification->count; i++)
		free(verification->items[i].settings);
	free(verification->items);
	for (size_t i = 0; i < verification->n_functions; i++)
		bind_function_settings_free(&verification->functions[i].settings);
	free(verification->functions);
	free(verification->pages);
	for (size_t i = 0; i < verification->n_slices; i++) {
		free(verification->slices[i].parent);
		free(verification->slices[i].type);
	}
	free(verification->slices);
	free(verification->slices_bad);
	string_list_free(&verification->bad);
	memset(verification, 0, sizeof(*verification));
}

/* The one that this boot goes by. */
static int read_tab(const struct host *host, struct bootcfg_tab *tab, struct error *err)
{
	char path[64];
	unsigned int trial;
	int r;

	if (!plan_trial_now(host, &trial)) {
		r = plan_tab_read(host, PLAN_TAB, tab, err);
		if (r != -ENOENT || !plan_trial_pending(host, &trial))
			return r;
		error_clear(err);
		error_set(err, ENOENT, PLAN_TAB,
			  "there is none: this boot is not that of trial %u", trial);
		error_hint(err, "pciferry undo %u takes the trial out", trial);
		return r;
	}
	snprintf(path, sizeof(path), "/" BOOT_TRIAL_TABS "/%u.tab", trial);
	return plan_tab_read(host, path, tab, err);
}

/* What the running kernel was started with; read when something does not hold. */
struct verify {
	const struct plan_view *view;
	struct check_view with;
	struct check_foresight foresight;
	bool is_open;
};

/* Whether its image is younger than this boot, which has seen another one then. */
static bool is_made_since(const struct verify *verify)
{
	const struct host *host = verify->view->host;
	_cleanup_free_ char *text = NULL;
	struct host_status status;
	const char *found;
	size_t len;

	if (!verify->foresight.count || !verify->foresight.starts[0].image_path ||
	    host_file_status(host, verify->foresight.starts[0].image_path, &status) !=
		    FACT_KNOWN ||
	    host_read_file(host, "proc/stat", &text, &len) < 0)
		return false;
	found = strstr(text, "\nbtime ");
	return found &&
	       status.mtime / 1000000000 > strtoll(found + strlen("\nbtime "), NULL, 10);
}

/* What ought to have come of this boot, by all that it was started with. */
static int explain_boot(struct verify *verify, const struct pci_device *device,
			struct plan_expected *expected)
{
	struct bootcfg_next next = { .fact = FACT_UNREADABLE };
	char *why = expected->why;
	size_t size = sizeof(expected->why);
	int r = 0;

	if (!verify->is_open) {
		r = check_foresight_open(&verify->with, &verify->foresight);
		verify->is_open = r == 0;
	}
	if (r == 0 && verify->foresight.count)
		r = check_foresee(&verify->foresight,
				  (size_t)(device - verify->view->devices.items), 0,
				  &next);
	if (r < 0)
		return r;
	if (next.cause == NEXT_IMAGE_OLD)
		snprintf(
			why, size,
			"the initramfs has not this tab (%.200s): pciferry apply makes it"
			" anew, then reboot",
			next.reason);
	else if (next.fact != FACT_UNREADABLE &&
		 bootcfg_same_name(next.driver, expected->driver))
		snprintf(why, size, "%.300s", next.reason);
	else if (is_made_since(verify))
		snprintf(why, size,
			 "its image has been made anew since this boot: reboot");
	else
		snprintf(why, size,
			 "the kernel's log may say why: dmesg | grep pciferry:");
	return 0;
}

/* The device is the right one, and has another driver. */
static int explain_driver(struct verify *verify, const struct pci_device *device,
			  struct plan_expected *expected)
{
	char *why = expected->why;
	size_t size = sizeof(expected->why);

	if (bootcfg_is_disarmed(&verify->view->cmdline))
		snprintf(why, size,
			 "pciferry=off was on the kernel's command line:"
			 " nothing was bound in this boot");
	else if (!verify->view->groups.count)
		snprintf(why, size,
			 "the IOMMU is off, so nothing is bound: pciferry check"
			 " --only iommu");
	else if (device->driver_fact == FACT_UNREADABLE)
		snprintf(why, size, "its driver could not be read");
	else
		return explain_boot(verify, device, expected);
	return 0;
}

/* Against what was foreseen before the boot, if anything was. */
static void compare(const struct plan_view *view, struct plan_expected *expected)
{
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(view->kernels);

	if (!kernel || expected->driver_fact == FACT_UNREADABLE)
		return;
	expected->foreseen =
		plan_foreseen_read(view->host, kernel->release, &expected->address);
	expected->came_true =
		expected->foreseen.fact == FACT_KNOWN &&
		bootcfg_same_name(expected->foreseen.driver, expected->driver);
}

const struct pci_device *plan_find_listed(const struct plan_view *view,
					  const struct bootcfg_tab_entry *entry,
					  char *why, size_t size)
{
	const struct pci_device *device = pci_find(&view->devices, &entry->address);
	char misfit[PCI_MISFIT_SIZE];
	size_t index;

	if (!device) {
		snprintf(
			why, size,
			"nothing is at this address: was it taken out, or has it moved?");
		return NULL;
	}
	index = (size_t)(device - view->devices.items);
	if (pci_identity_fits(&entry->identity, &view->topology.nodes[index],
			      &view->configs[index], misfit))
		return device;
	snprintf(why, size, "another device is there: %s", misfit);
	return NULL;
}

static int verify_device(struct verify *verify, const struct bootcfg_tab *tab,
			 const struct bootcfg_tab_entry *entry,
			 struct plan_expected *expected)
{
	const struct plan_view *view = verify->view;
	const struct pci_device *device = pci_find(&view->devices, &entry->address);

	*expected = (struct plan_expected){ .address = entry->address };
	snprintf(expected->wanted, sizeof(expected->wanted), "%s", entry->to);
	if (device)
		expected->driver_fact = device->driver_fact;
	if (device && device->driver)
		snprintf(expected->driver, sizeof(expected->driver), "%s",
			 device->driver);
	device = plan_find_listed(view, entry, expected->why, sizeof(expected->why));
	if (!device)
		return 0;
	expected->fits = true;
	compare(view, expected);
	expected->holds = device->driver && !strcmp(device->driver, entry->to);
	if (!expected->holds && explain_driver(verify, device, expected) < 0)
		return -ENOMEM;
	return plan_verify_settings(view, tab, expected);
}

/* A set line is nothing by itself. */
static bool is_alone(const struct bootcfg_tab *tab, const struct bootcfg_tab_entry *set)
{
	const struct bootcfg_tab_entry functions = { .kind = TAB_VF,
						     .address = set->address };

	return !plan_tab_find(tab, &set->address) && !bootcfg_tab_find(tab, &functions);
}

int plan_verify(const struct host *host, struct plan_verification *ret_verification,
		struct error *err)
{
	_cleanup_(plan_verification_free) struct plan_verification verification = { 0 };
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_(plan_view_close) struct plan_view view = { 0 };
	struct verify verify = { .view = &view };
	int r = plan_verify_slices(host, &verification);

	if (r < 0)
		return error_oom(err);
	r = read_tab(host, &tab, err);
	if (r == -ENOENT && (verification.has_definitions || verification.slices_bad)) {
		error_clear(err);
		r = 0;
	}
	if (r == 0)
		r = plan_view_open(host, &view, err);
	if (r < 0)
		return r;
	verification.disarmed = bootcfg_is_disarmed(&view.cmdline);
	verify.with = plan_check_view(&view);
	verify.with.this_boot = true;
	verification.items = calloc(tab.count + 1, sizeof(*verification.items));
	verification.functions = calloc(tab.count + 1, sizeof(*verification.functions));
	if (!verification.items || !verification.functions)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < tab.count; i++) {
		const struct bootcfg_tab_line *line = &tab.lines[i];

		if (line->bad)
			r = string_list_addf(&verification.bad, "line %u: %s",
					     line->number, line->bad);
		else if (line->entry.kind == TAB_DEVICE)
			r = verify_device(&verify, &tab, &line->entry,
					  &verification.items[verification.count++]);
		else if (line->entry.kind == TAB_SET && is_alone(&tab, &line->entry))
			r = string_list_addf(&verification.bad,
					     "line %u: there is no device or vf line for"
					     " the same",
					     line->number);
		else if (line->entry.kind == TAB_VF)
			r = plan_verify_functions(
				&view, &tab, &line->entry,
				&verification.functions[verification.n_functions++]);
	}
	if (r == 0)
		r = plan_verify_pages(&view, &tab, &verification);
	if (verify.is_open)
		check_foresight_close(&verify.foresight);
	if (r < 0)
		return error_oom(err);
	*ret_verification = verification;
	memset(&verification, 0, sizeof(verification));
	return 0;
}
