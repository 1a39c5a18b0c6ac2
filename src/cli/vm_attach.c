/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry vm attach: gives devices to a domain that is there, and to its running guest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "cli/vm.h"
#include "cli/vm_functions.h"
#include "cli/vm_target.h"
#include "cli/vm_uses.h"
#include "vm/splice.h"

/*
 * What of the functions a side does not have yet: all, where it is not there. Tells of
 * the others, by what `where` calls the side; NULL: of none.
 */
static int pick_missing(const struct vm_side *side, const struct vm_functions *functions,
			const char *where, struct vm_functions *missing,
			struct error *err)
{
	char text[PCI_ADDRESS_SIZE];

	missing->items = calloc(functions->count, sizeof(*missing->items));
	if (!missing->items)
		return error_oom(err);
	for (size_t i = 0; i < functions->count; i++) {
		const struct vm_function *function = &functions->items[i];

		if (!vm_definition_find(&side->definition, &function->host))
			missing->items[missing->count++] = *function;
		else if (where)
			output_talk("%s: the %s has it already",
				    pci_address_format(&function->host, text), where);
	}
	return 0;
}

/* What a side that is meant does not have yet, with their places there. */
static int take_missing(const struct cli *cli, const struct vm_target *target,
			const struct vm_side *side, const struct vm_functions *functions,
			struct vm_functions *missing, struct error *err)
{
	_cleanup_(vm_functions_free) struct vm_functions others = { 0 };
	bool runs = side == &target->live;
	const struct vm_side *other = runs ? &target->config : &target->live;
	const char *where = runs ? "running guest" : "definition";
	int r;

	if (!side->is_meant)
		return 0;
	r = pick_missing(side, functions, cli->quiet ? NULL : where, missing, err);
	if (r == 0 && !missing->count)
		r = pick_missing(other, functions, NULL, &others, err);
	if (r < 0)
		return r;
	if (!missing->count) {
		error_set(err, EEXIST, target->name,
			  runs ? "the running guest has them already"
			       : "its definition has them already");
		if (other->text && others.count)
			error_hint(err, runs ? "--config adds them to what it starts with"
					     : "--live adds them to the running guest");
		return -EEXIST;
	}
	vm_definition_place(&side->definition, runs, missing->items, missing->count);
	return 0;
}

/* A text of another domain's that names one of the functions. */
static bool names_one(const char *name, const char *xml,
		      const struct vm_functions *functions, char text[PCI_ADDRESS_SIZE],
		      struct error *err, int *ret_r)
{
	_cleanup_(vm_definition_free) struct vm_definition definition = { 0 };

	*ret_r = vm_definition_read(xml, strlen(xml), &definition, err);
	if (*ret_r == -EINVAL) {
		error_clear(err);
		error_set(err, EINVAL, name,
			  "whether this other domain has a device cannot be told: what"
			  " libvirt has of it is no definition");
		error_hint(err,
			   "virsh edit %s mends it; --shared does not ask what does"
			   " not run",
			   name);
	}
	for (size_t i = 0; *ret_r == 0 && i < functions->count; i++)
		if (vm_definition_find(&definition, &functions->items[i].host)) {
			pci_address_format(&functions->items[i].host, text);
			return true;
		}
	return false;
}

/* Two guests that have a device cannot run at the same time. */
static int look_at_others(const struct vm_target *target, bool shared,
			  const struct vm_functions *functions, struct error *err)
{
	_cleanup_(vm_domain_list_free) struct vm_domain_list list = { 0 };
	bool found = false, running = false;
	int r = vm_list_domains(target->connection, &list, err);

	for (size_t i = 0; r == 0 && i < list.count; i++) {
		const struct vm_domain_texts *other = &list.items[i];
		char text[PCI_ADDRESS_SIZE];
		bool runs, has;

		if (!strcmp(other->name, target->name))
			continue;
		has = runs = other->live && names_one(other->name, other->live, functions,
						      text, err, &r);
		if (!has && r == 0 && other->config && !shared)
			has = names_one(other->name, other->config, functions, text, err,
					&r);
		if (!has)
			continue;
		if (!found)
			error_refuse(err, target->name, "another guest has the device");
		error_evidence(err, "%s: %s has it%s", text, other->name,
			       runs ? ", and runs" : "");
		found = true;
		running |= runs;
	}
	if (r < 0 || !found)
		return r;
	error_hint(err, running ? "take it away there: pciferry vm detach"
				: "--shared lets both have it; only one of them can run");
	return -EBUSY;
}

/*
 * libvirt takes one function at a time, and VFIO opens a group only when each member is
 * free: others have to be bound before. Those that are bound stay so when the guest lets
 * go of them, since someone bound them.
 */
