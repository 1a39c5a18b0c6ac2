/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which driver each member has at boot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/boot.h"
#include "pci/identity.h"
#include "plan/internal.h"

static int identify(const struct plan_view *view, const struct plan_member *member,
		    struct boot_binding *ret_binding, struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, &member->address);
	size_t index = (size_t)(device - view->devices.items);
	char text[PCI_ADDRESS_SIZE];

	*ret_binding =
		(struct boot_binding){ .address = member->address, .driver = "vfio-pci" };
	if (pci_identity_of(&view->topology.nodes[index], &view->configs[index],
			    &ret_binding->identity) == 0)
		return 0;
	error_set(err, ENODATA, pci_address_format(&member->address, text),
		  "what it is, or where it sits, could not be read");
	error_hint(err, "a device is bound at boot only where it is known again");
	return -ENODATA;
}

int plan_identify(const struct plan_view *view, const struct plan *plan,
		  struct boot_binding **ret_bindings, struct error *err)
{
	_cleanup_free_ struct boot_binding *bindings = NULL;
	int r = 0;

	bindings = calloc(plan->count + 1, sizeof(*bindings));
	if (!bindings)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = identify(view, &plan->members[i], &bindings[i], err);
	if (r == 0)
		*ret_bindings = steal(bindings);
	return r;
}

int plan_edit_bindings(const struct plan_view *view, struct plan *plan, struct error *err)
{
	_cleanup_free_ struct boot_binding *bindings = NULL;
	int r = plan_identify(view, plan, &bindings, err);

	return r < 0 ? r
		     : boot_edit_bindings(view->host, bindings, plan->count, &plan->edits,
					  &plan->instructions, err);
}
