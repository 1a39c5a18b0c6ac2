/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver each member has at boot. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "plan/internal.h"

static int identify(const struct plan_view *view, struct plan_member *member,
		    struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, &member->address);
	size_t index = (size_t)(device - view->devices.items);
	char text[PCI_ADDRESS_SIZE];

	snprintf(member->driver, sizeof(member->driver), "vfio-pci");
	if (pci_identity_of(&view->topology.nodes[index], &view->configs[index],
			    &member->identity) == 0)
		return 0;
	error_set(err, ENODATA, pci_address_format(&member->address, text),
		  "what it is, or where it sits, could not be read");
	error_hint(err, "a device is bound at boot only where it is known again");
	return -ENODATA;
}

int plan_identify(const struct plan_view *view, struct plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = identify(view, &plan->members[i], err);
	return r;
}

int plan_edit_bindings(const struct plan_view *view, struct plan *plan, struct error *err)
{
	_cleanup_free_ struct boot_binding *bindings = NULL;

	bindings = calloc(plan->count + 1, sizeof(*bindings));
	if (!bindings)
		return error_oom(err);
	for (size_t i = 0; i < plan->count; i++)
		bindings[i] = (struct boot_binding){
			.address = plan->members[i].address,
			.identity = plan->members[i].identity,
			.driver = plan->members[i].driver,
		};
	return boot_edit_bindings(view->host, bindings, plan->count, &plan->edits,
				  &plan->instructions, err);
}
