/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/output.h"
#include "host/recording.h"

void json_add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, output_json_text(text));
}

void json_add_number(struct json_object *object, const char *key, enum fact fact,
		     long long number)
{
	json_object_object_add(object, key,
			       fact == FACT_KNOWN ? json_object_new_int64(number) : NULL);
}

void json_add_address(struct json_object *object, const char *key, enum fact fact,
		      const struct pci_address *address)
{
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(address, text);
	json_add_text(object, key, fact == FACT_KNOWN ? text : NULL);
}

void json_add_boolean(struct json_object *object, const char *key, enum fact fact,
		      bool value)
{
	json_object_object_add(
		object, key, fact == FACT_KNOWN ? json_object_new_boolean(value) : NULL);
}

void json_add_text_or_null(struct json_object *object, const char *key, const char *text)
{
	json_add_text(object, key, text[0] ? text : NULL);
}

struct json_object *json_reserved_regions(const struct host *host, unsigned int group)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	struct json_object *array;
	size_t count = 0;

	if (iommu_reserved_read(host, group, &regions, &count) != FACT_KNOWN)
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_new_object();

		json_object_object_add(item, "start",
				       json_object_new_uint64(regions[i].start));
		json_object_object_add(item, "end",
				       json_object_new_uint64(regions[i].end));
		json_add_text(item, "type", regions[i].type);
		json_object_array_add(array, item);
	}
	return array;
}

static struct json_object *unit_object(const struct iommu_registered_unit *unit)
{
	struct json_object *object = json_object_new_object();
	char base[32];

	json_add_text(object, "name", unit->name);
	snprintf(base, sizeof(base), "0x%llx", (unsigned long long)unit->base);
	json_add_text(object, "base", unit->base_fact == FACT_KNOWN ? base : NULL);
	json_add_address(object, "function", unit->function_fact, &unit->function);
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
	json_add_text(object, "table", tables[view->firmware.kind]);
	json_add_text(object, "table_damage",
		      view->firmware.damage[0] ? view->firmware.damage : NULL);
	json_add_boolean(object, "interrupt_remapping_possible", fact, remaps);
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
		json_add_text(item, "type",
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
				       json_reserved_regions(view->host, group->number));
		json_object_object_add(item, "devices", members);
		json_object_array_add(array, item);
	}
	return array;
}

void json_add_list(struct json_object *object, const char *key,
		   const struct string_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, output_json_text(list->items[i]));
	json_object_object_add(object, key, array);
}

struct json_object *json_root(const char *command)
{
	struct json_object *root = json_object_new_object();

	if (!root)
		return NULL;
	json_add_text(root, "schema", "pciferry/1");
	json_add_text(root, "command", command);
	return root;
}

struct json_object *json_check(const struct check *check)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	json_add_text(object, "id", check->id);
	json_add_text(object, "area", check->area);
	json_add_text(object, "meaning", check->meaning);
	json_add_boolean(object, "per_device", FACT_KNOWN, check->per_device);
	json_add_boolean(object, "slow", FACT_KNOWN, check->is_slow);
	return object;
}

struct json_object *json_finding(const struct check_finding *finding)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return NULL;
	json_add_text(object, "check", finding->check->id);
	json_add_text(object, "area", finding->check->area);
	json_add_text(object, "status", check_status_name(finding->status));
	json_add_text_or_null(object, "subject", finding->subject);
	json_add_text(object, "seen", finding->seen);
	json_add_text_or_null(object, "why", finding->why);
	json_add_text_or_null(object, "fix", finding->fix);
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
	json_add_text(root, "file", path);
	json_add_number(root, "size", FACT_KNOWN, (long long)size);
	json_add_number(root, "devices", FACT_KNOWN, (long long)devices);
	json_add_number(root, "files", FACT_KNOWN, (long long)summary->files);
	json_add_number(root, "links", FACT_KNOWN, (long long)summary->links);
	json_add_number(root, "absent", FACT_KNOWN, (long long)summary->absent);
	json_add_number(root, "unreadable", FACT_KNOWN,
			(long long)summary->unreadable.count);
	for (size_t i = 0; i < summary->unreadable.count; i++)
		json_object_array_add(paths,
				      output_json_text(summary->unreadable.items[i]));
	json_object_object_add(root, "unreadable_paths", paths);
	return root;
}
