/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "iommu/dmar.h"
#include "iommu/ivrs.h"
#include "tree.h"

void table_begin(struct table *table, const char *signature)
{
	memset(table, 0, sizeof(*table));
	memcpy(table->bytes, signature, 4);
	memcpy(table->bytes + 10, "PCIFRYTABLE   ", 14);
	table->bytes[36] = 38;
	table->len = 48;
}

static void end_block(struct table *table)
{
	size_t len = table->len - table->block;

	if (!table->block)
		return;
	table->bytes[table->block + 2] = (uint8_t)len;
	table->bytes[table->block + 3] = (uint8_t)(len >> 8);
}

void table_block(struct table *table, uint8_t first, uint8_t second)
{
	end_block(table);
	table->block = table->len;
	TABLE_ADD(table, first, second, 0, 0);
	end_block(table);
}

void table_add(struct table *table, const uint8_t *bytes, size_t len)
{
	assert_true(table->len + len <= TABLE_SIZE);
	memcpy(table->bytes + table->len, bytes, len);
	table->len += len;
	end_block(table);
}

void table_quad(struct table *table, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		TABLE_ADD(table, (uint8_t)(value >> 8 * i));
}

void table_seal(struct table *table)
{
	uint8_t sum = 0;

	for (int i = 0; i < 4; i++)
		table->bytes[4 + i] = (uint8_t)(table->len >> 8 * i);
	table->bytes[9] = 0;
	for (size_t i = 0; i < table->len; i++)
		sum = (uint8_t)(sum + table->bytes[i]);
	table->bytes[9] = (uint8_t)-sum;
}

void table_install(const struct table *table, const struct tree *tree)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/firmware/acpi/tables/%.4s",
		 (const char *)table->bytes);
	tree_bytes(tree, path, table->bytes, table->len);
}

void table_of_each_dmar(struct table *table)
{
	table_begin(table, "DMAR");
	table->bytes[37] = DMAR_INTR_REMAP | DMAR_PLATFORM_OPT_IN;
	table_block(table, DMAR_DRHD, 0);
	TABLE_ADD(table, 0x00, 0x00, 0x02, 0x01);
	table_quad(table, 0xfed90000);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0x7f, 0x02, 0x00);
	TABLE_ADD(table, DMAR_SCOPE_BRIDGE, 10, 0, 0, 0, 0x80, 0x1c, 0x04, 0x03, 0x01);
	TABLE_ADD(table, DMAR_SCOPE_IOAPIC, 8, 0, 0, 0x09, 0xf0, 0x1f, 0x07);
	TABLE_ADD(table, DMAR_SCOPE_HPET, 8, 0, 0, 0x01, 0xf0, 0x0f, 0x00);
	TABLE_ADD(table, DMAR_SCOPE_NAMESPACE, 8, 0, 0, 0x03, 0x00, 0x15, 0x02);
	table_block(table, DMAR_DRHD, 0);
	TABLE_ADD(table, DMAR_INCLUDE_ALL, 0x00, 0x00, 0x00);
	table_quad(table, 0x380000fed91000);
	table_block(table, DMAR_RMRR, 0);
	TABLE_ADD(table, 0x00, 0x00, 0x01, 0x00);
	table_quad(table, 0xda2f0000);
	table_quad(table, 0xda306fff);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0x00, 0x14, 0x00);
	table_block(table, DMAR_ATSR, 0);
	TABLE_ADD(table, DMAR_ALL_PORTS, 0x00, 0x03, 0x00);
	table_block(table, DMAR_RHSA, 0);
	TABLE_ADD(table, 0, 0, 0, 0);
	table_quad(table, 0xfed90000);
	TABLE_ADD(table, 0x44, 0x33, 0x22, 0x11);
	table_block(table, 0x77, 0x01);
	TABLE_ADD(table, 1, 2, 3);
	table_block(table, DMAR_ANDD, 0);
	TABLE_ADD(table, 0, 0, 0, 0x03, '\\', '_', 'S', 'B', '.', 'I', '2', 'C', '1', 0);
	table_block(table, DMAR_SATC, 0);
	TABLE_ADD(table, DMAR_ATC_REQUIRED, 0x00, 0x04, 0x00);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0x08, 0, 0, 0x6a, 0x01, 0x00);
	table_block(table, DMAR_SIDP, 0);
	TABLE_ADD(table, 0x00, 0x00, 0x05, 0x00);
	table_seal(table);
}

