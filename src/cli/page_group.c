/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/describe.h"
#include "cli/output.h"
#include "cli/page.h"

void page_print_member(const struct cli_view *view, const struct pci_device *member)
{
	char address[PCI_ADDRESS_SIZE], name[256];

	describe_name(view, member, name, sizeof(name));
	output_line("    %s  %s  %s [%s]",
		    iommu_member_stays(member) ? "with bridge" : "with       ",
		    pci_address_format(&member->address, address), name,
		    describe_driver(member));
}

/* Each reason once: members mostly share it. */
static void print_reasons(const struct cli_view *view,
			  const struct pci_device *const *members, size_t count)
{
	_cleanup_(string_list_free) struct string_list told = { 0 };
	char reason[256];

	for (size_t i = 0; i < count; i++) {
		iommu_predicted_reason(cli_view_predicted(view, members[i]), reason,
				       sizeof(reason));
		if (!reason[0] || string_list_has(&told, reason) ||
		    string_list_add(&told, reason) < 0)
			continue;
		output_line("    because      %s", reason);
	}
}

/* Whether the members of the real group are just those of the predicted one. */
static bool is_as_predicted(const struct cli_view *view, const struct iommu_group *group,
			    int predicted)
{
	size_t count = 0;

	for (size_t i = 0; i < view->prediction.count; i++)
		count += view->prediction.of_device[i].group == predicted;
	for (size_t i = 0; i < group->count; i++)
		if (cli_view_predicted(view, group->members[i])->group != predicted)
			return false;
	return count == group->count;
}

/* What devices of the group use at addresses that the firmware chose. */
static void print_reserved(const struct cli_view *view, const struct iommu_group *group)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	size_t count = 0;

	if (iommu_reserved_read(view->host, group->number, &regions, &count) !=
	    FACT_KNOWN)
		return;
	for (size_t i = 0; i < count; i++)
		if (!strncmp(regions[i].type, "direct", strlen("direct")))
			output_line(
				"    firmware     uses memory 0x%llx-0x%llx through it"
				" (%s)",
				(unsigned long long)regions[i].start,
				(unsigned long long)regions[i].end, regions[i].type);
}

/* The same as the firmware's table has it, for when the IOMMU is off. */
static void print_firmware_memory(const struct cli_view *view,
				  const struct pci_device *device)
{
	const struct pci_node *node = cli_view_node(view, device);
	uint64_t start, end;

	for (size_t i = 0; iommu_firmware_memory(&view->firmware, &view->topology, node,
						 i, &start, &end) == FACT_KNOWN;
	     i++)
		output_line("    firmware     uses memory 0x%llx-0x%llx through it (%s)",
			    (unsigned long long)start, (unsigned long long)end,
			    view->firmware.kind == IOMMU_DMAR ? "RMRR" : "IVMD");
}

static void print_real(const struct cli_view *view, const struct pci_device *device,
		       const struct iommu_group *group)
{
	const struct iommu_predicted *predicted = cli_view_predicted(view, device);
	char type[32], unit[32];
	bool typed =
		iommu_group_type(view->host, group, type, sizeof(type)) == FACT_KNOWN;

	if (iommu_unit_name(view->host, device, unit, sizeof(unit)) != FACT_KNOWN)
		unit[0] = '\0';
	output_line("  IOMMU group  %u%s%s%s%s%s", group->number, typed ? " (" : "",
		    typed ? type : "", typed ? ")" : "", unit[0] ? ", by " : "", unit);
	for (size_t i = 0; i < group->count; i++)
		if (group->members[i] != device)
			page_print_member(view, group->members[i]);
	print_reserved(view, group);
	if (predicted->unreadable)
		return;
	if (is_as_predicted(view, group, predicted->group))
		print_reasons(view, (const struct pci_device *const *)group->members,
			      group->count);
	else
		output_line("    otherwise than its configuration space would have it:"
			    " a quirk or a parameter of the kernel's decided");
}

static void print_predicted(const struct cli_view *view, const struct pci_device *device)
{
	const struct iommu_predicted *predicted = cli_view_predicted(view, device);
	_cleanup_free_ const struct pci_device **members = NULL;
	size_t count = 0;

	if (predicted->group < 0) {
		output_line("  Predicted    no group: no IOMMU is for it");
		return;
	}
	members = calloc(view->devices.count, sizeof(struct pci_device *));
	if (!members)
		return;
	for (size_t i = 0; i < view->devices.count; i++)
		if (view->prediction.of_device[i].group == predicted->group)
			members[count++] = &view->devices.items[i];
	output_line("  Predicted    %s%s",
		    count == 1 ? "a group of its own"
			       : "with the IOMMU on it shares its group",
		    predicted->unreadable  ? " (not all could be read, as root it can)"
		    : predicted->uncertain ? " (a quirk of the kernel's may decide"
					     " otherwise)"
					   : "");
	for (size_t i = 0; i < count; i++)
		if (members[i] != device)
			page_print_member(view, members[i]);
	print_firmware_memory(view, device);
	print_reasons(view, members, count);
}

void page_print_group(const struct cli_view *view, const struct pci_device *device)
{
	const struct iommu_group *group;
	enum fact fact;

	group = iommu_group_of(&view->groups, device, &fact);
	if (group)
		print_real(view, device, group);
	else
		output_line("  IOMMU group  %s",
			    fact == FACT_ABSENT ? "none" : "unreadable");
	if (!group || view->predict)
		print_predicted(view, device);
}
