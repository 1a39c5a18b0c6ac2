/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The graph of list --dot: https://graphviz.org/doc/info/lang.html */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/describe.h"
#include "cli/layout.h"
#include "cli/output.h"

/* Inside a quoted string only the quote and the backslash are special. */
static void quote(const char *text, char *buffer, size_t size)
{
	size_t len = 0;

	for (; *text && len + 3 < size; text++) {
		if (*text == '"' || *text == '\\')
			buffer[len++] = '\\';
		buffer[len++] = *text;
	}
	buffer[len] = '\0';
}

/* A pastel for each driver: the same name has the same colour in every graph. */
static void driver_fill(const struct pci_device *device, char *buffer, size_t size)
{
	unsigned int hash = 5381;

	if (!device->driver) {
		snprintf(buffer, size, "white");
		return;
	}
	for (const char *at = device->driver; *at; at++)
		hash = hash * 33 + (unsigned char)*at;
	snprintf(buffer, size, "%.3f 0.25 1.0", (hash % 360) / 360.0);
}

static const char *verdict_color(const struct cli_view *view,
				 const struct pci_device *device)
{
	char reason[256];

	switch (usage_verdict(&view->usage, &view->groups, device, reason,
			      sizeof(reason))) {
	case USAGE_CAN_GO:
	case USAGE_CAN_GO_WITH_GROUP:
		return "darkgreen";
	case USAGE_IN_USE:
		return "red";
	case USAGE_UNKNOWN:
		return "orange";
	default:
		return "gray50";
	}
}

static void print_node(const struct cli_view *view, const struct pci_device *device,
		       const char *indent)
{
	char address[PCI_ADDRESS_SIZE], name[512], quoted[1100], driver[128], fill[32];

	describe_name(view, device, name, sizeof(name));
	quote(name, quoted, sizeof(quoted));
	quote(describe_driver(device), driver, sizeof(driver));
	driver_fill(device, fill, sizeof(fill));
	pci_address_format(&device->address, address);
	output_line("%s\"%s\" [label=\"%s\\n%s\\n%s\", fillcolor=\"%s\", color=\"%s\"];",
		    indent, address, address, quoted, driver, fill,
		    verdict_color(view, device));
}

static void print_group(const struct cli_view *view, const struct cli_filters *filters,
			const struct iommu_group *group)
{
	size_t shown = 0;

	for (size_t i = 0; i < group->count; i++)
		shown += filters_match(filters, view, group->members[i]);
	if (!shown)
		return;
	output_line("  subgraph \"cluster_%u\" {", group->number);
	output_line("    label=\"group %u\";", group->number);
	for (size_t i = 0; i < group->count; i++)
		if (filters_match(filters, view, group->members[i]))
			print_node(view, group->members[i], "    ");
	output_line("  }");
}

static void print_edges(const struct cli_view *view, const struct cli_filters *filters)
{
	for (size_t i = 0; i < view->topology.count; i++) {
		const struct pci_node *node = &view->topology.nodes[i];
		const struct pci_node *above = node->physical ? node->physical
					       : node->parent ? node->parent
							      : node->made_by;
		char from[PCI_ADDRESS_SIZE], to[PCI_ADDRESS_SIZE];

		if (!above || !filters_match(filters, view, node->device) ||
		    !filters_match(filters, view, above->device))
			continue;
		output_line("  \"%s\" -> \"%s\"%s;",
			    pci_address_format(&above->device->address, from),
			    pci_address_format(&node->device->address, to),
			    node->physical ? " [style=dashed]" : "");
	}
}

void layout_dot(const struct cli_view *view, const struct cli_filters *filters)
{
	output_line("digraph pciferry {");
	output_line("  rankdir=LR;");
	output_line("  node [shape=box, style=filled, penwidth=2];");
	for (size_t i = 0; i < view->groups.count; i++)
		print_group(view, filters, &view->groups.items[i]);
	for (size_t i = 0; i < view->devices.count; i++) {
		const struct pci_device *device = &view->devices.items[i];

		if (!iommu_group_of(&view->groups, device, NULL) &&
		    filters_match(filters, view, device))
			print_node(view, device, "  ");
	}
	print_edges(view, filters);
	output_line("}");
}
