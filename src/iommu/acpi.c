/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/acpi.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

uint16_t acpi_word(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t acpi_long(const uint8_t *bytes)
{
	return acpi_word(bytes) | (uint32_t)acpi_word(bytes + 2) << 16;
}

uint64_t acpi_quad(const uint8_t *bytes)
{
	return acpi_long(bytes) | (uint64_t)acpi_long(bytes + 4) << 32;
}

int acpi_damaged(struct error *err, const char *table, size_t offset, const char *what)
{
	error_set(err, EINVAL, table, "%s at offset %zu", what, offset);
	error_hint(err, "the firmware's table is damaged; look for a firmware update");
	return -EINVAL;
}

int acpi_table_check(const uint8_t *bytes, size_t len, const char signature[4],
		     size_t *ret_len, struct error *err)
{
	char name[5] = { 0 };
	uint8_t sum = 0;
	size_t stated;

	memcpy(name, signature, 4);
	if (len < ACPI_HEADER_SIZE)
		return acpi_damaged(err, name, 0, "too short for its header");
	if (memcmp(bytes, signature, 4) != 0)
		return acpi_damaged(err, name, 0, "another signature");
	stated = acpi_long(bytes + 4);
	if (stated < ACPI_HEADER_SIZE || stated > len)
		return acpi_damaged(err, name, 4, "a length that is not the table's");
	if (stated > ACPI_TABLE_MAX)
		return acpi_damaged(err, name, 4, "a length that no table has");
	for (size_t i = 0; i < stated; i++)
		sum = (uint8_t)(sum + bytes[i]);
	if (sum)
		return acpi_damaged(err, name, 9, "a wrong checksum");
	*ret_len = stated;
	return 0;
}
