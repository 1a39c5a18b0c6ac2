/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/bind.h"
#include "cli/describe.h"
#include "cli/output.h"
#include "pci/claims.h"

/* "nouveau, nvidia"; cut where it would not fit. */
static void join(const struct string_list *words, const char *except, char *buffer,
		 size_t size)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < words->count && len < size; i++)
		if (!except || strcmp(words->items[i], except) != 0)
			len += (size_t)snprintf(buffer + len, size - len, "%s%s",
						len ? ", " : "", words->items[i]);
}

static void print_claims(const struct cli_view *view, const struct pci_device *device)
{
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	char text[256];

	switch (pci_read_claims(view->host, device, &modules)) {
	case FACT_KNOWN:
		join(&modules, device->driver, text, sizeof(text));
		if (text[0])
			output_line("  Claimed by   %s", text);
		break;
	case FACT_ABSENT:
		if (!device->driver)
			output_line("  Claimed by   no driver of this kernel");
		break;
	case FACT_UNREADABLE:
		break;
	}
}

static void print_driver(const struct cli_view *view, const struct pci_device *device)
{
	struct bind_state first;

	output_line(
		"  Driver       %s",
		device->stuck
			? "stuck: a process holds the device while its driver lets it go"
		: device->driver_fact == FACT_ABSENT ? "none"
						     : describe_driver(device));
	print_claims(view, device);
	if (device->driver_override && device->driver_override[0])
		output_line("  Override     only %s may have it",
			    device->driver_override);
	if (bind_is_taken(view->host, device, &first))
		output_line("  Taken        from %s by pciferry, which can release it",
			    first.driver[0] ? first.driver : "no driver");
}

static void print_parent(const struct cli_view *view, const struct pci_node *node)
{
	char address[PCI_ADDRESS_SIZE], path[PCI_PATH_SIZE];
	const struct pci_config *config;

	if (node->parent_fact == FACT_ABSENT)
		output_line("  Behind       no bridge: on root bus %04x:%02x",
			    node->device->address.domain, node->device->address.bus);
	if (!node->parent)
		return;
	config = cli_view_config(view, node->parent->device);
	output_line("  Behind       %s%s%s%s, path %s",
		    pci_address_format(&node->parent->device->address, address),
		    config->pcie_fact == FACT_KNOWN ? " (" : "",
		    config->pcie_fact == FACT_KNOWN
			    ? describe_port_type(config->pcie.type)
			    : "",
		    config->pcie_fact == FACT_KNOWN ? ")" : "",
		    pci_node_path(node, path));
}

static void print_place(const struct cli_view *view, const struct pci_device *device,
			const struct pci_details *details)
{
	const struct pci_node *node = cli_view_node(view, device);
	char address[PCI_ADDRESS_SIZE];

	print_parent(view, node);
	if (node->slot)
		output_line("  Slot         %s", node->slot);
	if (node->made_by)
		output_line("  Domain of    %s",
			    pci_address_format(&node->made_by->device->address, address));
	if (node->physical)
		output_line("  Function of  %s",
			    pci_address_format(&node->physical->device->address,
					       address));
	if (details->n_virtual_functions)
		output_line("  Functions    %zu virtual", details->n_virtual_functions);
	if (details->numa_fact == FACT_KNOWN && details->numa_node >= 0)
		output_line("  NUMA node    %lld", details->numa_node);
}

static void print_verdict(const struct cli_view *view, const struct pci_device *device)
{
	const struct usage_findings *findings = usage_of(&view->usage, device);
	char reason[256];

	for (size_t i = 0; i < findings->count; i++)
		output_line("  In use       %s", findings->items[i].detail);
	switch (usage_verdict(&view->usage, &view->groups, device, reason,
			      sizeof(reason))) {
	case USAGE_CAN_GO:
		output_line("  Verdict      it can go to a guest");
		break;
	case USAGE_CAN_GO_WITH_GROUP:
		output_line("  Verdict      it can go to a guest: %s", reason);
		break;
	case USAGE_IN_USE:
		output_line("  Verdict      in use, not to be taken: %s", reason);
		break;
	case USAGE_CANNOT:
		output_line("  Verdict      it cannot go to a guest: %s", reason);
		break;
	case USAGE_UNKNOWN:
		output_line("  Verdict      unknown, and so not to be taken: %s", reason);
		break;
	}
}

int page_print(const struct cli_view *view, const struct pci_device *device,
	       struct error *err)
{
	_cleanup_(pci_details_free) struct pci_details details = { 0 };
	char address[PCI_ADDRESS_SIZE], name[512];
	int r = pci_details_read(view->host, device, &details, err);

	if (r < 0)
		return r;
	describe_name(view, device, name, sizeof(name));
	output_line("%s  %s", pci_address_format(&device->address, address), name);
	if (device->ids == FACT_KNOWN)
		output_line("  IDs          %04x:%04x, subsystem %04x:%04x, class %06x",
			    device->vendor_id, device->device_id,
			    device->subsystem_vendor_id, device->subsystem_device_id,
			    device->class_code);
	print_place(view, device, &details);
	print_driver(view, device);
	page_print_group(view, device);
	page_print_hardware(view, device, &details);
	print_verdict(view, device);
	return 0;
}
