/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/describe.h"
#include "cli/output.h"
#include "cli/probe.h"
#include "iommu/reserved.h"

const char *probe_loop_name(enum vfio_loop loop)
{
	static const char *const names[] = {
		[VFIO_LOOP_CAME] = "came",
		[VFIO_LOOP_LOST] = "lost",
		[VFIO_LOOP_REFUSED] = "refused",
	};

	return names[loop];
}

/*
 * "4 KiB, 2 MiB, 16 MiB to 1 GiB": sizes of a bitmap, those that double in a row as one,
 * since AMD's IOMMU has nearly all. The caller frees it; NULL: no memory.
 */
static char *format_sizes(uint64_t sizes)
{
	_cleanup_(string_list_free) struct string_list list = { 0 };

	for (unsigned int bit = 0, last; bit < 64; bit = last + 1) {
		char first_size[32], last_size[32];

		last = bit;
		if (!(sizes >> bit & 1))
			continue;
		while (last < 63 && sizes >> (last + 1) & 1)
			last++;
		describe_size(1ULL << bit, first_size, sizeof(first_size));
		describe_size(1ULL << last, last_size, sizeof(last_size));
		if (string_list_addf(&list, "%s%s%s", first_size,
				     last > bit ? " to " : "",
				     last > bit ? last_size : "") < 0)
			return NULL;
	}
	return string_list_join(&list, ", ");
}

static void print_way(const struct vfio_seen *seen, const struct vfio_seen *obstacle)
{
	const char *label = seen->way == VFIO_BY_GROUP ? "By group" : "By cdev";

	if (!seen->offered)
		output_line("  %-12s this kernel has none%s", label,
			    seen->way == VFIO_BY_CDEV
				    ? " (CONFIG_IOMMUFD, CONFIG_VFIO_DEVICE_CDEV)"
				    : "");
	else if (seen == obstacle)
		output_line("  %-12s does not work", label); /* why is told at the end */
	else if (error_is_set(&seen->failure))
		output_line("  %-12s does not work: %s", label, seen->failure.message);
	else if (seen->way == VFIO_BY_GROUP)
		output_line("  %-12s works, IOMMU of %s", label,
			    vfio_type_name(seen->type));
	else
		output_line("  %-12s works, by iommufd", label);
}

static void print_ranges(const struct vfio_iommu *iommu)
{
	if (iommu->ranges_fact != FACT_KNOWN)
		output_line("  Addresses    this kernel does not tell which can be used");
	for (size_t i = 0; i < iommu->n_ranges; i++)
		output_line("  %-12s 0x%llx to 0x%llx", i ? "" : "Addresses",
			    (unsigned long long)iommu->ranges[i].start,
			    (unsigned long long)iommu->ranges[i].end);
}

static void print_reserved(const struct probe_report *report)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	size_t count = 0;

	if (!report->group ||
	    iommu_reserved_read(report->view->host, report->group->number, &regions,
				&count) != FACT_KNOWN)
		return;
	for (size_t i = 0; i < count; i++)
		output_line("  %-12s 0x%llx to 0x%llx, %s", i ? "" : "Reserved",
			    (unsigned long long)regions[i].start,
			    (unsigned long long)regions[i].end, regions[i].type);
}

static void print_iommu(const struct vfio_iommu *iommu)
{
	_cleanup_free_ char *sizes = format_sizes(iommu->page_sizes);
	char left[64] = "";

	if (iommu->maps_left_fact == FACT_KNOWN)
		snprintf(left, sizeof(left), "; %u mappings can be made",
			 iommu->maps_left);
	if (iommu->page_sizes_fact == FACT_KNOWN && sizes)
		output_line("  Pages        %s%s", sizes, left);
	print_ranges(iommu);
}

static void print_areas(const struct vfio_region *region)
{
	if (!region->n_areas)
		output_line("    none of it can be mapped");
	for (size_t i = 0; i < region->n_areas; i++) {
		char size[32];

		describe_size(region->areas[i].size, size, sizeof(size));
		output_line("    can be mapped: %s at 0x%llx", size,
			    (unsigned long long)region->areas[i].offset);
	}
}

