/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry vm detach: takes devices from a domain, and from its running guest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "cli/vm.h"
#include "cli/vm_functions.h"
#include "cli/vm_target.h"
#include "vm/splice.h"

/* Elements of a side that name the functions, in their order there. */
struct elements {
	size_t *children;
	struct pci_address *functions; /* as many */
	size_t count;
};

static void elements_free(struct elements *elements)
{
	free(elements->children);
	free(elements->functions);
}

static bool is_one(const struct vm_functions *functions,
		   const struct pci_address *address)
{
	for (size_t i = 0; i < functions->count; i++)
		if (!pci_address_compare(&functions->items[i].host, address))
			return true;
	return false;
}

static int find_elements(const struct vm_target *target, const struct vm_side *side,
			 const struct vm_functions *functions,
			 struct elements *ret_elements, struct error *err)
{
	const struct vm_definition *definition = &side->definition;
	char text[PCI_ADDRESS_SIZE];

	ret_elements->children =
		calloc(definition->n_held + 1, sizeof(*ret_elements->children));
	ret_elements->functions =
		calloc(definition->n_held + 1, sizeof(*ret_elements->functions));
	if (!ret_elements->children || !ret_elements->functions)
		return error_oom(err);
	for (size_t i = 0; side->is_meant && i < definition->n_held; i++) {
		const struct vm_held *held = &definition->held[i];

		if (!is_one(functions, &held->host))
			continue;
		pci_address_format(&held->host, text);
		if (held->is_disk) {
			error_set(err, EINVAL, text, "it is in a <disk> of the domain");
			if (target->connection)
				error_hint(err,
					   "virsh domblklist %s shows its target;"
					   " virsh detach-disk %s TARGET, with --config"
					   " or --live, takes it away",
					   target->name, target->name);
			else
				error_hint(err, "take the <disk> out with an editor");
			return -EINVAL;
		}
		ret_elements->functions[ret_elements->count] = held->host;
		ret_elements->children[ret_elements->count++] = held->child;
	}
	return 0;
}

/*
 * One DEVICE. An address that a definition names counts also where this host has nothing
 * there any more, or a bridge, which never went to a guest. Adds what goes with a device,
 * as vm attach does.
 */
static int select_one(const struct cli_view *view, const struct vm_target *target,
		      bool all_matching, char *argument, struct vm_functions *functions,
		      struct error *err)
{
	const struct pci_device *device;
	struct pci_address address;
	bool is_address = pci_address_parse(argument, &address) == 0;

	device = is_address ? pci_find(&view->devices, &address) : NULL;
	if (is_address && (!device || iommu_member_stays(device)) &&
	    (vm_definition_find(&target->config.definition, &address) ||
	     vm_definition_find(&target->live.definition, &address)))
		return vm_functions_add(functions,
					&(struct vm_function){ .host = address }) < 0
			       ? error_oom(err)
			       : 0;
	return vm_functions_add_named(view, argument, all_matching, functions, err);
}

/*
 * libvirt gives back what it manages as soon as it is out
 * (virHostdevReAttachPCIDevices()). While the guest has another of the group, the kernel
 * refuses the host's driver, or, before 5.19, stops the system
 * (vfio_iommu_group_notifier()).
 */
static bool comes_back_early(const struct cli_view *view, const struct vm_target *target,
			     const struct vm_held *held)
{
	const struct pci_device *device = pci_find(&view->devices, &held->host);
	const struct iommu_group *group =
		device && held->managed ? iommu_group_of(&view->groups, device, NULL)
					: NULL;

	for (size_t i = 0; group && i < group->count; i++)
		if (group->members[i] != device &&
		    vm_definition_find(&target->live.definition,
				       &group->members[i]->address))
			return true;
	return false;
}

/* Before anything is changed. */
static int look_at_running(const struct cli_view *view, const struct vm_target *target,
			   const struct elements *live, struct error *err)
{
	for (size_t i = 0; i < live->count; i++) {
		const struct vm_held *held =
			vm_definition_find(&target->live.definition, &live->functions[i]);
		char text[PCI_ADDRESS_SIZE];

		if (!held->shares_slot && !comes_back_early(view, target, held))
			continue;
		error_refuse(err, pci_address_format(&held->host, text),
			     "the running guest of %s cannot let go of it", target->name);
		/* qemuIsMultiFunctionDevice() */
		error_evidence(err, "%s",
			       held->shares_slot
				       ? "it shares a slot of the guest with another"
					 " device, and libvirt takes nothing out of one"
				       : "libvirt would give it back at once, while the"
					 " guest still has another of its group");
		error_hint(err, "--config takes it away at the next start; or shut the"
				" guest down first");
		return -EBUSY;
	}
	return 0;
}

