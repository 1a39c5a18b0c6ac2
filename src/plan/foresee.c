/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/foresee.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "boot/trial.h"
#include "check/foresee.h"
#include "plan/internal.h"

void plan_predictions_free(struct plan_predictions *predictions)
{
	if (!predictions)
		return;
	for (size_t i = 0; i < predictions->count; i++)
		free(predictions->items[i].release);
	free(predictions->items);
	free(predictions->pages);
	memset(predictions, 0, sizeof(*predictions));
}

bool plan_prediction_fails(const struct plan_prediction *prediction)
{
	const struct bootcfg_next *next = &prediction->next;

	return next->fact != FACT_UNREADABLE &&
	       !bootcfg_same_name(next->driver, prediction->wanted);
}

const char *plan_prediction_name(const struct plan_prediction *prediction)
{
	return check_next_name(&prediction->next);
}

bool plan_prediction_is_same(const struct plan_prediction *one,
			     const struct plan_prediction *other)
{
	return !pci_address_compare(&one->address, &other->address) &&
	       one->remade == other->remade &&
	       check_next_is_same(&one->next, &other->next);
}

struct check_view plan_check_view(const struct plan_view *view)
{
	return (struct check_view){
		.host = view->host,
		.devices = &view->devices,
		.topology = &view->topology,
		.configs = view->configs,
		.has_groups = view->groups.count > 0,
		.prediction = &view->prediction,
		.firmware = &view->firmware,
		.boot = &view->boot,
		.kernels = view->kernels,
		.running = &view->cmdline,
		.modprobe = &view->modprobe,
		.loads = &view->loads,
		.images = &view->images,
	};
}

/* Of one device, with each kernel that is asked for. */
static int foresee_device(const struct check_foresight *foresight,
			  const struct pci_device *device, const char *wanted,
			  const char *release, struct plan_predictions *predictions)
{
	size_t index = (size_t)(device - foresight->devices.devices->items);
	int r = 0;

	for (size_t i = 0; r == 0 && i < foresight->count; i++) {
		const struct bootcfg_next_boot *boot = &foresight->starts[i].boot;
		struct plan_prediction *one = &predictions->items[predictions->count];

		if (release && strcmp(boot->kernel->release, release) != 0)
			continue;
		*one = (struct plan_prediction){ .address = device->address,
						 .release = strdup(boot->kernel->release),
						 .remade = boot->remade };
		if (!one->release)
			return -ENOMEM;
		predictions->count++;
		snprintf(one->wanted, sizeof(one->wanted), "%s", wanted);
		r = check_foresee(foresight, index, i, &one->next);
	}
	return r;
}

/* Of all devices of the tab, or of the members of a plan. */
static int foresee(const struct plan_view *view, const struct check_view *with,
		   const struct plan *plan, const char *release,
		   struct plan_predictions *predictions)
{
	struct check_foresight foresight;
	const struct bootcfg_tab *tab = &foresight.tab;
	int r = check_foresight_open(with, &foresight);

	if (r < 0)
		return r;
	predictions->items =
		calloc((plan ? plan->count : tab->count) * foresight.count + 1,
		       sizeof(*predictions->items));
	if (!predictions->items)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && plan && i < plan->count; i++)
		r = foresee_device(&foresight,
				   pci_find(&view->devices, &plan->members[i].address),
				   plan->members[i].driver, release, predictions);
	for (size_t i = 0; r == 0 && !plan && i < tab->count; i++) {
		const struct bootcfg_tab_line *line = &tab->lines[i];
		const struct pci_device *device =
			pci_find(&view->devices, &line->entry.address);

		if (!line->bad && line->entry.kind == TAB_DEVICE && device)
			r = foresee_device(&foresight, device, line->entry.to, release,
					   predictions);
	}
	if (r == 0)
		r = plan_foresee_pages(view->host, &foresight, plan, release,
				       predictions);
	check_foresight_close(&foresight);
	return r;
}

/* Whether files are changed that decide what is loaded first. */
static bool changes_order(const struct change_edits *edits)
{
	static const char *const places[] = {
		"etc/modprobe.d/",	"etc/modules",	   "etc/booster.yaml",
		"etc/initramfs-tools/", "etc/dracut.conf", "etc/mkinitcpio.conf",
	};

	for (size_t i = 0; i < edits->count; i++)
		for (size_t j = 0; j < ARRAY_SIZE(places); j++)
			if (!strncmp(edits->items[i].path, places[j], strlen(places[j])))
				return true;
	return false;
}

/* A plan that is to be carried out by hand has no edits, and nothing is known of it. */
int plan_foresee(const struct plan_view *view, struct plan *plan)
{
	struct check_view with = plan_check_view(view);
	const struct bootcfg_kernel *running = bootcfg_running_kernel(view->kernels);
	const struct change_edit *tab;
	char path[64];

	if (plan->instructions.count || (plan->trial && !running))
		return 0;
	snprintf(path, sizeof(path), BOOT_TRIAL_TABS "/%u.tab", plan->trial);
	tab = change_edit_find(&plan->edits, plan->trial ? path : &PLAN_TAB[1]);
	with.tab = tab ? tab->bytes : NULL;
	/* A trial's image is a new one. */
	with.remade = plan->trial || boot_makes_images(&plan->edits);
	with.unsettled = changes_order(&plan->edits);
	with.add = &plan->parameters.add;
	with.remove = &plan->parameters.remove;
	with.instead = &plan->parameters.instead;
	return foresee(view, &with, plan, plan->trial ? running->release : NULL,
		       &plan->predictions);
}

static int check_release(const struct plan_view *view, const char *release,
			 struct error *err)
{
	for (size_t i = 0; release && i < view->kernels->count; i++)
		if (!strcmp(view->kernels->items[i].release, release))
			return 0;
	if (!release)
		return 0;
	error_set(err, ENOENT, release, "no such kernel is installed");
	error_hint(err, "ls /lib/modules shows those that are");
	return -ENOENT;
}

int plan_foresee_tab(const struct host *host, const char *release,
		     struct plan_predictions *ret_predictions, struct error *err)
{
	_cleanup_(plan_view_close) struct plan_view view = { 0 };
	_cleanup_(plan_predictions_free) struct plan_predictions found = { 0 };
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	struct check_view with;
	int r = plan_tab_read(host, PLAN_TAB, &tab, err);

	/* Nothing is to be bound, and that is what will come true. */
	if (r == -ENOENT) {
		error_clear(err);
		r = 0;
	}
	if (r == 0)
		r = plan_view_open(host, &view, err);
	if (r == 0)
		r = check_release(&view, release, err);
	if (r < 0)
		return r;
	with = plan_check_view(&view);
	if (foresee(&view, &with, NULL, release, &found) < 0)
		return error_oom(err);
	*ret_predictions = found;
	memset(&found, 0, sizeof(found));
	return 0;
}
