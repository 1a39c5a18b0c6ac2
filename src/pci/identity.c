/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pci/config.h"

int pci_identity_of(const struct pci_node *node, const struct pci_config *config,
		    struct pci_identity *ret_identity)
{
	const struct pci_device *device = node->device;
	struct pci_identity identity = {
		.vendor_id = device->vendor_id,
		.device_id = device->device_id,
		.subsystem_vendor_id = device->subsystem_vendor_id,
		.subsystem_device_id = device->subsystem_device_id,
	};

	pci_node_path(node, identity.path);
	if (device->ids != FACT_KNOWN || !identity.path[0])
		return -ENODATA;
	if (config && config->serial_fact == FACT_KNOWN) {
		identity.has_serial = true;
		identity.serial = config->serial_number;
	}
	*ret_identity = identity;
	return 0;
}

static const char *write_ids(const struct pci_identity *identity,
			     char buffer[PCI_IDENTITY_SIZE])
{
	const struct pci_device device = {
		.vendor_id = identity->vendor_id,
		.device_id = identity->device_id,
		.subsystem_vendor_id = identity->subsystem_vendor_id,
		.subsystem_device_id = identity->subsystem_device_id,
	};

	return pci_identity_format(&device, buffer);
}

const char *pci_identity_write(const struct pci_identity *identity,
			       char buffer[PCI_IDENTITY_TEXT_SIZE])
{
	char ids[PCI_IDENTITY_SIZE], serial[sizeof("#0123456789abcdef")] = "";

	if (identity->has_serial)
		snprintf(serial, sizeof(serial), "#%016llx",
			 (unsigned long long)identity->serial);
	snprintf(buffer, PCI_IDENTITY_TEXT_SIZE, "%s@%s%s", write_ids(identity, ids),
		 identity->path, serial);
	return buffer;
}

/* Four digits and what must stand behind them. */
static bool take_id(const char **at, const char *end, char behind, uint16_t *ret_id)
{
	uint32_t value;

	if (end - *at < 5 || text_parse_hex(*at, 4, &value) < 0 || (*at)[4] != behind)
		return false;
	*ret_id = (uint16_t)value;
	*at += 5;
	return true;
}

/* "03.0/00.0", written again as pci_node_path() would. */
static bool parse_path(const char *text, size_t len, char path[PCI_PATH_SIZE])
{
	const size_t part = sizeof("03.0/") - 1;
	uint32_t device, function;

	if (len + 1 > PCI_PATH_SIZE || (len + 1) % part != 0)
		return false;
	for (size_t at = 0; at < len; at += part) {
		bool is_last = at + part > len;

		if (text_parse_hex(text + at, 2, &device) < 0 || device > 31 ||
		    text[at + 2] != '.' ||
		    text_parse_hex(text + at + 3, 1, &function) < 0 || function > 7 ||
		    (!is_last && text[at + 4] != '/'))
			return false;
		snprintf(path + at, PCI_PATH_SIZE - at, "%02x.%x%s", device, function,
			 is_last ? "" : "/");
	}
	return len > 0;
}

static bool parse_serial(const char *text, size_t len, uint64_t *ret_serial)
{
	uint32_t high, low;

	if (len != 16 || text_parse_hex(text, 8, &high) < 0 ||
	    text_parse_hex(text + 8, 8, &low) < 0)
		return false;
	*ret_serial = (uint64_t)high << 32 | low;
	return true;
}

int pci_identity_parse(const char *text, size_t len, struct pci_identity *ret_identity)
{
	struct pci_identity identity = { 0 };
	const char *at = text, *end = text + len, *hash;

	if (!take_id(&at, end, ':', &identity.vendor_id) ||
	    !take_id(&at, end, '/', &identity.device_id) ||
	    !take_id(&at, end, ':', &identity.subsystem_vendor_id) ||
	    !take_id(&at, end, '@', &identity.subsystem_device_id))
		return -EINVAL;
	hash = memchr(at, '#', (size_t)(end - at));
	if (hash) {
		identity.has_serial = true;
		if (!parse_serial(hash + 1, (size_t)(end - hash) - 1, &identity.serial))
			return -EINVAL;
		end = hash;
	}
	if (!parse_path(at, (size_t)(end - at), identity.path))
		return -EINVAL;
	*ret_identity = identity;
	return 0;
}

static bool fits_serial(const struct pci_identity *identity,
			const struct pci_config *config, char misfit[PCI_MISFIT_SIZE])
{
	unsigned long long wanted = identity->serial;

	if (!identity->has_serial)
		return true;
	if (!config || config->serial_fact == FACT_UNREADABLE)
		snprintf(misfit, PCI_MISFIT_SIZE,
			 "its serial number cannot be read: it must be %016llx", wanted);
	else if (config->serial_fact == FACT_ABSENT)
		snprintf(misfit, PCI_MISFIT_SIZE,
			 "it has no serial number, which must be %016llx", wanted);
	else if (config->serial_number != identity->serial)
		snprintf(misfit, PCI_MISFIT_SIZE,
			 "its serial number is %016llx, not %016llx",
			 (unsigned long long)config->serial_number, wanted);
	else
		return true;
	return false;
}

bool pci_identity_fits(const struct pci_identity *identity, const struct pci_node *node,
		       const struct pci_config *config, char ret_misfit[PCI_MISFIT_SIZE])
{
	char found[PCI_PATH_SIZE], wanted[PCI_IDENTITY_SIZE];

	if (node->device->ids != FACT_KNOWN) {
		snprintf(ret_misfit, PCI_MISFIT_SIZE, "its IDs cannot be read");
		return false;
	}
	pci_identity_format(node->device, found);
	if (strcmp(found, write_ids(identity, wanted)) != 0) {
		snprintf(ret_misfit, PCI_MISFIT_SIZE, "it is %s, not %s", found, wanted);
		return false;
	}
	pci_node_path(node, found);
	if (!found[0]) {
		snprintf(ret_misfit, PCI_MISFIT_SIZE, "its path cannot be read");
		return false;
	}
	if (strcmp(found, identity->path) != 0) {
		snprintf(ret_misfit, PCI_MISFIT_SIZE, "its path is %s, not %s", found,
			 identity->path);
		return false;
	}
	return fits_serial(identity, config, ret_misfit);
}
