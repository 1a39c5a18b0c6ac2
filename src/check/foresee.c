/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/foresee.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/foresee_start.h"

static int read_tab(const struct check_view *view, struct bootcfg_tab *tab)
{
	int r;

	if (view->tab)
		return bootcfg_tab_parse(view->tab, strlen(view->tab), tab);
	r = bootcfg_tab_read(view->host, BOOTCFG_TAB, tab);
	/* What cannot be read is told where it is looked for; an image has its own. */
	return r == -ENOMEM ? r : 0;
}

static long group_of(const struct check_view *view, size_t index)
{
	const struct pci_device *device = &view->devices->items[index];
	int group;

	if (view->has_groups)
		return device->group_fact == FACT_KNOWN	   ? (long)device->group_number
		       : device->group_fact == FACT_ABSENT ? BOOTCFG_NO_GROUP
							   : BOOTCFG_GROUP_UNKNOWN;
	group = view->prediction->of_device[index].group;
	return group < 0 ? BOOTCFG_NO_GROUP
	       : iommu_predicted_uncertain(view->prediction, group)
		       ? BOOTCFG_GROUP_UNKNOWN
		       : (long)group;
}

static int open_all(const struct check_view *view, struct check_foresight *foresight)
{
	size_t n = view->kernels->count;
	int r = read_tab(view, &foresight->tab);

	foresight->groups = calloc(view->devices->count + 1, sizeof(long));
	foresight->starts = calloc(n + 1, sizeof(*foresight->starts));
	if (r < 0 || !foresight->groups || !foresight->starts)
		return -ENOMEM;
	for (size_t i = 0; i < view->devices->count; i++)
		foresight->groups[i] = group_of(view, i);
	foresight->devices =
		(struct bootcfg_next_devices){ view->devices, view->topology,
					       view->configs, foresight->groups };
	r = bootcfg_overrides_read(view->host, &foresight->overrides);
	return r < 0 ? r : check_starts_read(view, foresight);
}

int check_foresight_open(const struct check_view *view,
			 struct check_foresight *ret_foresight)
{
	int r;

	*ret_foresight = (struct check_foresight){ 0 };
	r = open_all(view, ret_foresight);
	if (r < 0)
		check_foresight_close(ret_foresight);
	return r;
}

void check_foresight_close(struct check_foresight *foresight)
{
	if (!foresight)
		return;
	for (size_t i = 0; i < foresight->count; i++) {
		bootcfg_cmdline_free(&foresight->starts[i].cmdline);
		bootcfg_image_free(&foresight->starts[i].image);
		free(foresight->starts[i].image_path);
		free(foresight->starts[i].problem);
	}
	free(foresight->starts);
	free(foresight->groups);
	bootcfg_tab_free(&foresight->tab);
	bootcfg_overrides_free(&foresight->overrides);
	memset(foresight, 0, sizeof(*foresight));
}

int check_foresee(const struct check_foresight *foresight, size_t device, size_t kernel,
		  struct bootcfg_next *ret_next)
{
	return bootcfg_next_driver(&foresight->starts[kernel].boot, &foresight->devices,
				   device, ret_next);
}

const char *check_next_name(const struct bootcfg_next *next)
{
	return next->fact == FACT_KNOWN	   ? next->driver
	       : next->fact == FACT_ABSENT ? "no driver"
					   : "unknown";
}

bool check_next_is_same(const struct bootcfg_next *one, const struct bootcfg_next *other)
{
	return one->fact == other->fact && !strcmp(one->driver, other->driver) &&
	       !strcmp(one->reason, other->reason);
}
