/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an IVRS says, block by block, and which unit it gives an ID. */
#include "tree.h"

#include "base/cleanup.h"
#include "iommu/ivrs.h"
#include "table.h"
#include "view.h"

static void all_that_an_ivrs_says_is_found(void **state)
{
	_cleanup_(ivrs_free) struct ivrs ivrs = { 0 };
	const struct ivrs_unit *unit;
	struct table table;

	(void)state;
	table_of_each_ivrs(&table);
	assert_int_equal(ivrs_parse(table.bytes, table.len, &ivrs, NULL), 0);
	assert_true(ivrs.whole);
	assert_int_equal(ivrs.info, 0x200041);
	assert_int_equal(ivrs.n_units, 2);
	unit = &ivrs.units[0];
	assert_int_equal(unit->type, 0x10);
	assert_int_equal(unit->flags, 0xb0);
	assert_int_equal(unit->device_id, 2);
	assert_int_equal(unit->capability, 0x40);
	assert_int_equal(unit->base, 0xfdf00000);
	assert_int_equal(unit->info, 5);
	assert_int_equal(unit->attributes, 0x80048f6f);
	assert_int_equal(unit->features, 0);
	assert_int_equal(unit->n_entries, 1);
	assert_int_equal(unit->entries[0].first, 0);
	assert_int_equal(unit->entries[0].last, 0xffff);
	assert_int_equal(unit->entries[0].settings, 0xd7);
	unit = &ivrs.units[1];
	assert_int_equal(unit->type, 0x40);
	assert_int_equal(unit->features, 0x206d73ef22254ade);
	assert_int_equal(ivrs.n_memories, 3);
	assert_int_equal(ivrs.memories[0].first, 0);
	assert_int_equal(ivrs.memories[0].last, 0xffff);
	assert_int_equal(ivrs.memories[0].flags, IVRS_MEMORY_EXCLUSION);
	assert_int_equal(ivrs.memories[1].segment, 2);
	assert_int_equal(ivrs.memories[1].first, 0x100);
	assert_int_equal(ivrs.memories[1].last, 0x100);
	assert_int_equal(ivrs.memories[1].start, 0x3000);
	assert_int_equal(ivrs.memories[1].length, 0x4000);
	assert_int_equal(ivrs.memories[2].first, 0x100);
	assert_int_equal(ivrs.memories[2].last, 0x107);
}

static void each_device_entry_names_its_devices(void **state)
{
	_cleanup_(ivrs_free) struct ivrs ivrs = { 0 };
	const struct ivrs_entry *entries;
	struct table table;
	static const struct {
		uint8_t type;
		uint16_t first, last, alias;
	} expected[] = {
		{ IVRS_SELECT, 0x0008, 0x0008, 0 },
		{ IVRS_RANGE, 0x0110, 0x1fff, 0 },
		{ IVRS_ALIAS_SELECT, 0x2000, 0x2000, 0xa5 },
		{ IVRS_ALIAS_RANGE, 0x2008, 0x200f, 0xa6 },
		{ IVRS_EXTENDED_SELECT, 0x3000, 0x3000, 0 },
		{ IVRS_EXTENDED_RANGE, 0x3100, 0x31ff, 0 },
		{ IVRS_SPECIAL, 0x00a0, 0x00a0, 0 },
		{ IVRS_SPECIAL, 0x00a0, 0x00a0, 0 },
		{ IVRS_ACPI_HID, 0x0098, 0x0098, 0 },
		{ IVRS_ACPI_HID, 0x0099, 0x0099, 0 },
	};

	(void)state;
	table_of_each_ivrs(&table);
	assert_int_equal(ivrs_parse(table.bytes, table.len, &ivrs, NULL), 0);
	assert_int_equal(ivrs.units[1].n_entries, ARRAY_SIZE(expected));
	entries = ivrs.units[1].entries;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(entries[i].type, expected[i].type);
		assert_int_equal(entries[i].first, expected[i].first);
		assert_int_equal(entries[i].last, expected[i].last);
		assert_int_equal(entries[i].alias, expected[i].alias);
		assert_false(entries[i].unended);
	}
	assert_int_equal(entries[0].settings, 1);
	assert_int_equal(entries[4].extended, 0x81223344);
	assert_int_equal(entries[5].extended, 0x80000000);
	assert_int_equal(entries[6].handle, 0x21);
	assert_int_equal(entries[6].variety, IVRS_IOAPIC);
	assert_int_equal(entries[7].variety, IVRS_HPET);
	assert_string_equal(entries[8].hid, "AMDI0040");
	assert_string_equal(entries[8].uid, "EMMC");
	assert_string_equal(entries[9].uid, "7");
}

