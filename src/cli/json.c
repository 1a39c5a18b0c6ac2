/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/describe.h"
#include "cli/output.h"
#include "host/recording.h"

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, output_json_text(text));
}

static void add_id(struct json_object *object, const char *key, bool known,
		   unsigned int id)
{
	char text[16];

	snprintf(text, sizeof(text), "%04x", id);
	add_text(object, key, known ? text : NULL);
}

static void add_number(struct json_object *object, const char *key, enum fact fact,
		       long long number)
{
	json_object_object_add(object, key,
			       fact == FACT_KNOWN ? json_object_new_int64(number) : NULL);
}

static void add_address(struct json_object *object, const char *key, enum fact fact,
			const struct pci_address *address)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	add_text(object, key, fact == FACT_KNOWN ? text : NULL);
}

static struct json_object *reset_methods(const struct pci_details *details)
{
	struct json_object *array;
	char copy[sizeof(details->reset_methods)], *rest = copy, *method;

	/* Since Linux 5.15; where the file is not there, what the device can do is
	 * unknown. */
	if (details->reset_fact != FACT_KNOWN)
		return NULL;
	array = json_object_new_array();
	memcpy(copy, details->reset_methods, sizeof(copy));
	while ((method = strsep(&rest, " ")))
		if (*method)
			json_object_array_add(array, output_json_text(method));
	return array;
}

static struct json_object *in_use(const struct cli_view *view,
				  const struct pci_device *device)
{
	const struct usage_findings *findings = usage_of(&view->usage, device);
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < findings->count; i++) {
		struct json_object *item = json_object_new_object();

		add_text(item, "kind", usage_kind_name(findings->items[i].kind));
		add_text(item, "detail", findings->items[i].detail);
		json_object_array_add(array, item);
	}
	return array;
}

static void add_ids(const struct cli_view *view, const struct pci_device *device,
		    struct json_object *object)
{
	bool known = device->ids == FACT_KNOWN;
	char class_text[16];

	add_id(object, "vendor_id", known, device->vendor_id);
	add_id(object, "device_id", known, device->device_id);
	add_id(object, "subsystem_vendor_id", known, device->subsystem_vendor_id);
	add_id(object, "subsystem_device_id", known, device->subsystem_device_id);
	snprintf(class_text, sizeof(class_text), "%06x", device->class_code);
	add_text(object, "class", known ? class_text : NULL);
	add_text(object, "class_name", pci_class_name(view->names, device));
	add_text(object, "vendor_name", pci_vendor_name(view->names, device));
	add_text(object, "device_name", pci_device_name(view->names, device));
}

static void add_driver(const struct pci_device *device, struct json_object *object)
{
	const char *override = device->driver_override;

	add_text(object, "driver", device->driver);
	add_text(object, "driver_override", override && *override ? override : NULL);
	json_object_object_add(object, "stuck", json_object_new_boolean(device->stuck));
}

static void add_functions(const struct pci_details *details, struct json_object *object)
{
	struct json_object *array = json_object_new_array();

	add_address(object, "parent", details->parent_fact, &details->parent);
	add_address(object, "physical_function", details->physical_fact,
		    &details->physical_function);
	for (size_t i = 0; i < details->n_virtual_functions; i++) {
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(&details->virtual_functions[i], text);
		json_object_array_add(array, output_json_text(text));
	}
	json_object_object_add(object, "virtual_functions", array);
}

static void add_boolean(struct json_object *object, const char *key, enum fact fact,
			bool value)
{
	json_object_object_add(
		object, key, fact == FACT_KNOWN ? json_object_new_boolean(value) : NULL);
}

static struct json_object *link_object(const struct pci_config *config)
{
	const struct pci_link *link = &config->pcie.link;
	struct json_object *object;

	if (config->pcie_fact != FACT_KNOWN || config->pcie.link_fact != FACT_KNOWN)
		return NULL;
	object = json_object_new_object();
	add_number(object, "speed_mts", link->speed ? FACT_KNOWN : FACT_ABSENT,
		   link->speed * 100);
	add_number(object, "width", FACT_KNOWN, link->width);
	add_number(object, "max_speed_mts", link->max_speed ? FACT_KNOWN : FACT_ABSENT,
		   link->max_speed * 100);
	add_number(object, "max_width", FACT_KNOWN, link->max_width);
	return object;
}

static struct json_object *acs(const struct pci_config *config)
{
	struct json_object *object;

	if (config->acs_fact != FACT_KNOWN)
		return NULL;
	object = json_object_new_object();
	add_number(object, "capability", FACT_KNOWN, config->acs.capability);
	add_number(object, "control", FACT_KNOWN, config->acs.control);
	return object;
}

static struct json_object *sriov(const struct pci_config *config)
{
	struct json_object *object;

	if (config->sriov_fact != FACT_KNOWN)
		return NULL;
	object = json_object_new_object();
	add_number(object, "total", FACT_KNOWN, config->sriov.total_vfs);
	add_number(object, "enabled", FACT_KNOWN,
		   config->sriov.enabled ? config->sriov.num_vfs : 0);
	return object;
}

