/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/functions.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "pci/config.h"
#include "pci/topology.h"
#include "plan/internal.h"
#include "plan/trial.h"

/* A physical function that guests get has no driver that could make any. */
static int refuse_given_away(const struct bootcfg_tab *tab,
			     const struct pci_address *physical, struct error *err)
{
	const struct bootcfg_tab_entry *entry = plan_tab_find(tab, physical);
	char address[PCI_ADDRESS_SIZE];

	if (!entry)
		return 0;
	pci_address_format(physical, address);
	error_refuse(err, address,
		     "/etc/pciferry.tab gives it to %s at each boot, which makes no"
		     " virtual functions: nothing was changed",
		     entry->to);
	error_hint(err, "take that line out, and pciferry apply");
	return -EPERM;
}

/* The other way round: one that makes virtual functions at each boot stays for that. */
int plan_refuse_makers(const struct plan_view *view, const struct plan *plan,
		       struct error *err)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	int r = plan_tab_read_or_empty(view->host, &tab, err);

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct bootcfg_tab_entry place = {
			.kind = TAB_VF, .address = plan->members[i].address
		};
		char address[PCI_ADDRESS_SIZE];

		if (!bootcfg_tab_find(&tab, &place))
			continue;
		pci_address_format(&place.address, address);
		error_refuse(err, address,
			     "/etc/pciferry.tab has virtual functions of it made at each"
			     " boot, by the driver that it would lose: nothing was"
			     " changed");
		error_hint(err, "pciferry vf %s 0 --persist ends that", address);
		r = -EPERM;
	}
	return r;
}

/* By which the line knows it again. */
static int identify(const struct host *host, const struct pci_address *physical,
		    struct pci_identity *ret_identity, struct error *err)
{
	_cleanup_(pci_topology_free) struct pci_topology topology = { 0 };
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	struct pci_config *configs = NULL;
	const struct pci_device *device;
	char address[PCI_ADDRESS_SIZE];
	int r = pci_scan(host, &devices, err);

	if (r == 0)
		r = pci_topology_read(host, &devices, &topology, err);
	if (r < 0)
		return r;
	pci_address_format(physical, address);
	device = pci_find(&devices, physical);
	if (!device)
		return error_set(err, ENODEV, address, "no such device");
	if (pci_configs_read(host, &devices, PCI_LET_SLEEP, &configs) < 0)
		return error_oom(err);
	r = pci_identity_of(&topology.nodes[device - devices.items],
			    &configs[device - devices.items], ret_identity);
	pci_configs_free(configs, devices.count);
	return r < 0 ? error_set(err, ENODATA, address,
				 "what it is, or where it sits, could not be read")
		     : 0;
}

/* A set line's words for the device itself, and its settings of functions. */
static int split_words(const struct bootcfg_tab_line *line, struct string_list *others,
		       struct bind_function_settings *settings, struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	int r = plan_own_words(line->entry.to, others);

	if (r == 0)
		r = bind_function_settings_add_words(settings, line->entry.to, &failure);
	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0) {
		error_set(err, -r, PLAN_TAB, "line %u: %s: %s", line->number,
			  failure.subject, failure.message);
		error_hint(err, "edit that line");
	}
	return r;
}

/*
 * What the set line has to say afterwards; the caller frees it. One that is there for
 * another device than the one that sits there now is of no use.
 */
static int make_settings(const struct bootcfg_tab *tab,
			 const struct plan_functions_request *request,
			 const struct pci_identity *identity, char **ret_settings,
			 struct error *err)
{
	_cleanup_(bind_function_settings_free) struct bind_function_settings settings = {
		0
	};
	_cleanup_(string_list_free) struct string_list words = { 0 };
	_cleanup_free_ char *of_functions = NULL;
	const struct bootcfg_tab_entry place = { .kind = TAB_SET,
						 .address = request->physical };
	char ours[PCI_IDENTITY_TEXT_SIZE], theirs[PCI_IDENTITY_TEXT_SIZE];
	const struct bootcfg_tab_line *line = bootcfg_tab_find(tab, &place);
	int r = 0;

	if (line && !strcmp(pci_identity_write(identity, ours),
			    pci_identity_write(&line->entry.identity, theirs)))
		r = split_words(line, &words, &settings, err);
	if (r < 0)
		return r;
	if (bind_function_settings_merge(&settings, request->settings) < 0)
		return error_oom(err);
	of_functions = bind_function_settings_write(&settings, request->count);
	if (!of_functions || (*of_functions && string_list_add(&words, of_functions) < 0))
		return error_oom(err);
	*ret_settings = string_list_join(&words, " ");
	return *ret_settings ? 0 : error_oom(err);
}

int plan_functions(const struct host *host, const struct plan_functions_request *request,
		   struct change_edits *ret_edits, struct string_list *ret_instructions,
		   struct error *err)
{
	struct boot_functions functions = {
		.physical = request->physical,
		.count = request->count,
		.driver = request->driver,
	};
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	_cleanup_free_ char *settings = NULL;
	int r = plan_refuse_pending(host, err);

	if (r == 0)
		r = plan_tab_read_or_empty(host, &tab, err);
	if (r == 0 && request->count)
		r = refuse_given_away(&tab, &request->physical, err);
	if (r == 0)
		r = identify(host, &request->physical, &functions.identity, err);
	if (r == 0)
		r = make_settings(&tab, request, &functions.identity, &settings, err);
	functions.settings = settings;
	if (r == 0)
		r = boot_edit_functions(host, &functions, ret_edits, ret_instructions,
					err);
	if (r == -EINVAL && request->driver) {
		error_clear(err);
		return error_usage(err, request->driver,
				   "/etc/pciferry.tab names drivers for guests alone:"
				   " vfio-pci, its variants, pci-stub");
	}
	return r == 0 ? change_edits_look(host, ret_edits, err) : r;
}