void table_of_each_ivrs(struct table *table)
{
	table_begin(table, "IVRS");
	table->bytes[36] = 0x41;
	table->bytes[38] = 0x20;
	table_block(table, 0x10, 0xb0);
	TABLE_ADD(table, 0x02, 0x00, 0x40, 0x00);
	table_quad(table, 0xfdf00000);
	TABLE_ADD(table, 0x00, 0x00, 0x05, 0x00, 0x6f, 0x8f, 0x04, 0x80);
	TABLE_ADD(table, IVRS_ALL, 0, 0, 0xd7);
	table_block(table, 0x40, 0x30);
	TABLE_ADD(table, 0x02, 0x00, 0x40, 0x00);
	table_quad(table, 0xfdf00000);
	TABLE_ADD(table, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x04, 0x00);
	table_quad(table, 0x206d73ef22254ade);
	table_quad(table, 0);
	TABLE_ADD(table, IVRS_SELECT, 0x08, 0x00, 0x01);
	TABLE_ADD(table, IVRS_RANGE, 0x10, 0x01, 0x00);
	TABLE_ADD(table, IVRS_RANGE_END, 0xff, 0x1f, 0x00);
	TABLE_ADD(table, IVRS_ALIAS_SELECT, 0x00, 0x20, 0, 0, 0xa5, 0x00, 0);
	TABLE_ADD(table, IVRS_ALIAS_RANGE, 0x08, 0x20, 0, 0, 0xa6, 0x00, 0);
	TABLE_ADD(table, IVRS_RANGE_END, 0x0f, 0x20, 0x00);
	TABLE_ADD(table, IVRS_EXTENDED_SELECT, 0x00, 0x30, 0, 0x44, 0x33, 0x22, 0x81);
	TABLE_ADD(table, IVRS_EXTENDED_RANGE, 0x00, 0x31, 0, 0, 0, 0, 0x80);
	TABLE_ADD(table, IVRS_RANGE_END, 0xff, 0x31, 0x00);
	TABLE_ADD(table, IVRS_SPECIAL, 0, 0, 0xd7, 0x21, 0xa0, 0x00, IVRS_IOAPIC);
	TABLE_ADD(table, IVRS_SPECIAL, 0, 0, 0x00, 0x00, 0xa0, 0x00, IVRS_HPET);
	TABLE_ADD(table, IVRS_ACPI_HID, 0x98, 0x00, 0x40, 'A', 'M', 'D', 'I', '0', '0',
		  '4', '0', 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 'E', 'M', 'M', 'C');
	TABLE_ADD(table, IVRS_ACPI_HID, 0x99, 0x00, 0x40, 'A', 'M', 'D', 'I', '0', '0',
		  '1', '0', 0, 0, 0, 0, 0, 0, 0, 0, 1, 8, 7, 0, 0, 0, 0, 0, 0, 0);
	/* Padding, and a type that is not known. */
	TABLE_ADD(table, 0, 0, 0, 0, 0x40, 0x01, 0, 0, 0, 0, 0, 0, 0x05, 0x01, 0, 0);
	table_block(table, 0x20, IVRS_MEMORY_EXCLUSION);
	TABLE_ADD(table, 0x22, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	table_quad(table, 0x1000);
	table_quad(table, 0x2000);
	table_block(table, 0x21, IVRS_MEMORY_UNITY | IVRS_MEMORY_READ);
	TABLE_ADD(table, 0x00, 0x01, 0, 0, 0x02, 0x00, 0, 0, 0, 0, 0, 0);
	table_quad(table, 0x3000);
	table_quad(table, 0x4000);
	table_block(table, 0x22, IVRS_MEMORY_UNITY);
	TABLE_ADD(table, 0x00, 0x01, 0x07, 0x01, 0, 0, 0, 0, 0, 0, 0, 0);
	table_quad(table, 0x5000);
	table_quad(table, 0x6000);
	table_seal(table);
}