static struct json_object *capabilities(const struct pci_config *config)
{
	struct json_object *array;

	if (config->capabilities_fact == FACT_UNREADABLE ||
	    config->extended_fact == FACT_UNREADABLE)
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; i < config->n_capabilities; i++) {
		const struct pci_capability *one = &config->capabilities[i];
		struct json_object *item = json_object_new_object();

		add_number(item, "id", FACT_KNOWN, one->id);
		json_object_object_add(item, "extended",
				       json_object_new_boolean(one->extended));
		add_number(item, "version", one->extended ? FACT_KNOWN : FACT_ABSENT,
			   one->version);
		add_number(item, "offset", FACT_KNOWN, one->offset);
		add_text(item, "name", pci_capability_name(one->extended, one->id));
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *bars(const struct cli_view *view,
				const struct pci_device *device)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	struct json_object *array;

	if (pci_resources_read(view->host, device, resources) != FACT_KNOWN)
		return NULL;
	array = json_object_new_array();
	for (unsigned int i = 0; i < PCI_RESOURCE_COUNT; i++) {
		struct json_object *item;

		if (!resources[i].size)
			continue;
		item = json_object_new_object();
		add_text(item, "kind",
			 i == PCI_RESOURCE_ROM ? "rom"
			 : resources[i].io     ? "io"
					       : "memory");
		add_number(item, "index",
			   i == PCI_RESOURCE_ROM ? FACT_ABSENT : FACT_KNOWN, i);
		json_object_object_add(item, "size",
				       json_object_new_uint64(resources[i].size));
		add_boolean(item, "prefetchable", FACT_KNOWN, resources[i].prefetchable);
		add_boolean(item, "is_64bit", FACT_KNOWN, resources[i].is_64bit);
		json_object_array_add(array, item);
	}
	return array;
}

/* What configuration space and the place in the tree of buses tell. */
static void add_structure(const struct cli_view *view, const struct pci_device *device,
			  struct json_object *object)
{
	const struct pci_node *node = cli_view_node(view, device);
	const struct pci_config *config = cli_view_config(view, device);
	const struct iommu_predicted *predicted = cli_view_predicted(view, device);
	char path[PCI_PATH_SIZE], serial[32], reason[256];

	add_text(object, "iommu_unit",
		 iommu_unit_name(view->host, device, path, sizeof(path)) == FACT_KNOWN
			 ? path
			 : NULL);
	pci_node_path(node, path);
	add_text(object, "path", path[0] ? path : NULL);
	add_text(object, "slot", node->slot);
	add_text(object, "port_type",
		 config->pcie_fact == FACT_KNOWN ? describe_port_type(config->pcie.type)
						 : NULL);
	json_object_object_add(object, "link", link_object(config));
	json_object_object_add(object, "acs", acs(config));
	json_object_object_add(object, "sriov", sriov(config));
	snprintf(serial, sizeof(serial), "%016llx",
		 (unsigned long long)config->serial_number);
	add_text(object, "serial_number",
		 config->serial_fact == FACT_KNOWN ? serial : NULL);
	json_object_object_add(object, "capabilities", capabilities(config));
	json_object_object_add(object, "bars", bars(view, device));
	add_number(object, "predicted_group",
		   predicted->unreadable || predicted->group < 0 ? FACT_ABSENT
								 : FACT_KNOWN,
		   predicted->group);
	add_boolean(object, "predicted_uncertain",
		    predicted->unreadable ? FACT_UNREADABLE : FACT_KNOWN,
		    predicted->uncertain);
	iommu_predicted_reason(predicted, reason, sizeof(reason));
	add_text(object, "predicted_reason", reason[0] ? reason : NULL);
}

int json_device(const struct cli_view *view, const struct pci_device *device,
		struct json_object **ret_object, struct error *err)
{
	_cleanup_(pci_details_free) struct pci_details details = { 0 };
	const struct iommu_group *group = iommu_group_of(&view->groups, device, NULL);
	struct json_object *object;
	enum usage_verdict verdict;
	char reason[256];
	int r;

	r = pci_details_read(view->host, device, &details, err);
	if (r < 0)
		return r;
	object = json_object_new_object();
	if (!object)
		return error_oom(err);
	add_address(object, "address", FACT_KNOWN, &device->address);
	add_ids(view, device, object);
	add_number(object, "revision", details.revision_fact, details.revision);
	add_driver(device, object);
	add_number(object, "iommu_group", group ? FACT_KNOWN : FACT_ABSENT,
		   group ? group->number : 0);
	add_number(object, "numa_node",
		   details.numa_node < 0 ? FACT_ABSENT : details.numa_fact,
		   details.numa_node);
	add_boolean(object, "boot_vga", details.boot_vga_fact, details.boot_vga);
	json_object_object_add(object, "reset_methods", reset_methods(&details));
	add_functions(&details, object);
	add_structure(view, device, object);
	add_text(object, "power_state",
		 details.power_fact == FACT_KNOWN ? details.power_state : NULL);
	json_object_object_add(object, "in_use", in_use(view, device));
	verdict = usage_verdict(&view->usage, &view->groups, device, reason,
				sizeof(reason));
	add_text(object, "verdict", usage_verdict_name(verdict));
	add_text(object, "verdict_reason", reason[0] ? reason : NULL);
	*ret_object = object;
	return 0;
}

