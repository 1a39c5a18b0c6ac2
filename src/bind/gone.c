/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that are no longer there, of which something is kept: nobody has them to give
 * back, but what was stopped for them can begin again.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"

static const char *const kinds[] = { BIND_SETTINGS_KEPT, BIND_DISPLAY_KEPT,
				     BIND_PROBING_KEPT, BIND_GUEST_KEPT };

static bool is_kept(const struct host *host, const char *name)
{
	_cleanup_free_ char *text = NULL;

	return change_read_state(host, name, &text) == 0;
}

bool bind_is_kept(const struct host *host, const struct pci_address *address)
{
	char text[PCI_ADDRESS_SIZE], name[BIND_KEPT_NAME_SIZE];
	bool found = is_kept(host, pci_address_format(address, text));

	for (size_t i = 0; !found && i < ARRAY_SIZE(kinds); i++)
		found = is_kept(host, bind_kept_name(address, kinds[i], name));
	return found;
}

int bind_plan_add_gone(struct bind_plan *plan, const struct pci_address *address,
		       struct error *err)
{
	struct bind_member *larger;

	for (size_t i = 0; i < plan->n_gone; i++)
		if (!pci_address_compare(&plan->gone[i].address, address))
			return 0;
	larger = reallocarray(plan->gone, plan->n_gone + 1, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	plan->gone = larger;
	larger[plan->n_gone++] = (struct bind_member){ .address = *address };
	return 0;
}

int bind_release_gone(struct change *change, const struct bind_member *member,
		      struct error *err)
{
	char address[PCI_ADDRESS_SIZE], name[BIND_KEPT_NAME_SIZE];
	int r;

	pci_address_format(&member->address, address);
	r = change_wait_for_device(change, address, 0, err);
	if (r == 0)
		r = bind_display_begin(change, member, err);
	if (r < 0)
		return r;
	/* Last the one without which the others count for nothing. */
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
		r = change_drop_state(change,
				      bind_kept_name(&member->address, kinds[i], name));
	if (r == 0)
		r = change_drop_state(change, address);
	return r < 0 ? error_set(err, -r, address,
				 "what was kept of it in /run/pciferry cannot be"
				 " removed")
		     : 0;
}
