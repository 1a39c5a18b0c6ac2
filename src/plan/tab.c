/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /etc/pciferry.tab as the wish. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/internal.h"

static const char path[] = PLAN_TAB;

int plan_tab_read(const struct host *host, const char *file, struct bootcfg_tab *ret_tab,
		  struct error *err)
{
	int r = bootcfg_tab_read(host, file + 1, ret_tab);

	if (r == -ENOENT) {
		error_set(err, ENOENT, file, "there is none");
		error_hint(err, "pciferry apply DEVICE writes it");
		return r;
	}
	if (r == -ENOMEM)
		return error_oom(err);
	return r < 0 ? error_set(err, -r, file, "%s", strerror(-r)) : 0;
}

int plan_tab_read_or_empty(const struct host *host, struct bootcfg_tab *tab,
			   struct error *err)
{
	struct error failure = ERROR_INIT;
	int r = plan_tab_read(host, PLAN_TAB, tab, &failure);

	if (r < 0 && r != -ENOENT) {
		*err = failure;
		return r;
	}
	error_clear(&failure);
	return 0;
}

/* What is wrong with a line, in words; "": nothing. */
static void judge(const struct plan_view *view, const struct bootcfg_tab_line *line,
		  char misfit[PCI_MISFIT_SIZE])
{
	const struct pci_device *device;
	size_t index;

	misfit[0] = '\0';
	if (line->bad) {
		snprintf(misfit, PCI_MISFIT_SIZE, "%s", line->bad);
		return;
	}
	if (line->entry.kind != TAB_DEVICE)
		return;
	device = pci_find(&view->devices, &line->entry.address);
	index = (size_t)(device - view->devices.items);
	if (!device)
		snprintf(misfit, PCI_MISFIT_SIZE, "nothing is at this address");
	else
		pci_identity_fits(&line->entry.identity, &view->topology.nodes[index],
				  &view->configs[index], misfit);
}

int plan_tab_check(const struct plan_view *view, const struct bootcfg_tab *tab,
		   struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < tab->count; i++) {
		const struct bootcfg_tab_line *line = &tab->lines[i];
		char misfit[PCI_MISFIT_SIZE], address[PCI_ADDRESS_SIZE];

		judge(view, line, misfit);
		if (!misfit[0])
			continue;
		if (!r) {
			r = error_refuse(err, path,
					 "not each line of it can come true: nothing was"
					 " changed");
			error_hint(err, "mend these lines, or take them out; pciferry"
					" list shows what is there");
		}
		if (line->bad)
			error_evidence(err, "line %u: %s", line->number, misfit);
		else
			error_evidence(err, "line %u: %s: %s", line->number,
				       pci_address_format(&line->entry.address, address),
				       misfit);
	}
	return r;
}

static bool names_device(const struct bootcfg_tab_line *line)
{
	return !line->bad && line->entry.kind == TAB_DEVICE;
}

int plan_tab_devices(const struct bootcfg_tab *tab, struct pci_address **ret_addresses,
		     size_t *ret_count)
{
	struct pci_address *addresses = calloc(tab->count + 1, sizeof(*addresses));
	size_t count = 0;

	if (!addresses)
		return -ENOMEM;
	for (size_t i = 0; i < tab->count; i++)
		if (names_device(&tab->lines[i]))
			addresses[count++] = tab->lines[i].entry.address;
	*ret_addresses = addresses;
	*ret_count = count;
	return 0;
}

const struct bootcfg_tab_entry *plan_tab_find(const struct bootcfg_tab *tab,
					      const struct pci_address *address)
{
	const struct bootcfg_tab_entry place = { .kind = TAB_DEVICE,
						 .address = *address };
	const struct bootcfg_tab_line *line = bootcfg_tab_find(tab, &place);

	return line ? &line->entry : NULL;
}
