/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables made here, whole and damaged; tests/golden has real ones. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/dmar.h"
#include "iommu/ivrs.h"
#include "iommu/units.h"

struct table {
	uint8_t bytes[1024];
	size_t len;
};

static void put(struct table *table, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		table->bytes[table->len++] = (uint8_t)(value >> 8 * i);
}

static void start(struct table *table, const char *signature)
{
	memset(table, 0, sizeof(*table));
	memcpy(table->bytes, signature, 4);
	table->len = 48;
}

/* Sets length and checksum. */
static void finish(struct table *table)
{
	uint8_t sum = 0;
	size_t len = table->len;

	table->len = 4;
	put(table, len, 4);
	table->len = len;
	table->bytes[9] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + table->bytes[i]);
	table->bytes[9] = (uint8_t)-sum;
}

static void put_scope(struct table *table, uint8_t type, uint8_t bus, uint8_t device,
		      uint8_t function)
{
	put(table, type, 1);
	put(table, 8, 1);
	put(table, 0, 3);
	put(table, bus, 1);
	put(table, device, 1);
	put(table, function, 1);
}

/* A unit for 00:02.0, one for all else, an RMRR for 00:14.0, a port, a node, a name. */
static void make_dmar(struct table *table)
{
	start(table, "DMAR");
	table->bytes[36] = 38;
	table->bytes[37] = DMAR_INTR_REMAP | DMAR_PLATFORM_OPT_IN;
	put(table, DMAR_DRHD, 2), put(table, 24, 2), put(table, 0, 4);
	put(table, 0xfed90000, 8);
	put_scope(table, DMAR_SCOPE_ENDPOINT, 0, 2, 0);
	put(table, DMAR_DRHD, 2), put(table, 16, 2), put(table, 1, 4);
	put(table, 0xfed91000, 8);
	put(table, DMAR_RMRR, 2), put(table, 32, 2), put(table, 0, 4);
	put(table, 0xda000000, 8), put(table, 0xda0fffff, 8);
	put_scope(table, DMAR_SCOPE_ENDPOINT, 0, 0x14, 0);
	put(table, DMAR_ATSR, 2), put(table, 16, 2), put(table, 0, 4);
	put_scope(table, DMAR_SCOPE_BRIDGE, 0, 1, 0);
	put(table, DMAR_RHSA, 2), put(table, 20, 2), put(table, 0, 4);
	put(table, 0xfed91000, 8), put(table, 1, 4);
	put(table, DMAR_ANDD, 2), put(table, 16, 2), put(table, 0, 3), put(table, 3, 1);
	memcpy(table->bytes + table->len, "\\_SB.I2", 8);
	table->len += 8;
	put(table, 77, 2), put(table, 6, 2), put(table, 0, 2);
	finish(table);
}

static void every_structure_of_a_dmar_is_read(void **state)
{
	struct table table;
	struct dmar dmar;

	(void)state;
	make_dmar(&table);
	assert_int_equal(dmar_parse(table.bytes, table.len, &dmar, NULL), 0);
	assert_int_equal(dmar.address_width, 39);
	assert_int_equal(dmar.flags, DMAR_INTR_REMAP | DMAR_PLATFORM_OPT_IN);
	assert_int_equal(dmar.count, 7);
	assert_int_equal(dmar.items[0].base, 0xfed90000);
	assert_int_equal(dmar.items[0].n_scopes, 1);
	assert_int_equal(dmar.items[0].scopes[0].path[0].device, 2);
	assert_int_equal(dmar.items[1].flags, 1);
	assert_int_equal(dmar.items[2].limit, 0xda0fffff);
	assert_int_equal(dmar.items[3].scopes[0].type, DMAR_SCOPE_BRIDGE);
	assert_int_equal(dmar.items[4].proximity, 1);
	assert_string_equal(dmar.items[5].name, "\\_SB.I2");
	assert_int_equal(dmar.items[5].number, 3);
	/* What is not known is kept by its number, and passed over. */
	assert_int_equal(dmar.items[6].type, 77);
	dmar_free(&dmar);
}

static void a_dmar_cut_anywhere_is_damaged_and_never_wrong(void **state)
{
	struct table table, cut;
	struct error err = ERROR_INIT;

	(void)state;
	make_dmar(&table);
	for (size_t len = 0; len < table.len; len++) {
		_cleanup_free_ uint8_t *exact = malloc(len + 1);
		struct dmar dmar = { 0 };

		/* As the firmware might say it: shorter, with a right checksum. */
		cut = table;
		cut.len = len;
		if (len >= 10)
			finish(&cut);
		assert_non_null(exact);
		memcpy(exact, cut.bytes, len);
		if (dmar_parse(exact, len, &dmar, &err) == 0)
			assert_true(dmar.count < 7);
		else
			assert_string_equal(err.subject, "DMAR");
		dmar_free(&dmar);
		error_clear(&err);
	}
}