static struct json_object *reserved_regions(const struct cli_view *view,
					    unsigned int group)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	struct json_object *array;
	size_t count = 0;

	if (iommu_reserved_read(view->host, group, &regions, &count) != FACT_KNOWN)
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_new_object();

		json_object_object_add(item, "start",
				       json_object_new_uint64(regions[i].start));
		json_object_object_add(item, "end",
				       json_object_new_uint64(regions[i].end));
		add_text(item, "type", regions[i].type);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *unit_object(const struct iommu_registered_unit *unit)
{
	struct json_object *object = json_object_new_object();
	char base[32];

	add_text(object, "name", unit->name);
	snprintf(base, sizeof(base), "0x%llx", (unsigned long long)unit->base);
	add_text(object, "base", unit->base_fact == FACT_KNOWN ? base : NULL);
	add_address(object, "function", unit->function_fact, &unit->function);
	return object;
}

struct json_object *json_iommu(const struct cli_view *view)
{
	static const char *const tables[] = {
		[IOMMU_DMAR] = "DMAR", [IOMMU_IVRS] = "IVRS"
	};
	struct json_object *object = json_object_new_object();
	struct json_object *units = json_object_new_array();
	bool remaps = false;
	enum fact fact = iommu_remaps_interrupts(&view->firmware, &view->units, &remaps);

	if (!object || !units) {
		json_object_put(object);
		json_object_put(units);
		return NULL;
	}
	add_text(object, "table", tables[view->firmware.kind]);
	add_text(object, "table_damage",
		 view->firmware.damage[0] ? view->firmware.damage : NULL);
	add_boolean(object, "interrupt_remapping_possible", fact, remaps);
	for (size_t i = 0; i < view->units.count; i++)
		json_object_array_add(units, unit_object(&view->units.items[i]));
	json_object_object_add(object, "units", units);
	return object;
}

struct json_object *json_groups(const struct cli_view *view)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < view->groups.count; i++) {
		const struct iommu_group *group = &view->groups.items[i];
		struct json_object *item = json_object_new_object();
		struct json_object *members = json_object_new_array();
		char type[32];

		json_object_object_add(item, "number",
				       json_object_new_int64(group->number));
		add_text(item, "type",
			 iommu_group_type(view->host, group, type, sizeof(type)) ==
					 FACT_KNOWN
				 ? type
				 : NULL);
		for (size_t j = 0; j < group->count; j++) {
			char address[PCI_ADDRESS_SIZE];

			pci_address_format(&group->members[j]->address, address);
			json_object_array_add(members, output_json_text(address));
		}
		json_object_object_add(item, "reserved_regions",
				       reserved_regions(view, group->number));
		json_object_object_add(item, "devices", members);
		json_object_array_add(array, item);
	}
	return array;
}

struct json_object *json_root(const char *command)
{
	struct json_object *root = json_object_new_object();

	if (!root)
		return NULL;
	add_text(root, "schema", "pciferry/1");
	add_text(root, "command", command);
	return root;
}

struct json_object *json_check(const struct check *check)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	add_text(object, "id", check->id);
	add_text(object, "area", check->area);
	add_text(object, "meaning", check->meaning);
	add_boolean(object, "per_device", FACT_KNOWN, check->per_device);
	return object;
}

static void add_text_or_null(struct json_object *object, const char *key,
			     const char *text)
{
	add_text(object, key, text[0] ? text : NULL);
}

struct json_object *json_finding(const struct check_finding *finding)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	add_text(object, "check", finding->check->id);
	add_text(object, "area", finding->check->area);
	add_text(object, "status", check_status_name(finding->status));
	add_text_or_null(object, "subject", finding->subject);
	add_text(object, "seen", finding->seen);
	add_text_or_null(object, "why", finding->why);
	add_text_or_null(object, "fix", finding->fix);
	return object;
}

struct json_object *json_recording(const char *path, size_t devices, size_t size,
				   const struct host_recording_summary *summary)
{
	struct json_object *root = json_root("record");
	struct json_object *paths = json_object_new_array();

	if (!root || !paths) {
		json_object_put(root);
		json_object_put(paths);
		return NULL;
	}
	add_text(root, "file", path);
	add_number(root, "size", FACT_KNOWN, (long long)size);
	add_number(root, "devices", FACT_KNOWN, (long long)devices);
	add_number(root, "files", FACT_KNOWN, (long long)summary->files);
	add_number(root, "links", FACT_KNOWN, (long long)summary->links);
	add_number(root, "absent", FACT_KNOWN, (long long)summary->absent);
	add_number(root, "unreadable", FACT_KNOWN, (long long)summary->unreadable.count);
	for (size_t i = 0; i < summary->unreadable.count; i++)
		json_object_array_add(paths,
				      output_json_text(summary->unreadable.items[i]));
	json_object_object_add(root, "unreadable_paths", paths);
	return root;
}
