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

static int identify(const struct plan_view *view, const struct bootcfg_tab *tab,
		    struct plan_member *member, struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, &member->address);
	const struct bootcfg_tab_entry *entry = plan_tab_find(tab, &member->address);
	size_t index = (size_t)(device - view->devices.items);
	char text[PCI_ADDRESS_SIZE];

	snprintf(member->driver, sizeof(member->driver), "%s",
		 entry ? entry->to : "vfio-pci");
	if (entry) {
		member->identity = entry->identity;
		return 0;
	}
	if (pci_identity_of(&view->topology.nodes[index], &view->configs[index],
			    &member->identity) == 0)
		return 0;
	error_set(err, ENODATA, pci_address_format(&member->address, text),
		  "what it is, or where it sits, could not be read");
	error_hint(err, "a device is bound at boot only where it is known again");
	return -ENODATA;
}

int plan_identify(const struct plan_view *view, const struct bootcfg_tab *tab,
		  struct plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = identify(view, tab, &plan->members[i], err);
	return r;
}

/* The tab as it will be; empty where there will be none. */
static int read_tab(const struct plan_view *view, const struct change_edits *edits,
		    struct bootcfg_tab *tab)
{
	const struct change_edit *edit = change_edit_find(edits, BOOTCFG_TAB);
	int r;

	if (edit)
		return bootcfg_tab_parse(edit->bytes, edit->len, tab);
	r = bootcfg_tab_read(view->host, BOOTCFG_TAB, tab);
	return r == -ENOENT ? 0 : r;
}

/* What an image binds, and this tab does not. */
static int find_released(const struct bootcfg_tab *old, const struct bootcfg_tab *tab,
			 struct string_list *ret_released)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < old->count; i++) {
		const struct bootcfg_tab_entry *entry = &old->lines[i].entry;
		char address[PCI_ADDRESS_SIZE];

		if (old->lines[i].bad || entry->kind != TAB_DEVICE ||
		    plan_tab_find(tab, &entry->address))
			continue;
		pci_address_format(&entry->address, address);
		if (!string_list_has(ret_released, address))
			r = string_list_add(ret_released, address);
	}
	return r;
}

/* Tools that make images are due where one of them binds other devices. */
static int look_at_images(const struct plan_view *view, const struct plan_images *images,
			  bool from_tab, struct plan *plan)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	bool is_due = from_tab && images->is_unknown;
	int r = read_tab(view, &plan->edits, &tab);

	for (size_t i = 0; r == 0 && i < images->tabs.count; i++) {
		_cleanup_(bootcfg_tab_free) struct bootcfg_tab old = { 0 };
		const char *copy = images->tabs.items[i];

		r = bootcfg_tab_parse(copy, strlen(copy), &old);
		is_due |= !bootcfg_tab_same_devices(&old, &tab);
		if (r == 0)
			r = find_released(&old, &tab, &plan->released);
	}
	for (size_t i = 0; i < plan->edits.count; i++)
		if (plan->edits.items[i].kind == EDIT_RUN)
			plan->edits.items[i].is_due = is_due;
	return r;
}

struct boot_binding *plan_bindings(const struct plan *plan)
{
	struct boot_binding *bindings = calloc(plan->count + 1, sizeof(*bindings));

	for (size_t i = 0; bindings && i < plan->count; i++)
		bindings[i] = (struct boot_binding){
			.address = plan->members[i].address,
			.identity = plan->members[i].identity,
			.driver = plan->members[i].driver,
		};
	return bindings;
}

int plan_edit_bindings(const struct plan_view *view, const struct plan_images *images,
		       bool from_tab, struct plan *plan, struct error *err)
{
	_cleanup_free_ struct boot_binding *bindings = NULL;
	int r;

	bindings = plan_bindings(plan);
	if (!bindings)
		return error_oom(err);
	r = boot_edit_bindings(view->host, bindings, plan->count, &plan->edits,
			       &plan->instructions, err);
	if (r < 0)
		return r;
	r = look_at_images(view, images, from_tab, plan);
	return r == -ENOMEM ? error_oom(err)
	       : r < 0	    ? error_set(err, -r, "/etc/pciferry.tab", "%s", strerror(-r))
			    : 0;
}
