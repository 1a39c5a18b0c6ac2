/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/take.h"
#include "cli/vm_options.h"

enum {
	OPTION_BIND = 1,
	OPTION_DMA_TEST,
	OPTION_MEMORY,
	OPTION_RESET,
	OPTION_RISK_PANIC,
	OPTION_TIMEOUT
};

struct probe_options {
	struct take_options take;
	bool bind, dma_test, reset, risk_panic;
	unsigned int memory_mib; /* 0: not asked */
};

/* What a reset of the bus would take along, beside the device itself. */
struct others {
	const struct cli_view *view;
	const struct pci_device *device;
	const struct iommu_group *group;
};

static int parse(struct cli *cli, int argc, char **argv, struct probe_options *options,
		 struct error *err)
{
	static const struct option own[] = {
		{ "bind", no_argument, NULL, OPTION_BIND },
		{ "dma-test", no_argument, NULL, OPTION_DMA_TEST },
		{ "memory", required_argument, NULL, OPTION_MEMORY },
		{ "reset", no_argument, NULL, OPTION_RESET },
		{ "risk-panic", no_argument, NULL, OPTION_RISK_PANIC },
		{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
		{ 0 },
	};
	int value, r = 0;

	options->take = (struct take_options)TAKE_OPTIONS_INIT;
	while (r == 0 && (value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value == OPTION_BIND)
			options->bind = true;
		else if (value == OPTION_DMA_TEST)
			options->dma_test = true;
		else if (value == OPTION_RESET)
			options->reset = true;
		else if (value == OPTION_RISK_PANIC)
			options->risk_panic = true;
		else if (value == OPTION_MEMORY)
			r = vm_parse_memory(optarg, &options->memory_mib, err);
		else if (value == OPTION_TIMEOUT)
			r = take_parse_timeout(optarg, &options->take, err);
		else
			r = value;
	}
	if (r == 0 && options->risk_panic && !options->dma_test)
		r = error_usage(err, "--risk-panic", "it goes with --dma-test alone");
	return r;
}

static int add_use(const struct pci_address *address, const char *detail,
		   struct string_list *uses)
{
	char text[PCI_ADDRESS_SIZE + 512], name[PCI_ADDRESS_SIZE];

	snprintf(text, sizeof(text), "%s: %s", pci_address_format(address, name), detail);
	return string_list_has(uses, text) ? 0 : string_list_add(uses, text);
}

static int add_uses(const struct others *others, const struct pci_address *address,
		    struct string_list *uses)
{
	const struct pci_device *device = pci_find(&others->view->devices, address);
	const struct usage_findings *findings;
	int r = 0;

	if (device == others->device)
		return 0;
	if (!device)
		return add_use(address, "who uses it is not known", uses);
	findings = usage_of(&others->view->usage, device);
	for (size_t i = 0; r == 0 && i < findings->count; i++)
		r = add_use(address, findings->items[i].detail, uses);
	return r;
}

/* The kernel chooses how it resets, and some ways take the whole bus. */
static int may_reset(const struct vfio_hot_reset *set, void *argument, struct error *err)
{
	_cleanup_(string_list_free) struct string_list uses = { 0 };
	const struct others *others = argument;
	char address[PCI_ADDRESS_SIZE];
	int r = 0;

	for (size_t i = 0; r == 0 && i < others->group->count; i++)
		r = add_uses(others, &others->group->members[i]->address, &uses);
	for (size_t i = 0; r == 0 && i < set->count; i++)
		r = add_uses(others, &set->items[i].address, &uses);
	if (r == 0 && set->groupless)
		r = string_list_add(&uses, "who uses what shares its bus and is in no"
					   " IOMMU group is not known");
	if (r < 0)
		return error_oom(err);
	if (!uses.count)
		return 0;
	error_refuse(err, pci_address_format(&others->device->address, address),
		     "no reset: what shares its group or its bus is in use");
	for (size_t i = 0; i < uses.count; i++)
		error_evidence(err, "%s", uses.items[i]);
	error_hint(err, "without --reset the probe asks for none");
	return -EBUSY;
}

/* Who has it, where the kernel only says that somebody has. */
static void add_holders(struct cli_view *view, const struct pci_device *device,
			struct vfio_probe *probe)
{
	struct error *failure = &probe->ways[VFIO_BY_GROUP].failure;
	const struct usage_findings *findings;