static void print_region(size_t index, const struct vfio_region *region)
{
	const char *known = vfio_region_name(index);
	char name[32], size[32], type[48] = "";

	snprintf(name, sizeof(name), "Region %zu", index);
	describe_size(region->size, size, sizeof(size));
	if (region->has_type)
		snprintf(type, sizeof(type), ", type 0x%x/0x%x", region->type,
			 region->subtype);
	output_line("  %-12s %s%s%s%s", name, known ? known : "the driver's own", ", ",
		    size, type);
	output_line("    %s%s%s", region->readable ? "read" : "",
		    region->writable ? "/write" : "",
		    region->is_sparse  ? ", in part by mmap"
		    : region->mappable ? ", mmap"
				       : ", no mmap");
	if (region->is_sparse)
		print_areas(region);
}

static void print_irq(size_t index, const struct vfio_irq *irq, enum vfio_loop loop)
{
	static const char *const words[] = {
		[VFIO_LOOP_NONE] = "",
		[VFIO_LOOP_CAME] = "; software loopback came",
		[VFIO_LOOP_LOST] = "; software loopback lost",
		[VFIO_LOOP_REFUSED] = "; software loopback refused",
	};
	const char *name = vfio_irq_name(index);

	output_line("  %-12s %u %s%s%s%s", name ? name : "of its own", irq->count,
		    irq->eventfd ? "by eventfd" : "without eventfd",
		    irq->automasked ? ", masks itself" : "",
		    irq->noresize && irq->count > 1 ? ", all at once" : "", words[loop]);
}

static const char *owner_words(const struct probe_report *report, bool by_devices,
			       const struct vfio_dependent *one, char *buffer,
			       size_t size)
{
	const struct pci_device *device = pci_find(&report->view->devices, &one->address);
	enum fact fact = FACT_ABSENT;
	const struct iommu_group *group =
		device ? iommu_group_of(&report->view->groups, device, &fact) : NULL;

	if (group)
		snprintf(buffer, size, "group %u, %s%s", group->number,
			 describe_driver(device),
			 by_devices && !one->is_owned ? ", not of this iommufd" : "");
	else
		snprintf(buffer, size, "no group");
	return buffer;
}

static void print_reset(const struct probe_report *report,
			const struct vfio_hot_reset *set)
{
	output_line("  Reset        %s%s",
		    report->probe->device.can_reset
			    ? "it can be reset alone"
			    : "not alone (VFIO found no way as it was opened)",
		    report->probe->was_reset ? "; was, as asked for" : "");
	if (set->groupless)
		output_line("  Hot reset    by nobody: what shares its bus is in no IOMMU"
			    " group");
	else if (!set->possible)
		output_line("  Hot reset    neither its slot nor its bus can be reset");
	for (size_t i = 0; i < set->count; i++) {
		char address[PCI_ADDRESS_SIZE], words[96];

		pci_address_format(&set->items[i].address, address);
		output_line("  %-12s %s (%s)", i ? "" : "Hot reset", address,
			    owner_words(report, set->by_devices, &set->items[i], words,
					sizeof(words)));
	}
}

static void print_configuration(const struct vfio_comparison *result)
{
	_cleanup_free_ char *answered = string_list_join(&result->answered, ", ");
	_cleanup_free_ char *hidden = string_list_join(&result->hidden, ", ");

	if (!result->compared)
		output_line("  Config space %zu bytes; sysfs gave none to compare with",
			    result->size);
	else
		output_line("  Config space %zu bytes, as in sysfs", result->compared);
	if (result->answered.count && answered)
		output_line("    but what VFIO answers itself: %s", answered);
	if (result->hidden.count && hidden)
		output_line("    but what VFIO hides: %s", hidden);
}

static double per_second(uint64_t bytes, uint64_t ns)
{
	return ns ? (double)bytes / (double)(1 << 30) / ((double)ns / 1e9) : 0;
}

static void print_pace(const struct vfio_pace *pace, const char *label)
{
	double count = pace->count ? (double)pace->count : 1;
	uint64_t bytes = pace->count * pace->piece;
	char piece[32];

	describe_size(pace->piece, piece, sizeof(piece));
	if (!pace->count) {
		output_line("  %-12s %s: not tried, %llu MiB of memory are to be had",
			    label, piece, (unsigned long long)(pace->budget >> 20));
		return;
	}
	output_line("  %-12s %zu x %s: mapped in %.1f us each (%.2f GiB/s),"
		    " unmapped in %.1f us (%.2f GiB/s)%s%s",
		    label, pace->count, piece, (double)pace->map_ns / 1e3 / count,
		    per_second(bytes, pace->map_ns), (double)pace->unmap_ns / 1e3 / count,
		    per_second(bytes, pace->unmap_ns), pace->huge ? ", huge pages" : "",
		    pace->has_page == FACT_ABSENT ? ", no such page in the IOMMU" : "");
}