/* The first of them, whatever else was to happen. */
static void tell_out(const struct vm_target *target, const struct elements *elements,
		     size_t count, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < count; i++)
		error_evidence(err, "%s is no longer in the running guest of %s",
			       pci_address_format(&elements->functions[i], text),
			       target->name);
}

static int unplug(const struct vm_target *target, const struct vm_target_request *request,
		  const struct elements *elements, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < elements->count; i++) {
		_cleanup_free_ char *element = NULL;

		r = vm_splice_copy(target->live.text, target->live.len,
				   elements->children[i], &element, err);
		if (r == 0)
			r = vm_unplug(target->connection, target->name, element,
				      &elements->functions[i], request->deadline_ms, err);
		if (r < 0)
			tell_out(target, elements, i, err);
	}
	return r;
}

static void tell(const struct cli *cli, const struct vm_target *target,
		 const struct elements *elements, bool runs)
{
	char text[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < elements->count && !cli->quiet; i++)
		output_talk("%s: %s is no longer in the %s", target->name,
			    pci_address_format(&elements->functions[i], text),
			    runs ? "running guest" : "guest");
}

/* What is bound before it is plugged in stays so; else libvirt has given it back. */
static void tell_drivers(const struct cli *cli, const struct cli_view *view,
			 const struct elements *elements)
{
	for (size_t i = 0; i < elements->count && !cli->quiet; i++) {
		char text[PCI_ADDRESS_SIZE], path[PCI_ATTRIBUTE_PATH_SIZE], driver[64];
		enum fact fact = host_link_name(
			view->host,
			pci_attribute_path(&elements->functions[i], "driver", path),
			driver, sizeof(driver));

		pci_address_format(&elements->functions[i], text);
		if (fact == FACT_KNOWN && iommu_is_vfio_driver(driver))
			output_talk("%s is not given back: pciferry release %s", text,
				    text);
		else if (fact == FACT_ABSENT)
			output_talk("%s has no driver of the host's now", text);
	}
}

/*
 * The guest first: until it has let go, what it starts with is as it was, also when the
 * wait is broken off. Once more, this takes away what is left.
 */
static int detach(const struct cli *cli, const struct cli_view *view,
		  const struct vm_target_request *request, const struct vm_target *target,
		  const struct elements *config, const struct elements *live,
		  struct error *err)
{
	_cleanup_free_ char *edited = NULL;
	size_t len = 0;
	int r = 0;

	if (config->count)
		r = vm_splice_remove(target->config.text, target->config.len,
				     config->children, config->count, &edited, &len, err);
	if (r == 0)
		r = unplug(target, request, live, err);
	if (r < 0)
		return r;
	if (edited)
		r = vm_target_save(target, edited, len, err);
	if (r < 0) {
		tell_out(target, live, live->count, err);
		return r;
	}
	tell(cli, target, config, false);
	tell(cli, target, live, true);
	tell_drivers(cli, view, live);
	return 0;
}

static int run_detach(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(vm_target_request_free) struct vm_target_request request = { 0 };
	_cleanup_(vm_target_close) struct vm_target target = { 0 };
	_cleanup_(vm_functions_free) struct vm_functions functions = { 0 };
	_cleanup_(elements_free) struct elements config = { 0 }, live = { 0 };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	const char *name;
	int words, r;

	r = vm_target_parse(cli, VM_TARGET_DETACH, argc, argv, &request, &name, &words,
			    err);
	if (r == 0)
		r = cli_view_open(cli, &view, 0, err);
	if (r == 0)
		r = vm_target_open(view.host, &request, name, &target, err);
	for (int i = words; r == 0 && i < argc; i++)
		r = select_one(&view, &target, request.all_matching, argv[i], &functions,
			       err);
	if (r == 0)
		r = find_elements(&target, &target.config, &functions, &config, err);
	if (r == 0)
		r = find_elements(&target, &target.live, &functions, &live, err);
	if (r == 0 && !config.count && !live.count) {
		error_set(err, ENODEV, target.name, "it has none of these devices");
		error_hint(err, "pciferry vm lint shows what is wrong with a domain");
		return -ENODEV;
	}
	if (r == 0)
		r = look_at_running(&view, &target, &live, err);
	return r == 0 ? detach(cli, &view, &request, &target, &config, &live, err) : r;
}

const struct cli_command cli_vm_detach = {
	.name = "vm detach",
	.arguments = "DOMAIN DEVICE... [OPTION...]",
	.summary = "take devices from a domain",
	.options =
		"Devices go with all of their groups.\n\n"
		"  --config         only from what the guest starts with\n"
		"  --live           only from the running guest; else from both that there are\n"
		"  --timeout N      seconds for the guest to let go of each (30)\n"
		"  --all-matching   IDs may mean several devices\n"
		"  --connect URI    another libvirt (qemu:///system)\n"
		"  --xml FILE       no DOMAIN: print the file without the devices\n",
	.run = run_detach,
};
