/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a device was like first, as three lines that a person can read and act on:
 *
 *	identity 10de:1b39/10de:1217
 *	driver nvidia
 *	driver_override
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"

char *bind_record_format(const struct bind_record *record)
{
	char *text;

	if (asprintf(&text, "identity %s\ndriver %s\ndriver_override %s\n",
		     record->identity, record->first.driver, record->first.override) < 0)
		return NULL;
	return text;
}

int bind_take_line(const char **at, size_t *left, const char *key, char *value,
		   size_t size)
{
	const char *end = memchr(*at, '\n', *left);
	size_t key_len = strlen(key), line, len;

	if (!end)
		return -EINVAL;
	line = (size_t)(end - *at);
	if (line < key_len + 1 || memcmp(*at, key, key_len) != 0 || (*at)[key_len] != ' ')
		return -EINVAL;
	len = line - key_len - 1;
	if (len >= size || memchr(*at, '\0', line))
		return -EINVAL;
	memcpy(value, *at + key_len + 1, len);
	value[len] = '\0';
	*at += line + 1;
	*left -= line + 1;
	return 0;
}

int bind_record_parse(const char *text, size_t len, struct bind_record *ret_record)
{
	struct bind_record record = { 0 };

	if (bind_take_line(&text, &len, "identity", record.identity,
			   sizeof(record.identity)) < 0 ||
	    bind_take_line(&text, &len, "driver", record.first.driver,
			   sizeof(record.first.driver)) < 0 ||
	    bind_take_line(&text, &len, "driver_override", record.first.override,
			   sizeof(record.first.override)) < 0 ||
	    len)
		return -EINVAL;
	*ret_record = record;
	return 0;
}

const char *bind_kept_name(const struct pci_address *address, const char *what,
			   char name[BIND_KEPT_NAME_SIZE])
{
	char text[PCI_ADDRESS_SIZE];

	snprintf(name, BIND_KEPT_NAME_SIZE, "%s.%s", pci_address_format(address, text),
		 what);
	return name;
}

/* Two lines: "identity ...", and "set " with the settings as a person writes them. */
bool bind_settings_recall(const struct host *host, const struct pci_address *address,
			  const char *identity, struct bind_settings *ret_first)
{
	char name[BIND_KEPT_NAME_SIZE], kept[PCI_IDENTITY_SIZE];
	char set[BIND_SETTINGS_TEXT_SIZE];
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t left;

	if (change_read_state(host, bind_kept_name(address, BIND_SETTINGS_KEPT, name),
			      &text) < 0)
		return false;
	at = text;
	left = strlen(text);
	return bind_take_line(&at, &left, "identity", kept, sizeof(kept)) == 0 &&
	       bind_take_line(&at, &left, "set", set, sizeof(set)) == 0 && !left &&
	       !strcmp(kept, identity) && bind_settings_parse(set, ret_first, NULL) == 0;
}

int bind_settings_keep(struct change *change, const struct bind_member *member,
		       struct error *err)
{
	char name[BIND_KEPT_NAME_SIZE], set[BIND_SETTINGS_TEXT_SIZE];
	_cleanup_free_ char *text = NULL;

	if (asprintf(&text, "identity %s\nset %s\n", member->identity,
		     bind_settings_format(&member->first.settings, set)) < 0) {
		text = NULL;
		return error_oom(err);
	}
	return change_keep_state(
		change, bind_kept_name(&member->address, BIND_SETTINGS_KEPT, name), text,
		err);
}

/*
 * Whether the device is as it was first, or on a driver of the host's with nothing left
 * of what pciferry writes: somebody gave it back by other means, or it was unplugged and
 * is there anew, and what is kept is not true any more.
 */
static bool was_given_back(const struct pci_device *device,
			   const struct bind_state *first)
{
	const char *override = device->driver_override;

	if (device->override_fact != FACT_KNOWN || !override)
		return false;
	if (device->driver_fact == FACT_ABSENT)
		return !first->driver[0] && !strcmp(override, first->override);
	return device->driver && !iommu_is_vfio_driver(device->driver) &&
	       (!override[0] || !strcmp(override, first->override)) &&
	       strcmp(override, device->driver) != 0;
}

bool bind_is_taken(const struct host *host, const struct pci_device *device,
		   struct bind_state *ret_first)
{
	char address[PCI_ADDRESS_SIZE], identity[PCI_IDENTITY_SIZE];
	_cleanup_free_ char *text = NULL;
	struct bind_record record;

	if (change_read_state(host, pci_address_format(&device->address, address),
			      &text) < 0)
		return false;
	if (bind_record_parse(text, strlen(text), &record) < 0 ||
	    strcmp(record.identity, pci_identity_format(device, identity)) != 0 ||
	    was_given_back(device, &record.first))
		return false;
	*ret_first = record.first;
	return true;
}
