/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One device as an object. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/describe.h"
#include "cli/json.h"
#include "cli/output.h"

static void add_id(struct json_object *object, const char *key, bool known,
		   unsigned int id)
{
	char text[16];

	snprintf(text, sizeof(text), "%04x", id);
	json_add_text(object, key, known ? text : NULL);
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

		json_add_text(item, "kind", usage_kind_name(findings->items[i].kind));
		json_add_text(item, "detail", findings->items[i].detail);
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
	json_add_text(object, "class", known ? class_text : NULL);
	json_add_text(object, "class_name", pci_class_name(view->names, device));
	json_add_text(object, "vendor_name", pci_vendor_name(view->names, device));
	json_add_text(object, "device_name", pci_device_name(view->names, device));
}

static void add_driver(const struct pci_device *device, struct json_object *object)
{
	const char *override = device->driver_override;

	json_add_text(object, "driver", device->driver);
	json_add_text(object, "driver_override", override && *override ? override : NULL);
	json_object_object_add(object, "stuck", json_object_new_boolean(device->stuck));
}

static void add_functions(const struct pci_details *details, struct json_object *object)
{
	struct json_object *array = json_object_new_array();

	json_add_address(object, "parent", details->parent_fact, &details->parent);
	json_add_address(object, "physical_function", details->physical_fact,
			 &details->physical_function);
	for (size_t i = 0; i < details->n_virtual_functions; i++) {
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(&details->virtual_functions[i], text);
		json_object_array_add(array, output_json_text(text));
	}
	json_object_object_add(object, "virtual_functions", array);
}

static struct json_object *link_object(const struct pci_config *config)
{
	const struct pci_link *link = &config->pcie.link;
	struct json_object *object;

	if (config->pcie_fact != FACT_KNOWN || config->pcie.link_fact != FACT_KNOWN)
		return NULL;
	object = json_object_new_object();
	json_add_number(object, "speed_mts", link->speed ? FACT_KNOWN : FACT_ABSENT,
			link->speed * 100);
	json_add_number(object, "width", FACT_KNOWN, link->width);
	json_add_number(object, "max_speed_mts",
			link->max_speed ? FACT_KNOWN : FACT_ABSENT,
			link->max_speed * 100);
	json_add_number(object, "max_width", FACT_KNOWN, link->max_width);
	return object;
}

static struct json_object *acs(const struct pci_config *config)
{
	struct json_object *object;

	if (config->acs_fact != FACT_KNOWN)
		return NULL;
	object = json_object_new_object();
	json_add_number(object, "capability", FACT_KNOWN, config->acs.capability);
	json_add_number(object, "control", FACT_KNOWN, config->acs.control);
	return object;
}

static struct json_object *sriov(const struct pci_config *config)
{
	struct json_object *object;

	if (config->sriov_fact != FACT_KNOWN)
		return NULL;
	object = json_object_new_object();
	json_add_number(object, "total", FACT_KNOWN, config->sriov.total_vfs);
	json_add_number(object, "enabled", FACT_KNOWN,
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

		json_add_number(item, "id", FACT_KNOWN, one->id);
		json_object_object_add(item, "extended",
				       json_object_new_boolean(one->extended));
		json_add_number(item, "version", one->extended ? FACT_KNOWN : FACT_ABSENT,
				one->version);
		json_add_number(item, "offset", FACT_KNOWN, one->offset);
		json_add_text(item, "name", pci_capability_name(one->extended, one->id));
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
		json_add_text(item, "kind",
			      i == PCI_RESOURCE_ROM ? "rom"
			      : resources[i].io	    ? "io"
						    : "memory");
		json_add_number(item, "index",
				i == PCI_RESOURCE_ROM ? FACT_ABSENT : FACT_KNOWN, i);
		json_object_object_add(item, "size",
				       json_object_new_uint64(resources[i].size));
		json_add_boolean(item, "prefetchable", FACT_KNOWN,
				 resources[i].prefetchable);
		json_add_boolean(item, "is_64bit", FACT_KNOWN, resources[i].is_64bit);
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

	json_add_text(object, "iommu_unit",
		      iommu_unit_name(view->host, device, path, sizeof(path)) ==
				      FACT_KNOWN
			      ? path
			      : NULL);
	pci_node_path(node, path);
	json_add_text_or_null(object, "path", path);
	json_add_text(object, "slot", node->slot);
	json_add_text(object, "port_type",
		      config->pcie_fact == FACT_KNOWN
			      ? describe_port_type(config->pcie.type)
			      : NULL);
	json_object_object_add(object, "link", link_object(config));
	json_object_object_add(object, "acs", acs(config));
	json_object_object_add(object, "sriov", sriov(config));
	snprintf(serial, sizeof(serial), "%016llx",
		 (unsigned long long)config->serial_number);
	json_add_text(object, "serial_number",
		      config->serial_fact == FACT_KNOWN ? serial : NULL);
	json_object_object_add(object, "capabilities", capabilities(config));
	json_object_object_add(object, "bars", bars(view, device));
	json_add_number(object, "predicted_group",
			predicted->unreadable || predicted->group < 0 ? FACT_ABSENT
								      : FACT_KNOWN,
			predicted->group);
	json_add_boolean(object, "predicted_uncertain",
			 predicted->unreadable ? FACT_UNREADABLE : FACT_KNOWN,
			 predicted->uncertain);
	iommu_predicted_reason(predicted, reason, sizeof(reason));
	json_add_text_or_null(object, "predicted_reason", reason);
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
	json_add_address(object, "address", FACT_KNOWN, &device->address);
	add_ids(view, device, object);
	json_add_number(object, "revision", details.revision_fact, details.revision);
	add_driver(device, object);
	json_add_number(object, "iommu_group", group ? FACT_KNOWN : FACT_ABSENT,
			group ? group->number : 0);
	json_add_number(object, "numa_node",
			details.numa_node < 0 ? FACT_ABSENT : details.numa_fact,
			details.numa_node);
	json_add_boolean(object, "boot_vga", details.boot_vga_fact, details.boot_vga);
	json_object_object_add(object, "reset_methods", reset_methods(&details));
	add_functions(&details, object);
	add_structure(view, device, object);
	json_add_text(object, "power_state",
		      details.power_fact == FACT_KNOWN ? details.power_state : NULL);
	json_object_object_add(object, "in_use", in_use(view, device));
	verdict = usage_verdict(&view->usage, &view->groups, device, reason,
				sizeof(reason));
	json_add_text(object, "verdict", usage_verdict_name(verdict));
	json_add_text_or_null(object, "verdict_reason", reason);
	*ret_object = object;
	return 0;
}
