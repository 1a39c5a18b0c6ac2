/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/describe.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"

void describe_name(const struct cli_view *view, const struct pci_device *device,
		   char *buffer, size_t size)
{
	const char *class_name = pci_class_name(view->names, device);
	const char *vendor = pci_vendor_name(view->names, device);
	const char *name = pci_device_name(view->names, device);
	char class_text[32], device_text[32];

	if (device->ids != FACT_KNOWN) {
		snprintf(buffer, size, "(its IDs could not be read)");
		return;
	}
	snprintf(class_text, sizeof(class_text), "Class %04x", device->class_code >> 8);
	snprintf(device_text, sizeof(device_text), "Device %04x", device->device_id);
	snprintf(buffer, size, "%s: %s%s%s", class_name ? class_name : class_text,
		 vendor ? vendor : "", vendor ? " " : "", name ? name : device_text);
}

const char *describe_driver(const struct pci_device *device)
{
	if (device->stuck)
		return "stuck";
	if (device->driver_fact == FACT_UNREADABLE)
		return "?";
	return device->driver ? device->driver : "-";
}

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

int describe_json(const struct cli_view *view, const struct pci_device *device,
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
	json_object_object_add(object, "boot_vga",
			       details.boot_vga_fact == FACT_KNOWN
				       ? json_object_new_boolean(details.boot_vga)
				       : NULL);
	json_object_object_add(object, "reset_methods", reset_methods(&details));
	add_functions(&details, object);
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

struct json_object *describe_json_root(const char *command)
{
	struct json_object *root = json_object_new_object();

	if (!root)
		return NULL;
	add_text(root, "schema", "pciferry/1");
	add_text(root, "command", command);
	return root;
}
