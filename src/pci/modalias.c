/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/modalias.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "pci/device.h"

int pci_modalias_parse(const char *text, size_t len, struct pci_device *device)
{
	static const struct {
		const char *key;
		size_t digits;
		uint32_t max;
	} fields[] = {
		{ "pci:v", 8, 0xffff }, { "d", 8, 0xffff }, { "sv", 8, 0xffff },
		{ "sd", 8, 0xffff },	{ "bc", 2, 0xff },  { "sc", 2, 0xff },
		{ "i", 2, 0xff },
	};
	uint32_t values[ARRAY_SIZE(fields)];
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		size_t key_len = strlen(fields[i].key);

		if (len - at < key_len + fields[i].digits ||
		    memcmp(text + at, fields[i].key, key_len) != 0)
			return -EINVAL;
		at += key_len;
		if (text_parse_hex(text + at, fields[i].digits, &values[i]) < 0 ||
		    values[i] > fields[i].max)
			return -EINVAL;
		at += fields[i].digits;
	}
	if (at != len)
		return -EINVAL;
	device->vendor_id = (uint16_t)values[0];
	device->device_id = (uint16_t)values[1];
	device->subsystem_vendor_id = (uint16_t)values[2];
	device->subsystem_device_id = (uint16_t)values[3];
	device->class_code = values[4] << 16 | values[5] << 8 | values[6];
	return 0;
}