static void print_limit(const struct probe_report *report)
{
	const struct vfio_limit *limit = &report->probe->limit;
	char size[64] = "";

	if (report->memory)
		snprintf(size, sizeof(size), "; a guest of %llu MiB wants up to %llu",
			 (unsigned long long)(report->memory >> 20),
			 (unsigned long long)((report->memory + VFIO_LOCKED_BESIDES) >>
					      20));
	if (limit->exempt)
		output_line("  Locked       no limit holds for root%s", size);
	else if (limit->bytes == UINT64_MAX)
		output_line("  Locked       there is no limit%s", size);
	else
		output_line("  Locked       at most %llu MiB%s",
			    (unsigned long long)(limit->bytes >> 20), size);
}

static void print_seen(const struct probe_report *report)
{
	const struct vfio_probe *probe = report->probe;
	const struct vfio_seen *seen = &probe->ways[probe->described_by];

	print_iommu(&seen->iommu);
	print_reserved(report);
	for (size_t i = 0; i < probe->device.n_regions; i++)
		if (probe->device.regions[i].size)
			print_region(i, &probe->device.regions[i]);
	for (size_t i = 0; i < probe->device.n_irqs; i++)
		if (probe->device.irqs[i].count)
			print_irq(i, &probe->device.irqs[i],
				  i < VFIO_LOOPS ? probe->loops[i] : VFIO_LOOP_NONE);
	output_line(
		"    a loopback is made by the kernel (VFIO_IRQ_SET): the device itself"
		" has raised none");
	print_reset(report, &seen->hot_reset);
	if (probe->configuration.size)
		print_configuration(&probe->configuration);
	for (size_t way = 0; way < VFIO_WAYS; way++)
		for (size_t i = 0; probe->ways[way].mapped && i < VFIO_PACES; i++)
			print_pace(&probe->ways[way].paces[i], i ? ""
							       : way == VFIO_BY_GROUP
								       ? "Maps"
								       : "  by cdev");
	print_limit(report);
	probe_dma_print(&probe->dma);
}

/* The last lines: what came of it. */
static void print_end(const struct probe_report *report)
{
	const struct vfio_seen *obstacle = vfio_probe_obstacle(report->probe);
	const struct error *failure = obstacle ? &obstacle->failure : NULL;
	const struct vfio_seen *first = &report->probe->ways[VFIO_BY_GROUP];
	bool by_group = first->offered && !error_is_set(&first->failure);
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&report->device->address, address);
	if (!failure) {
		output_line("%s is assignable%s%s", address,
			    report->group->count > 1 ? ", with the rest of its group"
						     : "",
			    by_group ? "" : ", by cdev and iommufd alone");
		return;
	}
	output_line("%s is not assignable: %s%s%s", address,
		    strcmp(failure->subject, address) != 0 ? failure->subject : "",
		    strcmp(failure->subject, address) != 0 ? ": " : "", failure->message);
	for (char **line = failure->evidence; line && *line; line++)
		output_line("  %s", *line);
	if (failure->hint[0])
		output_line("  %s", failure->hint);
}

void probe_page_print(const struct probe_report *report)
{
	char address[PCI_ADDRESS_SIZE], name[512];

	describe_name(report->view, report->device, name, sizeof(name));
	output_line("%s  %s", pci_address_format(&report->device->address, address),
		    name);
	if (report->group)
		output_line("  Group        %u, %s%s", report->group->number,
			    describe_driver(report->device),
			    report->bound ? " for the time of the probe" : "");
	if (report->probe->ways[VFIO_BY_GROUP].step != VFIO_STEP_LOOK ||
	    report->probe->ways[VFIO_BY_CDEV].offered)
		for (size_t i = 0; i < VFIO_WAYS; i++)
			print_way(&report->probe->ways[i],
				  vfio_probe_obstacle(report->probe));
	if (report->probe->described)
		print_seen(report);
	print_end(report);
}