static int look_at_groups(const struct cli_view *view,
			  const struct vm_functions *functions, struct error *err)
{
	for (size_t i = 0; i < functions->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &functions->items[i].host);
		const struct iommu_group *group =
			iommu_group_of(&view->groups, device, NULL);

		for (size_t j = 0; group && j < group->count; j++) {
			const struct pci_device *member = group->members[j];
			char text[PCI_ADDRESS_SIZE], other[PCI_ADDRESS_SIZE];
			const char *driver;

			if (member == device || iommu_member_allows_vfio(member, &driver))
				continue;
			pci_address_format(&device->address, text);
			pci_address_format(&member->address, other);
			error_refuse(err, text, "its group is not free as a whole");
			error_evidence(err, "%s: driver %s", other,
				       driver ? driver : "not known");
			error_hint(err, "bind the group first: pciferry bind %s", text);
			return -EBUSY;
		}
	}
	return 0;
}

/* VFIO gives a guest only what is in a group: one that runs is not asked in vain. */
static int look_for_groups(const struct cli *cli, const struct cli_view *view,
			   const struct vm_functions *functions, bool runs,
			   struct error *err)
{
	for (size_t i = 0; i < functions->count; i++) {
		char text[PCI_ADDRESS_SIZE];
		enum fact fact;

		iommu_group_of(&view->groups,
			       pci_find(&view->devices, &functions->items[i].host),
			       &fact);
		pci_address_format(&functions->items[i].host, text);
		if (fact == FACT_ABSENT && runs) {
			error_set(err, ENODEV, text,
				  "it is in no IOMMU group, and goes to no guest");
			error_hint(err, "pciferry check tells how to turn the IOMMU on");
			return -ENODEV;
		}
		if (fact == FACT_ABSENT && !cli->quiet)
			output_talk("%s is in no IOMMU group: no guest starts with it"
				    " before the IOMMU is on (pciferry check)",
				    text);
	}
	return 0;
}

/* vm create asks firmware and QEMU for more; here neither is touched. */
static void tell_window(const struct cli *cli, const struct cli_view *view,
			const struct vm_functions *functions)
{
	uint64_t window = vm_uses_measure_window(cli, view, functions);

	if (window > VM_USUAL_WINDOW && !cli->quiet)
		output_talk("the devices' memory takes %llu GiB above 4 GiB, more than a"
			    " guest has unasked: vm create --xml shows how to ask",
			    (unsigned long long)(window >> 30));
}

static void tell_places(const struct cli *cli, const struct vm_target *target,
			const struct vm_functions *functions, bool runs)
{
	for (size_t i = 0; i < functions->count && !cli->quiet; i++) {
		const struct vm_function *function = &functions->items[i];
		char text[PCI_ADDRESS_SIZE], place[32] = "where libvirt finds room";

		if (!function->unplaced)
			snprintf(place, sizeof(place), "%02x:00.%u", function->port,
				 function->function);
		output_talk("%s: %s at %s in the %s", target->name,
			    pci_address_format(&function->host, text), place,
			    runs ? "running guest" : "guest");
	}
}

static int make_config(const struct vm_target *target,
		       const struct vm_functions *functions, char **ret_edited,
		       size_t *ret_len, struct error *err)
{
	const struct vm_guest guest = {
		.functions = functions->items,
		.n_functions = functions->count,
		.hands_over = target->config.definition.asks,
	};
	_cleanup_free_ char *elements = NULL;
	int r = vm_define_functions(&guest, &elements, err);

	if (r == 0)
		r = vm_splice_add(target->config.text, target->config.len, elements,
				  ret_edited, ret_len, err);
	return r;
}

static int plug_one(const struct cli_view *view, const struct vm_target *target,
		    const struct vm_function *function, struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, &function->host);
	const struct vm_guest guest = {
		.functions = function,
		.n_functions = 1,
		.hands_over = device->driver && iommu_is_vfio_driver(device->driver),
	};
	_cleanup_free_ char *element = NULL;
	int r = vm_define_functions(&guest, &element, err);

	if (r == 0)
		r = vm_plug(target->connection, target->name, element, err);
	return r;
}

static int plug(const struct cli_view *view, const struct vm_target *target,
		const struct vm_functions *functions, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];
	int r = 0;

	for (size_t i = 0; r == 0 && i < functions->count; i++) {
		r = plug_one(view, target, &functions->items[i], err);
		for (size_t j = 0; r < 0 && j < i; j++)
			error_evidence(
				err, "the running guest has %s: pciferry vm detach %s %s",
				pci_address_format(&functions->items[j].host, text),
				target->name, text);
	}
	return r;
}