	if (failure->code != EBUSY || cli_view_read(view, CLI_NEEDS_USAGE, NULL) < 0)
		return;
	findings = usage_of(&view->usage, device);
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == USAGE_VFIO)
			error_evidence(failure, "%s", findings->items[i].detail);
	error_hint(failure, "try again when the guest has ended");
}

static int print(const struct cli *cli, const struct probe_report *report)
{
	int r = 0;

	if (cli->json)
		r = probe_json_print(report);
	else
		probe_page_print(report);
	if (r < 0)
		return r;
	return vfio_probe_obstacle(report->probe) ? CLI_FAILED : CLI_DONE;
}

static bool is_of_a_function(const struct usage_finding *finding)
{
	return finding->kind == USAGE_FUNCTION || finding->kind == USAGE_UNREADABLE;
}

/* Opening a physical function resets it, and takes its virtual ones away for that time.
 */
static int check_functions(struct cli_view *view, const struct pci_device *device,
			   struct error *err)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], number[16], address[PCI_ADDRESS_SIZE];
	const struct usage_findings *findings;
	bool refused = false;
	enum fact fact =
		host_read(view->host,
			  pci_attribute_path(&device->address, "sriov_numvfs", path),
			  number, sizeof(number));
	int r;

	if (fact == FACT_ABSENT || (fact == FACT_KNOWN && !strcmp(number, "0")) ||
	    !device->driver || !iommu_is_vfio_driver(device->driver))
		return 0;
	r = cli_view_read(view, CLI_NEEDS_USAGE, err);
	if (r < 0)
		return r;
	findings = usage_of(&view->usage, device);
	for (size_t i = 0; i < findings->count; i++) {
		if (!is_of_a_function(&findings->items[i]))
			continue;
		if (!refused)
			error_refuse(err, pci_address_format(&device->address, address),
				     "not opened, which resets it: its virtual functions"
				     " are in use");
		refused = true;
		error_evidence(err, "%s", findings->items[i].detail);
	}
	if (refused)
		error_hint(err, "end what uses its virtual functions first");
	return refused ? -EBUSY : 0;
}

/* What was bound for the probe alone, and is given back before anything is said. */
struct bound {
	struct pci_address *moved;
	size_t n_moved;
	struct error failure; /* to give it back */
};

/* What this run has moved, once, and nothing else. */
static void give_back(const struct cli *cli, const struct probe_options *options,
		      const struct host *host, struct bound *bound)
{
	_cleanup_(bind_plan_free) struct bind_plan back = { 0 };
	size_t count = bound->n_moved;

	bound->n_moved = 0;
	if (count)
		take_carry_out(cli, host, &options->take, bound->moved, count,
			       GIVE_BACK_ALONE, &back, &bound->failure);
}

/* Of what the host is like by now. Closes the view, with its host, not before the end. */
static int probe(const struct cli *cli, const struct probe_options *options,
		 struct cli_view *view, const struct pci_address *address,
		 struct bound *bound, struct error *err)
{
	_cleanup_(vfio_probe_free) struct vfio_probe result = { 0 };
	const struct pci_device *device = pci_find(&view->devices, address);
	struct vfio_transport transport;
	struct others others = { .view = view, .device = device };
	struct vfio_probe_request request = {
		.host = view->host,
		.transport = &transport,
		.device = device,
		.dma_test = options->dma_test,
		.memory = (uint64_t)options->memory_mib << 20,
		.may_reset = options->reset ? may_reset : NULL,
		.argument = &others,
	};
	struct probe_report report = { view,	device,		NULL,
				       &result, request.memory, bound->n_moved > 0 };
	char text[PCI_ADDRESS_SIZE];
	int r;

	if (!device)
		return error_set(err, ENODEV, pci_address_format(address, text),
				 "it is no longer there");
	request.group = iommu_group_of(&view->groups, device, NULL);
	others.group = report.group = request.group;
	/* Before it is held by this process itself. */
	if (options->reset && (r = cli_view_read(view, CLI_NEEDS_USAGE, err)) < 0)
		return r;
	r = check_functions(view, device, err);
	if (r < 0)
		return r;
	vfio_transport_to(view->host, &transport);
	r = vfio_probe(&request, &result, err);
	if (r < 0)
		return r;
	add_holders(view, device, &result);
	/* Who reads may take any time for it. */
	give_back(cli, options, view->host, bound);
	return print(cli, &report);
}

