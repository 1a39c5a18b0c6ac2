/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a DMAR says, structure by structure. */
#include "tree.h"

#include "base/cleanup.h"
#include "iommu/dmar.h"
#include "table.h"

static void all_that_a_dmar_says_is_found(void **state)
{
	_cleanup_(dmar_free) struct dmar dmar = { 0 };
	struct table table;

	(void)state;
	table_of_each_dmar(&table);
	assert_int_equal(dmar_parse(table.bytes, table.len, &dmar, NULL), 0);
	assert_true(dmar.whole);
	assert_int_equal(dmar.address_width, 39);
	assert_int_equal(dmar.flags, DMAR_INTR_REMAP | DMAR_PLATFORM_OPT_IN);
	assert_int_equal(dmar.count, 9);
	assert_int_equal(dmar.items[0].type, DMAR_DRHD);
	assert_int_equal(dmar.items[0].flags, 0);
	assert_int_equal(dmar.items[0].segment, 0x0102);
	assert_int_equal(dmar.items[0].base, 0xfed90000);
	assert_int_equal(dmar.items[1].flags, DMAR_INCLUDE_ALL);
	assert_int_equal(dmar.items[1].base, 0x380000fed91000);
	assert_int_equal(dmar.items[1].n_scopes, 0);
	assert_int_equal(dmar.items[2].type, DMAR_RMRR);
	assert_int_equal(dmar.items[2].segment, 1);
	assert_int_equal(dmar.items[2].base, 0xda2f0000);
	assert_int_equal(dmar.items[2].limit, 0xda306fff);
	assert_int_equal(dmar.items[2].n_scopes, 1);
	assert_int_equal(dmar.items[3].type, DMAR_ATSR);
	assert_int_equal(dmar.items[3].flags, DMAR_ALL_PORTS);
	assert_int_equal(dmar.items[3].segment, 3);
	assert_int_equal(dmar.items[4].base, 0xfed90000);
	assert_int_equal(dmar.items[4].proximity, 0x11223344);
	assert_int_equal(dmar.items[5].type, 0x0177);
	assert_null(dmar_type_name(dmar.items[5].type));
	assert_int_equal(dmar.items[6].number, 3);
	assert_string_equal(dmar.items[6].name, "\\_SB.I2C1");
	assert_int_equal(dmar.items[7].flags, DMAR_ATC_REQUIRED);
	assert_int_equal(dmar.items[7].segment, 4);
	assert_int_equal(dmar.items[7].scopes[0].flags, 0x08);
	assert_int_equal(dmar.items[8].segment, 5);
	assert_string_equal(dmar_type_name(dmar.items[8].type), "SIDP");
}

static void a_scope_names_the_right_device(void **state)
{
	_cleanup_(dmar_free) struct dmar dmar = { 0 };
	const struct dmar_scope *scopes;
	struct table table;

	(void)state;
	table_of_each_dmar(&table);
	assert_int_equal(dmar_parse(table.bytes, table.len, &dmar, NULL), 0);
	assert_int_equal(dmar.items[0].n_scopes, 5);
	scopes = dmar.items[0].scopes;
	for (int i = 0; i < 5; i++)
		assert_int_equal(scopes[i].type, i + 1);
	assert_int_equal(scopes[0].start_bus, 0x7f);
	assert_int_equal(scopes[0].path_len, 1);
	assert_int_equal(scopes[0].path[0].device, 2);
	assert_int_equal(scopes[1].start_bus, 0x80);
	assert_int_equal(scopes[1].path_len, 2);
	assert_int_equal(scopes[1].path[0].device, 0x1c);
	assert_int_equal(scopes[1].path[0].function, 4);
	assert_int_equal(scopes[1].path[1].device, 3);
	assert_int_equal(scopes[1].path[1].function, 1);
	assert_int_equal(scopes[2].enumeration_id, 9);
	assert_int_equal(scopes[2].start_bus, 0xf0);
	assert_int_equal(scopes[3].enumeration_id, 1);
	assert_int_equal(scopes[4].enumeration_id, 3);
	assert_int_equal(scopes[4].path[0].function, 2);
}

static void the_longest_path_is_kept_whole(void **state)
{
	_cleanup_(dmar_free) struct dmar dmar = { 0 };
	const struct dmar_scope *scope;
	struct table table;

	(void)state;
	table_begin(&table, "DMAR");
	table_block(&table, DMAR_ATSR, 0);
	TABLE_ADD(&table, 0, 0, 0, 0, DMAR_SCOPE_BRIDGE, 254, 0, 0, 0, 0);
	for (uint8_t i = 0; i < DMAR_PATH_MAX; i++)
		TABLE_ADD(&table, i % 32, i % 8);
	table_seal(&table);
	assert_int_equal(dmar_parse(table.bytes, table.len, &dmar, NULL), 0);
	scope = &dmar.items[0].scopes[0];
	assert_int_equal(scope->path_len, 124);
	assert_int_equal(scope->path[123].device, 123 % 32);
	assert_int_equal(scope->path[123].function, 123 % 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_a_dmar_says_is_found),
		cmocka_unit_test(a_scope_names_the_right_device),
		cmocka_unit_test(the_longest_path_is_kept_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
