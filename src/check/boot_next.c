/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the next boot gives each device to the driver that the settings want. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/ids.h"
#include "bootcfg/precedence.h"
#include "check/foresee.h"
#include "check/images.h"

struct boot_next {
	struct check_run *run;
	struct check_view view;
	struct pci_topology topology;
	struct pci_config *configs;
	struct iommu_prediction prediction;
	struct check_foresight foresight;
	size_t told;
};

/* What a device is to have with a kernel. */
struct wish {
	char driver[64]; /* "": nothing is wanted of it */
	char place[400]; /* where that stands */
	bool in_tab;
};

static int open_next(struct check_run *run, struct boot_next *next)
{
	const struct check_facts *facts = run->facts;
	int r = pci_topology_read(facts->host, &facts->devices, &next->topology, NULL);

	next->run = run;
	if (r == 0)
		r = pci_configs_read(facts->host, &facts->devices, PCI_LET_SLEEP,
				     &next->configs);
	if (r == 0)
		r = iommu_predict(&next->topology, next->configs, &facts->firmware, NULL,
				  &next->prediction, NULL);
	if (r < 0)
		return r;
	next->view = (struct check_view){
		.host = facts->host,
		.devices = &facts->devices,
		.topology = &next->topology,
		.configs = next->configs,
		.has_groups = facts->groups.count > 0,
		.prediction = &next->prediction,
		.firmware = &facts->firmware,
		.boot = &facts->boot,
		.kernels = facts->kernels,
		.running = &facts->cmdline,
		.modprobe = &facts->modprobe,
		.loads = &facts->loads,
		.images = &facts->images,
	};
	return check_foresight_open(&next->view, &next->foresight);
}

static void close_next(struct boot_next *next)
{
	check_foresight_close(&next->foresight);
	iommu_prediction_free(&next->prediction);
	pci_configs_free(next->configs, next->run->facts->devices.count);
	pci_topology_free(&next->topology);
}

static void set_wish(struct wish *wish, const char *driver, const char *place)
{
	snprintf(wish->driver, sizeof(wish->driver), "%s", driver);
	snprintf(wish->place, sizeof(wish->place), "%s", place);
}

static bool find_in_tab(const struct boot_next *next, size_t device, struct wish *wish)
{
	struct bootcfg_tab_entry place = {
		.kind = TAB_DEVICE,
		.address = next->view.devices->items[device].address,
	};
	const struct bootcfg_tab_line *line =
		bootcfg_tab_find(&next->foresight.tab, &place);
	char misfit[PCI_MISFIT_SIZE];

	if (!line ||
	    !pci_identity_fits(&line->entry.identity, &next->topology.nodes[device],
			       &next->configs[device], misfit))
		return false;
	set_wish(wish, line->entry.to, "/etc/pciferry.tab");
	wish->in_tab = true;
	return true;
}

/* The last of these that a boot would come to counts. */
static int find_wish(const struct boot_next *next, size_t device, size_t kernel,
		     struct wish *wish)
{
	const struct bootcfg_next_boot *boot = &next->foresight.starts[kernel].boot;
	const struct pci_device *of = &next->view.devices->items[device];
	const struct bootcfg_parameter *word;
	struct bootcfg_override override;
	_cleanup_free_ char *ids = NULL;
	const char *file;
	char place[320];
	int r;

	*wish = (struct wish){ 0 };
	if (of->ids != FACT_KNOWN || find_in_tab(next, device, wish))
		return 0;
	r = bootcfg_override_of(boot->overrides, &next->topology.nodes[device],
				&override);
	if (r < 0)
		return r;
	if (override.fact == FACT_KNOWN && iommu_is_vfio_driver(override.driver)) {
		set_wish(wish, override.driver, override.place);
		return 0;
	}
	word = bootcfg_find_parameter(boot->cmdline, "vfio-pci.ids");
	r = bootcfg_find_ids(boot->modprobe, "vfio-pci", &ids, &file);
	if (r < 0)
		return r;
	if (word && word->value && bootcfg_ids_have(word->value, of)) {
		set_wish(wish, "vfio-pci", "vfio-pci.ids on the command line");
	} else if (!(word && word->value) && ids && bootcfg_ids_have(ids, of)) {
		snprintf(place, sizeof(place), "/%.300s", file);
		set_wish(wish, "vfio-pci", place);
	}
	return 0;
}

