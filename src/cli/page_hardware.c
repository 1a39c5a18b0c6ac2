/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/describe.h"
#include "cli/output.h"
#include "cli/page.h"

/* From here on a guest's 32-bit window (2 GiB with q35) is no place for it any more. */
#define LARGE_MEMORY (1ULL << 30)

static void print_link(const struct cli_view *view, const struct pci_device *device)
{
	char text[96], limit[48];

	describe_link(view, device, text, sizeof(text));
	if (!text[0] || !strcmp(text, "?"))
		return;
	output_line("  Link         %s%s", text,
		    describe_link_is_slow(view, device)
			    ? " (idle links slow down; under load it should not)"
			    : "");
	describe_port_limit(view, device, limit, sizeof(limit));
	if (limit[0])
		output_line("    the device could do more: its port allows %s", limit);
}

static void print_memory(const struct pci_resource *resources)
{
	unsigned long long total = 0;
	char size[32];

	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		const struct pci_resource *one = &resources[i];

		if (!one->size)
			continue;
		if (!one->io)
			total += one->size;
		describe_size(one->size, size, sizeof(size));
		output_line("  BAR %u        %s%s%s%s", i, size,
			    one->io ? " of I/O ports" : "",
			    one->is_64bit ? ", 64-bit" : "",
			    one->prefetchable ? ", prefetchable" : "");
	}
	if (total >= LARGE_MEMORY)
		output_line("  Large        the guest needs room above 4 GiB for it");
	describe_size(resources[PCI_RESOURCE_ROM].size, size, sizeof(size));
	output_line("  Option ROM   %s",
		    resources[PCI_RESOURCE_ROM].size ? size : "none");
}

static void print_resizable(const struct pci_config *config)
{
	if (config->rebar_fact != FACT_KNOWN)
		return;
	for (unsigned int i = 0; i < config->rebar.count; i++) {
		uint64_t sizes = config->rebar.bars[i].sizes;
		char now[32], most[32];

		if (!sizes)
			continue;
		describe_size(1ULL << (config->rebar.bars[i].size + 20), now,
			      sizeof(now));
		describe_size(1ULL << (63 - __builtin_clzll(sizes) + 20), most,
			      sizeof(most));
		output_line("  Resizable    BAR %u is %s, at most %s",
			    config->rebar.bars[i].bar, now, most);
	}
}

/* All behind the same bridge, but the function itself; virtual ones go with theirs. */
static void print_behind(const struct cli_view *view, const struct pci_node *first,
			 const struct pci_node *except)
{
	for (; first; first = first->next) {
		if (first != except && !first->physical)
			page_print_member(view, first->device);
		print_behind(view, first->children, except);
	}
}

static void print_reset(const struct cli_view *view, const struct pci_device *device,
			const struct pci_details *details)
{
	const struct pci_node *node = cli_view_node(view, device);
	const char *methods = details->reset_methods;
	bool alone;

	if (details->reset_fact != FACT_KNOWN || pci_is_bridge(device))
		return;
	alone = !node->parent || pci_resets_alone(methods) ||
		(node->parent->children == node && !node->next && !node->children);
	output_line("  Reset by     %s%s",
		    methods[0]	   ? methods
		    : node->parent ? "nothing of its own: only with its bus"
				   : "nothing: a guest may find it dirty",
		    alone ? "" : ", together");
	if (!alone)
		print_behind(view, node->parent->children, node);
}

static size_t add(char *buffer, size_t size, size_t len, const char *text)
{
	if (len < size)
		len += (size_t)snprintf(buffer + len, size - len, "%s%s", len ? ", " : "",
					text);
	return len;
}

/* As it is printed on devices and by lspci: bytes, the highest first. */
static void print_serial(uint64_t serial)
{
	char text[3 * sizeof(serial) + 1];

	for (unsigned int i = 0; i < sizeof(serial); i++)
		snprintf(text + 3 * i, 4, "%02x-",
			 (unsigned int)(serial >> (56 - 8 * i)) & 0xff);
	text[3 * sizeof(serial) - 1] = '\0';
	output_line("  Serial       %s", text);
}

static void print_features(const struct pci_config *config)
{
	char text[256] = "", part[64];
	size_t len = 0;

	if (config->msix_fact == FACT_KNOWN) {
		snprintf(part, sizeof(part), "MSI-X with %u vectors",
			 config->msix.vectors);
		len = add(text, sizeof(text), len, part);
	} else if (config->msi_fact == FACT_KNOWN) {
		snprintf(part, sizeof(part), "MSI with %u vectors",
			 config->msi.vectors_max);
		len = add(text, sizeof(text), len, part);
	}
	if ((config->pcie_fact == FACT_KNOWN && config->pcie.flr) ||
	    (config->af_fact == FACT_KNOWN && config->af.flr))
		len = add(text, sizeof(text), len, "FLR");
	if (config->sriov_fact == FACT_KNOWN) {
		snprintf(part, sizeof(part), "SR-IOV with %u virtual functions",
			 config->sriov.total_vfs);
		len = add(text, sizeof(text), len, part);
	}
	if (config->ats_fact == FACT_KNOWN)
		len = add(text, sizeof(text), len, "ATS");
	if (config->ari_fact == FACT_KNOWN)
		len = add(text, sizeof(text), len, "ARI");
	if (text[0])
		output_line("  Features     %s", text);
	if (config->acs_fact == FACT_KNOWN) {
		describe_acs(config->acs.capability, text, sizeof(text));
		output_line("  ACS offers   %s", text);
		describe_acs(config->acs.control, text, sizeof(text));
		output_line("  ACS is on    %s", text);
	}
	if (config->serial_fact == FACT_KNOWN)
		print_serial(config->serial_number);
}

void page_print_hardware(const struct cli_view *view, const struct pci_device *device,
			 const struct pci_details *details)
{
	const struct pci_config *config = cli_view_config(view, device);
	struct pci_resource resources[PCI_RESOURCE_COUNT];

	if (details->power_fact == FACT_KNOWN)
		output_line("  Power        %s", details->power_state);
	print_link(view, device);
	if (pci_resources_read(view->host, device, resources) == FACT_KNOWN &&
	    !pci_is_bridge(device))
		print_memory(resources);
	print_resizable(config);
	print_reset(view, device, details);
	print_features(config);
	if (config->capabilities_fact == FACT_UNREADABLE &&
	    config->header_fact == FACT_KNOWN)
		output_line("  More         its capabilities can be read as root");
	else if (config->header_fact != FACT_KNOWN && details->power_fact == FACT_KNOWN &&
		 details->power_state[1] == '3')
		output_line("  More         it sleeps; --wake reads its capabilities");
	if (details->boot_vga_fact == FACT_KNOWN && details->boot_vga)
		output_line("  Display      the firmware booted with it");
}
