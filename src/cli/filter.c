/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/filter.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/describe.h"

/* What people call kinds of devices, by base class and subclass (PCI ID repository). */
static const struct {
	const char *name;
	unsigned int mask, value; /* of class code >> 8 */
} kinds[] = {
	{ "gpu", 0xff00, 0x0300 },	   { "nvme", 0xffff, 0x0108 },
	{ "net", 0xff00, 0x0200 },	   { "usb", 0xffff, 0x0c03 },
	{ "audio", 0xffff, 0x0403 },	   { "audio", 0xffff, 0x0401 },
	{ "storage", 0xff00, 0x0100 },	   { "bridge", 0xff00, 0x0600 },
	{ "accelerator", 0xff00, 0x1200 },
};

static bool contains(const char *text, const char *word)
{
	return text && strcasestr(text, word);
}

static bool match_class(const struct cli_view *view, const struct pci_device *device,
			const char *value)
{
	size_t len = strlen(value);
	uint32_t code;

	(void)view;
	if (device->ids != FACT_KNOWN)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, value) &&
		    (device->class_code >> 8 & kinds[i].mask) == kinds[i].value)
			return true;
	return len % 2 == 0 && text_parse_hex(value, len, &code) == 0 &&
	       device->class_code >> (24 - 4 * len) == code;
}

static bool check_class(const char *value)
{
	size_t len = strlen(value);
	uint32_t code;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, value))
			return true;
	return (len == 2 || len == 4 || len == 6) &&
	       text_parse_hex(value, len, &code) == 0;
}

static bool match_driver(const struct cli_view *view, const struct pci_device *device,
			 const char *value)
{
	(void)view;
	if (!strcmp(value, "-") || !strcmp(value, "none"))
		return device->driver_fact == FACT_ABSENT;
	return device->driver && !strcmp(device->driver, value);
}

static bool check_driver(const char *value)
{
	return *value;
}

static bool match_group(const struct cli_view *view, const struct pci_device *device,
			const char *value)
{
	const struct iommu_group *group = iommu_group_of(&view->groups, device, NULL);
	uint64_t number;

	if (!strcmp(value, "-") || !strcmp(value, "none"))
		return !group && device->group_fact == FACT_ABSENT;
	return group && text_parse_number(value, INT_MAX, &number) == 0 &&
	       group->number == number;
}

static bool check_group(const char *value)
{
	uint64_t number;

	return !strcmp(value, "-") || !strcmp(value, "none") ||
	       text_parse_number(value, INT_MAX, &number) == 0;
}

static bool match_vendor(const struct cli_view *view, const struct pci_device *device,
			 const char *value)
{
	uint32_t id;

	if (strlen(value) == 4 && text_parse_hex(value, 4, &id) == 0)
		return device->ids == FACT_KNOWN && device->vendor_id == id;
	return contains(pci_vendor_name(view->names, device), value);
}

static const struct key {
	const char *name;
	bool (*check)(const char *value);
	bool (*match)(const struct cli_view *view, const struct pci_device *device,
		      const char *value);
	const char *hint;
} keys[] = {
	{ "class", check_class, match_class,
	  "gpu, nvme, net, usb, audio, storage, bridge, accelerator, or a code" },
	{ "driver", check_driver, match_driver, "the name of a driver, or none" },
	{ "group", check_group, match_group, "a number, or none" },
	{ "vendor", check_driver, match_vendor, "four hexadecimal digits, or a name" },
};

/* The key that a word begins with; NULL: it is free text. */
static const struct key *find_key(const char *word, const char **ret_value)
{
	const char *equals = strchr(word, '=');

	for (size_t i = 0; equals && i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i].name);

		if ((size_t)(equals - word) != len || strncmp(word, keys[i].name, len))
			continue;
		*ret_value = equals + 1;
		return &keys[i];
	}
	return NULL;
}

int filters_parse(int argc, char *const *argv, struct cli_filters *ret_filters,
		  struct error *err)
{
	for (int i = 0; i < argc; i++) {
		const char *value;
		const struct key *key = find_key(argv[i], &value);

		if (key && key->check(value))
			continue;
		if (key) {
			error_usage(err, argv[i], "not a value of %s=", key->name);
			error_hint(err, "%s", key->hint);
			return -EINVAL;
		}
		if (strchr(argv[i], '=') || !*argv[i]) {
			error_usage(err, argv[i], "not a filter");
			error_hint(err, "class=, driver=, group=, vendor=, or a part of"
					" the name");
			return -EINVAL;
		}
	}
	*ret_filters = (struct cli_filters){ argv, argc };
	return 0;
}

static bool match_text(const struct cli_view *view, const struct pci_device *device,
		       const char *word)
{
	char address[PCI_ADDRESS_SIZE], ids[16], name[512];

	describe_name(view, device, name, sizeof(name));
	snprintf(ids, sizeof(ids), "%04x:%04x", device->vendor_id, device->device_id);
	return contains(name, word) || contains(ids, word) ||
	       contains(pci_address_format(&device->address, address), word);
}

/* Whether one of the words with this key matches; true where there is none. */
static bool match_key(const struct cli_filters *filters, const struct key *key,
		      const struct cli_view *view, const struct pci_device *device)
{
	bool any = false;

	for (int i = 0; i < filters->count; i++) {
		const char *value;

		if (find_key(filters->words[i], &value) != key)
			continue;
		if (key->match(view, device, value))
			return true;
		any = true;
	}
	return !any;
}

bool filters_match(const struct cli_filters *filters, const struct cli_view *view,
		   const struct pci_device *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!match_key(filters, &keys[i], view, device))
			return false;
	for (int i = 0; i < filters->count; i++) {
		const char *value;

		if (!find_key(filters->words[i], &value) &&
		    !match_text(view, device, filters->words[i]))
			return false;
	}
	return true;
}