static int fix(const struct boot_next *next, const struct wish *wish, size_t kernel,
	       const struct bootcfg_next *found, const char *address)
{
	const struct check_start *start = &next->foresight.starts[kernel];

	if (!wish->in_tab)
		return check_fix(next->run,
				 "pciferry apply %s binds it by its address, ahead of all"
				 " drivers",
				 address);
	if (found->cause == NEXT_DISARMED)
		return check_fix(next->run,
				 "take that word off the kernel's command line");
	if (found->cause == NEXT_IOMMU_OFF)
		return check_fix(next->run, "pciferry check --only iommu tells how the"
					    " IOMMU is turned on");
	if (found->cause == NEXT_OTHER_DEVICE)
		return check_fix(next->run, "pciferry apply %s writes the lines anew",
				 address);
	return check_fix(next->run, "%s",
			 check_rebuild_image(next->run->facts, start->image.builder));
}

static int tell(struct boot_next *next, const struct wish *wish, size_t device,
		size_t kernel, const struct bootcfg_next *found, bool all)
{
	bool holds = found->fact == FACT_KNOWN &&
		     bootcfg_same_name(found->driver, wish->driver);
	enum check_status status = holds			    ? CHECK_PASS
				   : found->fact == FACT_UNREADABLE ? CHECK_UNKNOWN
								    : CHECK_FAIL;
	const char *release = next->foresight.starts[kernel].boot.kernel->release;
	char address[PCI_ADDRESS_SIZE];
	int r;

	pci_address_format(&next->view.devices->items[device].address, address);
	next->told++;
	r = check_tell(next->run, status, address, "%s %s%s: %s", check_next_name(found),
		       all ? "with each kernel" : "with ", all ? "" : release,
		       found->reason);
	if (r < 0 || status == CHECK_PASS)
		return r;
	r = check_why(next->run, "%s wants %s for it", wish->place, wish->driver);
	return r < 0 || status == CHECK_UNKNOWN ? r
						: fix(next, wish, kernel, found, address);
}

/* One finding where all kernels come to the same. */
static int look_at_device(struct boot_next *next, size_t device)
{
	size_t n = next->foresight.count;
	_cleanup_free_ struct bootcfg_next *found = calloc(n + 1, sizeof(*found));
	_cleanup_free_ struct wish *wishes = calloc(n + 1, sizeof(*wishes));
	bool all = true;
	int r = 0;

	if (!found || !wishes)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = find_wish(next, device, i, &wishes[i]);
		if (r == 0 && wishes[i].driver[0])
			r = check_foresee(&next->foresight, device, i, &found[i]);
		all &= wishes[i].driver[0] && check_next_is_same(&found[i], &found[0]) &&
		       !strcmp(wishes[i].driver, wishes[0].driver);
	}
	for (size_t i = 0; r == 0 && i < (all ? n > 0 : n); i++)
		if (wishes[i].driver[0])
			r = tell(next, &wishes[i], device, i, &found[i], all);
	return r;
}

int check_boot_next(struct check_run *run)
{
	struct boot_next next = { .run = run };
	int r = open_next(run, &next);

	for (size_t i = 0; r == 0 && i < run->facts->devices.count; i++)
		r = look_at_device(&next, i);
	if (r == 0 && !next.told)
		r = check_tell(run, CHECK_PASS, NULL,
			       "no setting wants a device for a guest at boot");
	close_next(&next);
	return r == -ENOMEM || r == 0
		       ? r
		       : check_tell(run, CHECK_UNKNOWN, NULL,
				    "the devices could not be read: %s", strerror(-r));
}
