/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <json-c/json.h>

#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/probe.h"

/* Bytes and addresses, which may be beyond what is signed. */
static void add_bytes(struct json_object *object, const char *key, enum fact fact,
		      uint64_t value)
{
	json_object_object_add(object, key,
			       fact == FACT_KNOWN ? json_object_new_uint64(value) : NULL);
}

static void add_evidence(struct json_object *object, char *const *lines)
{
	struct json_object *array = json_object_new_array();

	for (; lines && *lines; lines++)
		json_object_array_add(array, output_json_text(*lines));
	json_object_object_add(object, "evidence", array);
}

static const char *way_name(const struct vfio_seen *seen)
{
	return seen->way == VFIO_BY_GROUP ? "group" : "cdev";
}

/* NULL: nothing failed. */
static struct json_object *failure_object(const struct vfio_seen *seen)
{
	struct json_object *object;

	if (!seen || !error_is_set(&seen->failure))
		return NULL;
	object = json_object_new_object();
	json_add_text(object, "way", way_name(seen));
	json_add_text(object, "step", vfio_step_name(seen->step));
	json_add_text_or_null(object, "subject", seen->failure.subject);
	json_add_text(object, "message", seen->failure.message);
	add_evidence(object, seen->failure.evidence);
	json_add_text_or_null(object, "hint", seen->failure.hint);
	return object;
}

static struct json_object *page_sizes(const struct vfio_iommu *iommu)
{
	struct json_object *array;

	if (iommu->page_sizes_fact != FACT_KNOWN)
		return NULL;
	array = json_object_new_array();
	for (unsigned int bit = 0; bit < 64; bit++)
		if (iommu->page_sizes >> bit & 1)
			json_object_array_add(array, json_object_new_uint64(1ULL << bit));
	return array;
}

static struct json_object *ranges(const struct vfio_iommu *iommu)
{
	struct json_object *array;