/* What a lookup of each ID gives, for units with registers at 1, 2, ...; 0: none. */
static void assert_units(const struct table *table, const uint16_t (*expected)[2],
			 size_t count)
{
	_cleanup_(ivrs_free) struct ivrs ivrs = { 0 };

	assert_int_equal(ivrs_parse(table->bytes, table->len, &ivrs, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		const struct ivrs_unit *unit = ivrs_find_unit(&ivrs, 0, expected[i][0]);
		uint64_t base = unit ? unit->base : 0;

		if (base != expected[i][1])
			fail_msg("%04x has unit %d", expected[i][0], (int)base);
	}
	assert_null(ivrs_find_unit(&ivrs, 1, 0x0010));
}

static void begin_unit(struct table *table, uint8_t type, uint8_t device_id, uint8_t base)
{
	table_block(table, type, 0);
	TABLE_ADD(table, device_id, 0, 0x40, 0, base, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		  0, 0, 0);
	if (type != 0x10)
		TABLE_ADD(table, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

static void a_function_has_the_unit_that_the_kernel_gives_it(void **state)
{
	static const uint16_t expected[][2] = {
		{ 0x0002, 0 }, /* the first IOMMU itself */
		{ 0x0003, 0 }, /* the second, which the first names */
		{ 0x0010, 1 }, { 0x00ff, 1 }, { 0x0100, 2 }, { 0x01ff, 2 },
		{ 0x0200, 0 }, { 0x0300, 2 }, { 0x00a0, 2 }, { 0x0005, 2 },
		{ 0x0500, 0 }, { 0x0400, 0 }, /* a range that is never ended */
	};
	struct table table;

	(void)state;
	table_begin(&table, "IVRS");
	/* Described by type 10h as well, which says otherwise and does not count. */
	begin_unit(&table, 0x10, 2, 9);
	TABLE_ADD(&table, IVRS_ALL, 0, 0, 0);
	begin_unit(&table, 0x11, 2, 1);
	TABLE_ADD(&table, IVRS_RANGE, 0x00, 0x00, 0, IVRS_RANGE_END, 0xff, 0x01, 0);
	begin_unit(&table, 0x11, 3, 2);
	TABLE_ADD(&table, IVRS_RANGE, 0x00, 0x01, 0, IVRS_RANGE_END, 0xff, 0x01, 0);
	TABLE_ADD(&table, IVRS_ALIAS_SELECT, 0x00, 0x03, 0, 0, 0x05, 0x00, 0);
	TABLE_ADD(&table, IVRS_SPECIAL, 0, 0, 0, 0x21, 0xa0, 0x00, IVRS_IOAPIC);
	TABLE_ADD(&table, IVRS_RANGE, 0x00, 0x04, 0);
	/* Padding is for no device. */
	TABLE_ADD(&table, 0x40, 0x00, 0x05, 0, 0, 0, 0, 0);
	table_seal(&table);
	assert_units(&table, expected, ARRAY_SIZE(expected));
}

static void an_alias_is_that_of_the_last_entry(void **state)
{
	_cleanup_(ivrs_free) struct ivrs ivrs = { 0 };
	struct table table;
	uint16_t alias = 0x7777;

	(void)state;
	table_begin(&table, "IVRS");
	begin_unit(&table, 0x10, 2, 1);
	TABLE_ADD(&table, IVRS_ALIAS_RANGE, 0x00, 0x02, 0, 0, 0xa0, 0x00, 0);
	TABLE_ADD(&table, IVRS_RANGE_END, 0xff, 0x02, 0);
	TABLE_ADD(&table, IVRS_ALIAS_SELECT, 0x10, 0x02, 0, 0, 0xa8, 0x00, 0);
	TABLE_ADD(&table, IVRS_ALIAS_SELECT, 0x18, 0x02, 0, 0, 0x18, 0x02, 0);
	table_seal(&table);
	assert_int_equal(ivrs_parse(table.bytes, table.len, &ivrs, NULL), 0);
	assert_true(ivrs_find_alias(&ivrs.units[0], 0x0200, &alias));
	assert_int_equal(alias, 0x00a0);
	assert_true(ivrs_find_alias(&ivrs.units[0], 0x0210, &alias));
	assert_int_equal(alias, 0x00a8);
	alias = 0x7777;
	assert_false(ivrs_find_alias(&ivrs.units[0], 0x0218, &alias));
	assert_false(ivrs_find_alias(&ivrs.units[0], 0x0300, &alias));
	assert_int_equal(alias, 0x7777);
}

static void begin_ivhd(struct table *table, uint8_t segment, uint8_t base)
{
	table_block(table, 0x10, 0);
	TABLE_ADD(table, 0x02, 0, 0x40, 0, 0, base, 0, 0, 0, 0, 0, 0, segment, 0, 0, 0, 0,
		  0, 0, 0);
}

static void add_ivmd(struct table *table, uint8_t type, uint8_t flags, uint8_t segment,
		     const uint64_t range[2])
{
	table_block(table, type, flags);
	TABLE_ADD(table, 0x00, 0x01, 0x07, 0x01, segment, 0, 0, 0, 0, 0, 0, 0);
	table_quad(table, range[0]);
	table_quad(table, range[1]);
}

static void make_ivrs(struct table *table)
{
	table_begin(table, "IVRS");
	begin_ivhd(table, 0, 0x10);
	TABLE_ADD(table, IVRS_RANGE, 0x08, 0, 0, IVRS_RANGE_END, 0xff, 0x02, 0);
	TABLE_ADD(table, IVRS_ALIAS_SELECT, 0x80, 0x02, 0, 0, 0xe0, 0x00, 0);
	TABLE_ADD(table, IVRS_SPECIAL, 0, 0, 0, 0x21, 0xa0, 0x00, IVRS_IOAPIC);
	TABLE_ADD(table, IVRS_SPECIAL, 0, 0, 0, 0x00, 0xa0, 0x00, IVRS_HPET);
	begin_ivhd(table, 1, 0x20);
	TABLE_ADD(table, IVRS_SELECT, 0x10, 0, 0);
	add_ivmd(table, 0x20, IVRS_MEMORY_EXCLUSION, 0,
		 (const uint64_t[]){ 0x1000, 0x1000 });
	add_ivmd(table, 0x21, IVRS_MEMORY_UNITY, 0, (const uint64_t[]){ 0x3000, 0x1000 });
	add_ivmd(table, 0x22, IVRS_MEMORY_READ, 0, (const uint64_t[]){ 0x5000, 0x1000 });
	add_ivmd(table, 0x22, IVRS_MEMORY_UNITY, 0,
		 (const uint64_t[]){ 0xfffffffffffff000, 0x2000 });
	add_ivmd(table, 0x20, IVRS_MEMORY_UNITY, 1, (const uint64_t[]){ 0x7000, 0x1000 });
	table_seal(table);
}

static void an_ivrs_gives_units_aliases_and_memory(void **state)
{
	const struct tree *tree = *state;
	struct table table;
	struct view view;

	view_machine(tree);
	make_ivrs(&table);
	table_install(&table, tree);
	view_open(&view, tree);
	assert_int_equal(view.firmware.fact, FACT_KNOWN);
	view_has_unit(&view, "0000:00:02.0", FACT_KNOWN, 0x1000);
	/* A virtual function is what its own ID is. */
	view_has_unit(&view, "0000:02:10.0", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0000:43:03.1", FACT_ABSENT, 0);
	view_has_unit(&view, "10000:e1:00.0", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0001:00:02.0", FACT_KNOWN, 0x2000);
	assert_ptr_equal(iommu_alias_of(&view.firmware, &view.topology,
					view_node(&view, "0000:02:10.0")),
			 view_node(&view, "0000:00:1c.0"));
	assert_null(iommu_alias_of(&view.firmware, &view.topology,
				   view_node(&view, "0000:00:02.0")));
	view_has_memory(&view, "0000:00:02.0", 0, FACT_KNOWN, 0x1000, 0x1fff);
	view_has_memory(&view, "0000:00:02.0", 1, FACT_ABSENT, 0, 0);
	view_has_memory(&view, "0000:01:00.0", 1, FACT_KNOWN, 0x3000, 0x3fff);
	view_has_memory(&view, "0000:01:00.0", 2, FACT_KNOWN, 0xfffffffffffff000,
			UINT64_MAX);
	view_has_memory(&view, "0000:01:00.0", 3, FACT_ABSENT, 0, 0);
	view_has_memory(&view, "0001:00:02.0", 0, FACT_KNOWN, 0x7000, 0x7fff);
	view_has_memory(&view, "0001:00:02.0", 1, FACT_ABSENT, 0, 0);
	view_close(&view);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_an_ivrs_says_is_found),
		cmocka_unit_test(each_device_entry_names_its_devices),
		cmocka_unit_test(a_function_has_the_unit_that_the_kernel_gives_it),
		cmocka_unit_test(an_alias_is_that_of_the_last_entry),
		TEST(an_ivrs_gives_units_aliases_and_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