/* With a view of the host as it is now; the host stays the caller's. */
static int look_and_probe(const struct cli *cli, const struct probe_options *options,
			  struct host *host, const struct pci_address *address,
			  struct bound *bound, struct error *err)
{
	struct cli_view view = { .host = host };
	int r = cli_view_look(&view, 0, err);

	if (r == 0)
		r = probe(cli, options, &view, address, bound, err);
	view.host = NULL;
	cli_view_close(&view);
	return r;
}

static int probe_bound(const struct cli *cli, const struct probe_options *options,
		       struct host *host, const struct pci_address *address,
		       struct error *err)
{
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	_cleanup_free_ struct pci_address *moved = NULL;
	struct bound bound = { .failure = ERROR_INIT };
	int r;

	if (take_is_done(host, &options->take, address, 1, &plan))
		return look_and_probe(cli, options, host, address, &bound, err);
	take_block_signals();
	r = take_carry_out(cli, host, &options->take, address, 1, TAKE, &plan, err);
	if (r < 0)
		return r;
	bound.moved = moved = take_moved(&plan, &bound.n_moved);
	if (!moved) {
		error_oom(err);
		error_hint(err, "pciferry release gives back what was bound for the"
				" probe");
		return -ENOMEM;
	}
	r = look_and_probe(cli, options, host, address, &bound, err);
	give_back(cli, options, host, &bound);
	if (!bound.failure.code)
		return r;
	output_error(&bound.failure);
	error_clear(&bound.failure);
	return r < 0 ? r
		     : error_set(err, EIO, "",
				 "the probe has ended, but not all that was bound for it"
				 " could be given back");
}

/* Before anything is bound for it. */
static int check_dma_test(struct host *host, const struct probe_options *options,
			  const struct pci_address *address, struct error *err)
{
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	const struct pci_device *device;
	int r = pci_scan(host, &devices, err);

	if (r < 0)
		return r;
	device = pci_find(&devices, address);
	r = device ? vfio_dma_can_test(device, err) : 0;
	if (r == 0)
		return options->risk_panic ? 0 : vfio_dma_check_panic(host, err);
	/* The option is what does not go with such a device. */
	err->kind = ERROR_USAGE;
	return r;
}

static int run(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_free_ struct pci_address *addresses = NULL;
	_cleanup_(host_cleanup) struct host *host = NULL;
	struct probe_options options = { 0 };
	struct bound none = { .failure = ERROR_INIT };
	size_t count;
	int r = parse(cli, argc, argv, &options, err);

	if (r == 0)
		r = take_select(cli, &options.take, argc - optind, argv + optind, &host,
				&addresses, &count, err);
	if (r < 0)
		return r;
	if (count != 1)
		return error_usage(err, argv[optind],
				   "several devices are meant; name one");
	r = change_check_host(host, err);
	if (r == 0 && options.dma_test)
		r = check_dma_test(host, &options, addresses, err);
	if (r < 0)
		return r;
	return options.bind ? probe_bound(cli, &options, host, addresses, err)
			    : look_and_probe(cli, &options, host, addresses, &none, err);
}

const struct cli_command cli_probe = {
	.name = "probe",
	.arguments = "DEVICE [--bind] [--dma-test] [--memory SIZE] [--reset]",
	.summary = "open a device through VFIO, with no guest: is it really assignable",
	.options =
		"  --bind           where it is not on VFIO: bind its group, and give it back\n"
		"  --dma-test       have the device (NVMe, e1000e's 82574, QEMU's edu) write to memory\n"
		"                   that it is given, and to some that it is not: is it held back.\n"
		"                   \"not proven\" ends with 0, a device without a test with 2. The\n"
		"                   fault is made on purpose: a server's firmware may log it, or\n"
		"                   answer it with an NMI, at which a kernel or hpwdt can panic:\n"
		"                   refused where they are set to, without --risk-panic\n"
		"  --memory SIZE    may a guest of that size be locked: 2048M or 4G\n"
		"  --reset          reset it, too, where nothing else is in use that may go along;\n"
		"                   the kernel itself resets a function that is opened, if it can\n"
		"  --risk-panic     make the fault of --dma-test also where an NMI ends the host\n"
		"  --timeout SEC    give a step of --bind up after SEC seconds (30)\n",
	.run = run,
};