	if (iommu->ranges_fact != FACT_KNOWN)
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; i < iommu->n_ranges; i++) {
		struct json_object *item = json_object_new_object();

		add_bytes(item, "start", FACT_KNOWN, iommu->ranges[i].start);
		add_bytes(item, "end", FACT_KNOWN, iommu->ranges[i].end);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *hot_reset(const struct vfio_hot_reset *set)
{
	struct json_object *array;

	if (!set->possible)
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; i < set->count; i++) {
		const struct vfio_dependent *one = &set->items[i];
		struct json_object *item = json_object_new_object();
		enum fact by_group = set->by_devices ? FACT_ABSENT : FACT_KNOWN;
		enum fact by_device = set->by_devices ? FACT_KNOWN : FACT_ABSENT;

		json_add_address(item, "address", FACT_KNOWN, &one->address);
		json_add_number(item, "iommu_group", by_group, one->group);
		json_add_boolean(item, "owned", by_device, one->is_owned);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *maps(const struct vfio_seen *seen)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; seen->mapped && i < VFIO_PACES; i++) {
		const struct vfio_pace *pace = &seen->paces[i];
		struct json_object *item = json_object_new_object();
		enum fact done = pace->count ? FACT_KNOWN : FACT_ABSENT;
		bool told = pace->has_page != FACT_UNREADABLE;

		add_bytes(item, "piece", FACT_KNOWN, pace->piece);
		json_add_boolean(item, "iommu_has_page", told ? FACT_KNOWN : FACT_ABSENT,
				 pace->has_page == FACT_KNOWN);
		json_add_number(item, "count", FACT_KNOWN, (long long)pace->count);
		json_add_boolean(item, "huge_pages", done, pace->huge);
		add_bytes(item, "map_ns", done, pace->map_ns);
		add_bytes(item, "unmap_ns", done, pace->unmap_ns);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *way_object(const struct vfio_seen *seen)
{
	struct json_object *object = json_object_new_object();
	bool by_group = seen->way == VFIO_BY_GROUP;
	enum fact aligned = seen->iommu.alignment ? FACT_KNOWN : FACT_ABSENT;

	json_add_text(object, "way", way_name(seen));
	json_add_boolean(object, "offered", FACT_KNOWN, seen->offered);
	json_add_boolean(object, "works", seen->offered ? FACT_KNOWN : FACT_ABSENT,
			 !error_is_set(&seen->failure));
	json_object_object_add(object, "failure", failure_object(seen));
	json_add_text(object, "iommu_type",
		      by_group			       ? vfio_type_name(seen->type)
		      : seen->step > VFIO_STEP_IOMMUFD ? "iommufd"
						       : NULL);
	json_object_object_add(object, "page_sizes", page_sizes(&seen->iommu));
	add_bytes(object, "iova_alignment", aligned, seen->iommu.alignment);
	json_object_object_add(object, "iova_ranges", ranges(&seen->iommu));
	json_add_number(object, "mappings_left", seen->iommu.maps_left_fact,
			seen->iommu.maps_left);
	json_object_object_add(object, "hot_reset", hot_reset(&seen->hot_reset));
	json_object_object_add(object, "maps", maps(seen));
	return object;
}

static struct json_object *areas(const struct vfio_region *region)
{
	struct json_object *array;

	if (!region->is_sparse)
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; i < region->n_areas; i++) {
		struct json_object *item = json_object_new_object();

		add_bytes(item, "offset", FACT_KNOWN, region->areas[i].offset);
		add_bytes(item, "size", FACT_KNOWN, region->areas[i].size);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *regions(const struct vfio_device *device)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < device->n_regions; i++) {
		const struct vfio_region *region = &device->regions[i];
		struct json_object *item = json_object_new_object();
		enum fact typed = region->has_type ? FACT_KNOWN : FACT_ABSENT;

		json_add_number(item, "index", FACT_KNOWN, (long long)i);
		json_add_text(item, "name", vfio_region_name(i));
		add_bytes(item, "size", region->is_there ? FACT_KNOWN : FACT_ABSENT,
			  region->size);
		json_add_boolean(item, "readable", FACT_KNOWN, region->readable);
		json_add_boolean(item, "writable", FACT_KNOWN, region->writable);
		json_add_boolean(item, "mappable", FACT_KNOWN, region->mappable);
		json_object_object_add(item, "areas", areas(region));
		json_add_boolean(item, "msix_mappable", FACT_KNOWN,
				 region->msix_mappable);
		json_add_number(item, "type", typed, region->type);
		json_add_number(item, "subtype", typed, region->subtype);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *interrupts(const struct vfio_probe *probe)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < probe->device.n_irqs; i++) {
		const struct vfio_irq *irq = &probe->device.irqs[i];
		struct json_object *item = json_object_new_object();

		json_add_number(item, "index", FACT_KNOWN, (long long)i);
		json_add_text(item, "name", vfio_irq_name(i));
		json_add_number(item, "count", irq->is_there ? FACT_KNOWN : FACT_ABSENT,
				irq->count);
		json_add_boolean(item, "eventfd", FACT_KNOWN, irq->eventfd);
		json_add_boolean(item, "maskable", FACT_KNOWN, irq->maskable);
		json_add_boolean(item, "automasked", FACT_KNOWN, irq->automasked);
		json_add_boolean(item, "noresize", FACT_KNOWN, irq->noresize);
		json_add_text(item, "software_loop",
			      i < VFIO_LOOPS ? probe_loop_name(probe->loops[i]) : NULL);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *configuration(const struct vfio_comparison *result)
{
	struct json_object *object;

	if (!result->size)
		return NULL;
	object = json_object_new_object();
	json_add_number(object, "size", FACT_KNOWN, (long long)result->size);
	json_add_number(object, "compared", FACT_KNOWN, (long long)result->compared);
	json_add_list(object, "wrong", &result->wrong);
	json_add_list(object, "answered_by_vfio", &result->answered);
	json_add_list(object, "hidden_by_vfio", &result->hidden);
	return object;
}

static struct json_object *locked_memory(const struct probe_report *report)
{
	const struct vfio_limit *limit = &report->probe->limit;
	struct json_object *object = json_object_new_object();
	enum fact limited =
		vfio_limit_bytes(limit) == UINT64_MAX ? FACT_ABSENT : FACT_KNOWN;

	add_bytes(object, "limit", limited, limit->bytes);
	json_add_boolean(object, "exempt", FACT_KNOWN, limit->exempt);
	add_bytes(object, "wanted", report->memory ? FACT_KNOWN : FACT_ABSENT,
		  report->memory + VFIO_LOCKED_BESIDES);
	return object;
}

static void add_device(const struct probe_report *report, struct json_object *root)
{
	const struct vfio_probe *probe = report->probe;
	enum fact seen = probe->described ? FACT_KNOWN : FACT_ABSENT;

	json_object_object_add(root, "regions",
			       probe->described ? regions(&probe->device) : NULL);
	json_object_object_add(root, "interrupts",
			       probe->described ? interrupts(probe) : NULL);
	json_add_boolean(root, "can_be_reset_alone", seen, probe->device.can_reset);
	json_add_boolean(root, "was_reset", FACT_KNOWN, probe->was_reset);
	json_object_object_add(root, "configuration",
			       configuration(&probe->configuration));
	json_object_object_add(root, "dma_test", probe_dma_json(&probe->dma));
	json_object_object_add(root, "locked_memory", locked_memory(report));
}

int probe_json_print(const struct probe_report *report)
{
	const struct vfio_seen *obstacle = vfio_probe_obstacle(report->probe);
	const struct iommu_group *group = report->group;
	struct json_object *root = json_root("probe");
	struct json_object *ways = json_object_new_array();

	if (!root || !ways) {
		json_object_put(root);
		json_object_put(ways);
		return -ENOMEM;
	}
	json_add_address(root, "address", FACT_KNOWN, &report->device->address);
	json_add_number(root, "iommu_group", group ? FACT_KNOWN : FACT_ABSENT,
			group ? group->number : 0);
	json_add_text(root, "driver", report->device->driver);
	json_add_boolean(root, "bound_for_the_probe", FACT_KNOWN, report->bound);
	json_add_boolean(root, "assignable", FACT_KNOWN, !obstacle);
	json_object_object_add(root, "obstacle", failure_object(obstacle));
	for (size_t i = 0; i < VFIO_WAYS; i++)
		json_object_array_add(ways, way_object(&report->probe->ways[i]));
	json_object_object_add(root, "ways", ways);
	json_object_object_add(
		root, "reserved_regions",
		group ? json_reserved_regions(report->view->host, group->number) : NULL);
	add_device(report, root);
	return output_json(root);
}
