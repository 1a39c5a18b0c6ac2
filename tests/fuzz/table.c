/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "iommu/acpi.h"

enum { LENGTH_AT = 4, CHECKSUM_AT = 9 };

static void repair(uint8_t *bytes, size_t len, const char *signature)
{
	uint8_t sum = 0;

	memcpy(bytes, signature, 4);
	for (size_t i = 0; i < 4; i++)
		bytes[LENGTH_AT + i] = (uint8_t)(len >> 8 * i);
	bytes[CHECKSUM_AT] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[CHECKSUM_AT] = (uint8_t)-sum;
}

uint8_t *table_repaired(const uint8_t *bytes, size_t len, const char *signature)
{
	uint8_t *copy = len >= ACPI_HEADER_SIZE ? malloc(len) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, bytes, len);
	repair(copy, len, signature);
	return copy;
}

int table_begin(struct table *table, const char *signature, size_t like)
{
	table->room = 2 * like + 256;
	table->len = ACPI_HEADER_SIZE;
	table->bytes = calloc(1, table->room);
	if (!table->bytes)
		return -ENOMEM;
	memcpy(table->bytes, signature, 4);
	return 0;
}

void table_put_at(struct table *table, size_t at, uint64_t value, size_t size)
{
	must(at + size <= table->len);
	for (size_t i = 0; i < size; i++)
		table->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

void table_put(struct table *table, uint64_t value, size_t size)
{
	must(size <= table->room - table->len);
	table->len += size;
	table_put_at(table, table->len - size, value, size);
}

void table_put_bytes(struct table *table, const void *bytes, size_t len)
{
	must(len <= table->room - table->len);
	memcpy(table->bytes + table->len, bytes, len);
	table->len += len;
}

void table_end(struct table *table)
{
	char signature[4];

	memcpy(signature, table->bytes, sizeof(signature));
	repair(table->bytes, table->len, signature);
}