static void tell_not_saved(const struct vm_target *target,
			   const struct vm_functions *live, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < live->count; i++)
		error_evidence(err,
			       "the running guest has %s: pciferry vm attach %s %s"
			       " --config has it at the next start, too",
			       pci_address_format(&live->items[i].host, text),
			       target->name, text);
}

/*
 * What it starts with is written last: until then nothing of it has to be put back, which
 * could write over what someone else has made of it.
 */
static int attach(const struct cli *cli, const struct cli_view *view,
		  const struct vm_target *target, const struct vm_functions *config,
		  const struct vm_functions *live, struct error *err)
{
	_cleanup_free_ char *edited = NULL;
	size_t len = 0;
	int r = 0;

	if (config->count)
		r = make_config(target, config, &edited, &len, err);
	if (r == 0)
		r = plug(view, target, live, err);
	if (r < 0)
		return r;
	if (edited)
		r = vm_target_save(target, edited, len, err);
	if (r < 0) {
		tell_not_saved(target, live, err);
		return r;
	}
	tell_places(cli, target, config, false);
	tell_places(cli, target, live, true);
	return 0;
}

static int look(const struct cli *cli, struct cli_view *view,
		const struct vm_target_request *request, const struct vm_target *target,
		const struct vm_functions *functions, const struct vm_functions *config,
		const struct vm_functions *live, struct error *err)
{
	_cleanup_(vm_functions_free) struct vm_functions others = { 0 };
	enum vm_uses when = live->count			     ? VM_USES_NOW
			    : target->config.definition.asks ? VM_USES_HOOK
							     : VM_USES_LATER;
	int r = look_for_groups(cli, view, functions, live->count, err);

	if (r == 0 && config->count && target->config.definition.asks)
		r = vm_uses_find_hook(view->host, target->name, err);
	if (r == 0)
		tell_window(cli, view, functions);
	if (r == 0 && target->connection)
		r = look_at_others(target, request->shared, functions, err);
	/* What the guest runs with is in use by itself. */
	if (r == 0)
		r = pick_missing(&target->live, functions, NULL, &others, err);
	if (r == 0)
		r = vm_uses_look(cli, view, &others, target->name, when, err);
	return r == 0 && live->count ? look_at_groups(view, live, err) : r;
}

static int run_attach(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(vm_target_request_free) struct vm_target_request request = { 0 };
	_cleanup_(vm_target_close) struct vm_target target = { 0 };
	_cleanup_(vm_functions_free) struct vm_functions functions = { 0 };
	_cleanup_(vm_functions_free) struct vm_functions config = { 0 }, live = { 0 };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	const char *name;
	int words, r;

	r = vm_target_parse(cli, VM_TARGET_ATTACH, argc, argv, &request, &name, &words,
			    err);
	if (r == 0)
		r = vm_functions_select(cli, &view, argc - words, argv + words,
					request.all_matching, &functions, err);
	for (size_t i = 0; r == 0 && i < request.roms.count; i++)
		r = vm_functions_set_rom(&view, &functions, request.roms.items[i], err);
	for (size_t i = 0; r == 0 && i < request.macs.count; i++)
		r = vm_functions_set_mac(&view, &functions, request.macs.items[i], err);
	if (r == 0)
		r = vm_target_open(view.host, &request, name, &target, err);
	if (r == 0)
		r = take_missing(cli, &target, &target.config, &functions, &config, err);
	if (r == 0)
		r = take_missing(cli, &target, &target.live, &functions, &live, err);
	if (r == 0)
		r = look(cli, &view, &request, &target, &functions, &config, &live, err);
	return r == 0 ? attach(cli, &view, &target, &config, &live, err) : r;
}

const struct cli_command cli_vm_attach = {
	.name = "vm attach",
	.arguments = "DOMAIN DEVICE... [OPTION...]",
	.summary = "give devices to a domain that is there",
	.options =
		"Devices go with all of their groups.\n\n"
		"  --config         only to what the guest starts with\n"
		"  --live           only to the running guest; else to both that there are\n"
		"  --rom DEVICE=FILE  an option ROM instead of the device's own\n"
		"  --mac DEVICE=MAC[,VLAN]  of a network card's virtual function\n"
		"  --shared         other guests that do not run may have them, too\n"
		"  --all-matching   IDs may mean several devices\n"
		"  --connect URI    another libvirt (qemu:///system)\n"
		"  --xml FILE       no DOMAIN: print the file with the devices in it\n",
	.run = run_attach,
};