static void what_came_before_the_damage_is_kept(void **state)
{
	struct error err = ERROR_INIT;
	struct table table;
	struct dmar dmar;

	(void)state;
	make_dmar(&table);
	table.bytes[48 + 24 + 16 + 2] = 0; /* the RMRR's length */
	finish(&table);
	assert_int_equal(dmar_parse(table.bytes, table.len, &dmar, &err), -EINVAL);
	assert_string_equal(err.message, "a structure of impossible length at offset 88");
	assert_int_equal(dmar.count, 2);
	dmar_free(&dmar);
	error_clear(&err);
	make_dmar(&table);
	table.bytes[50]++;
	assert_int_equal(dmar_parse(table.bytes, table.len, &dmar, &err), -EINVAL);
	assert_string_equal(err.message, "a wrong checksum at offset 9");
	error_clear(&err);
}

/* Units of 24 and 40 bytes' header, with a range, an alias and a special device. */
static void make_ivrs(struct table *table)
{
	start(table, "IVRS");
	put(table, 0x10, 1), put(table, 0xb0, 1), put(table, 24 + 24, 2);
	put(table, 2, 2), put(table, 0x40, 2), put(table, 0xfdf00000, 8);
	put(table, 0, 2), put(table, 0, 2), put(table, 0, 4);
	put(table, IVRS_RANGE, 1), put(table, 8, 2), put(table, 0, 1);
	put(table, IVRS_RANGE_END, 1), put(table, 0x2ff, 2), put(table, 0, 1);
	put(table, IVRS_ALIAS_SELECT, 1), put(table, 0x300, 2), put(table, 0, 2);
	put(table, 0x308, 2), put(table, 0, 1);
	put(table, IVRS_SPECIAL, 1), put(table, 0, 3), put(table, 0, 1);
	put(table, 0xa0, 2), put(table, 1, 1);
	put(table, 0x21, 1), put(table, IVRS_MEMORY_UNITY, 1), put(table, 32, 2);
	put(table, 0x100, 2), put(table, 0, 10);
	put(table, 0xda000000, 8), put(table, 0x1000, 8);
	finish(table);
}

static void every_block_of_an_ivrs_is_read(void **state)
{
	const struct ivrs_unit *unit;
	struct table table;
	struct ivrs ivrs;
	uint16_t alias;

	(void)state;
	make_ivrs(&table);
	assert_int_equal(ivrs_parse(table.bytes, table.len, &ivrs, NULL), 0);
	assert_int_equal(ivrs.n_units, 1);
	assert_int_equal(ivrs.units[0].n_entries, 3);
	assert_int_equal(ivrs.n_memories, 1);
	assert_int_equal(ivrs.memories[0].length, 0x1000);
	unit = ivrs_find_unit(&ivrs, 0, 0x100);
	assert_ptr_equal(unit, &ivrs.units[0]);
	assert_ptr_equal(ivrs_find_unit(&ivrs, 0, 0x300), unit);
	assert_null(ivrs_find_unit(&ivrs, 0, 0x301));
	assert_null(ivrs_find_unit(&ivrs, 1, 0x100));
	/* An I/O APIC is no function. */
	assert_null(ivrs_find_unit(&ivrs, 0, 0));
	assert_true(ivrs_find_alias(unit, 0x300, &alias));
	assert_int_equal(alias, 0x308);
	assert_false(ivrs_find_alias(unit, 0x100, &alias));
	ivrs_free(&ivrs);
}

static void an_ivrs_cut_anywhere_is_damaged_and_never_wrong(void **state)
{
	struct table table, cut;
	struct error err = ERROR_INIT;

	(void)state;
	make_ivrs(&table);
	for (size_t len = 0; len < table.len; len++) {
		_cleanup_free_ uint8_t *exact = malloc(len + 1);
		struct ivrs ivrs = { 0 };

		cut = table;
		cut.len = len;
		if (len >= 10)
			finish(&cut);
		assert_non_null(exact);
		memcpy(exact, cut.bytes, len);
		if (ivrs_parse(exact, len, &ivrs, &err) == 0)
			assert_int_equal(ivrs.n_memories, 0);
		else
			assert_string_equal(err.subject, "IVRS");
		ivrs_free(&ivrs);
		error_clear(&err);
	}
}

static void reserved_memory_is_read_line_by_line(void **state)
{
	static const char text[] = "0x00000000da000000 0x00000000da0fffff direct\n"
				   "0x00000000fee00000 0x00000000feefffff msi\n";
	struct iommu_reserved *regions = NULL;
	size_t count = 0;

	(void)state;
	assert_int_equal(iommu_reserved_parse(text, strlen(text), &regions, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(regions[0].end, 0xda0fffff);
	assert_string_equal(regions[1].type, "msi");
	free(regions);
	assert_int_equal(iommu_reserved_parse("0x0 what", 8, &regions, &count), -EINVAL);
	assert_int_equal(iommu_reserved_parse("", 0, &regions, &count), 0);
	assert_int_equal(count, 0);
	free(regions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_structure_of_a_dmar_is_read),
		cmocka_unit_test(a_dmar_cut_anywhere_is_damaged_and_never_wrong),
		cmocka_unit_test(what_came_before_the_damage_is_kept),
		cmocka_unit_test(every_block_of_an_ivrs_is_read),
		cmocka_unit_test(an_ivrs_cut_anywhere_is_damaged_and_never_wrong),
		cmocka_unit_test(reserved_memory_is_read_line_by_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
