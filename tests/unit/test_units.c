/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tables mean on a host. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "table.h"
#include "view.h"

static void begin_drhd(struct table *table, uint8_t flags, uint8_t segment, uint64_t base)
{
	table_block(table, DMAR_DRHD, 0);
	TABLE_ADD(table, flags, 0, segment, 0);
	table_quad(table, base);
}

/* The unit for all else comes first, and still counts last. */
static void make_dmar(struct table *table)
{
	table_begin(table, "DMAR");
	table->bytes[37] = DMAR_INTR_REMAP;
	begin_drhd(table, DMAR_INCLUDE_ALL, 0, 0x1000);
	begin_drhd(table, 0, 0, 0x2000);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x02, 0);
	TABLE_ADD(table, DMAR_SCOPE_IOAPIC, 8, 0, 0, 2, 0, 0x14, 0);
	begin_drhd(table, 0, 0, 0x3000);
	TABLE_ADD(table, DMAR_SCOPE_BRIDGE, 10, 0, 0, 0, 0, 0x1c, 4, 0x03, 1);
	begin_drhd(table, 0, 0, 0x4000);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 10, 0, 0, 0, 0, 0x1c, 0, 0, 0);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x0e, 0);
	table_block(table, DMAR_RMRR, 0);
	TABLE_ADD(table, 0, 0, 0, 0);
	table_quad(table, 0xda000000);
	table_quad(table, 0xda0fffff);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x14, 0);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x02, 0);
	table_block(table, DMAR_RMRR, 0);
	TABLE_ADD(table, 0, 0, 0, 0);
	table_quad(table, 0xdb000000);
	table_quad(table, 0xdb0fffff);
	TABLE_ADD(table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x02, 0);
	table_block(table, DMAR_ATSR, 0);
	TABLE_ADD(table, 0, 0, 0, 0);
	TABLE_ADD(table, DMAR_SCOPE_BRIDGE, 8, 0, 0, 0, 0, 0x1c, 4);
	table_block(table, DMAR_RHSA, 0);
	TABLE_ADD(table, 0, 0, 0, 0);
	table_quad(table, 0x3000);
	TABLE_ADD(table, 1, 0, 0, 0);
	table_seal(table);
}

static void open_dmar(struct view *view, const struct tree *tree)
{
	struct table table;

	view_machine(tree);
	make_dmar(&table);
	table_install(&table, tree);
	view_open(view, tree);
}

static void each_function_has_the_unit_that_its_dmar_names(void **state)
{
	struct view view;

	open_dmar(&view, *state);
	assert_int_equal(view.firmware.fact, FACT_KNOWN);
	assert_int_equal(view.firmware.kind, IOMMU_DMAR);
	view_has_unit(&view, "0000:00:02.0", FACT_KNOWN, 0x2000);
	/* An I/O APIC's requester ID is no function. */
	view_has_unit(&view, "0000:00:14.0", FACT_KNOWN, 0x1000);
	/* The bridge at the end of the path, and what is behind it. */
	view_has_unit(&view, "0000:00:1c.4", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0000:43:03.1", FACT_KNOWN, 0x3000);
	view_has_unit(&view, "0000:44:00.0", FACT_KNOWN, 0x3000);
	view_has_unit(&view, "0000:43:04.0", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0000:01:00.0", FACT_KNOWN, 0x4000);
	view_has_unit(&view, "0000:00:1c.0", FACT_KNOWN, 0x1000);
	/* As its physical function. */
	view_has_unit(&view, "0000:02:10.0", FACT_KNOWN, 0x4000);
	/* As the VMD controller. */
	view_has_unit(&view, "10000:e1:00.0", FACT_KNOWN, 0x4000);
	/* No unit of its segment. */
	view_has_unit(&view, "0001:00:02.0", FACT_ABSENT, 0);
	view_close(&view);
}

static void a_function_whose_place_is_hidden_has_an_unknown_unit(void **state)
{
	const struct tree *tree = *state;
	struct view view;

	tree_place(tree, "elsewhere/0000:05:00.0");
	tree_place(tree, "pci10001:00/10001:00:00.0");
	open_dmar(&view, tree);
	view_has_unit(&view, "0000:05:00.0", FACT_UNREADABLE, 0);
	view_has_unit(&view, "10001:00:00.0", FACT_UNREADABLE, 0);
	view_close(&view);
}

static void functions_that_made_each_other_end_the_search(void **state)
{
	const struct tree *tree = *state;
	struct view view;

	tree_place(tree, "pci0007:00/0007:00:00.0/pci0008:00/0008:00:00.0");
	tree_place(tree, "pci0008:00/0008:00:00.0/pci0007:00/0007:00:00.0");
	open_dmar(&view, tree);
	view_has_unit(&view, "0007:00:00.0", FACT_ABSENT, 0);
	view_close(&view);
}

static void memory_that_a_dmar_keeps_for_a_device_is_named(void **state)
{
	struct view view;

	open_dmar(&view, *state);
	view_has_memory(&view, "0000:00:02.0", 0, FACT_KNOWN, 0xda000000, 0xda0fffff);
	view_has_memory(&view, "0000:00:02.0", 1, FACT_KNOWN, 0xdb000000, 0xdb0fffff);
	view_has_memory(&view, "0000:00:02.0", 2, FACT_ABSENT, 0, 0);
	view_has_memory(&view, "0000:00:14.0", 0, FACT_KNOWN, 0xda000000, 0xda0fffff);
	view_has_memory(&view, "0000:00:14.0", 1, FACT_ABSENT, 0, 0);
	view_has_memory(&view, "0000:00:1c.0", 0, FACT_ABSENT, 0, 0);
	view_has_memory(&view, "0001:00:02.0", 0, FACT_ABSENT, 0, 0);
	view_close(&view);
}

static void of_a_damaged_table_nothing_is_denied(void **state)
{
	const struct tree *tree = *state;
	struct table table;
	struct view view;
	bool answer;

	view_machine(tree);
	make_dmar(&table);
	/* The last structure, which is the RHSA's, has no length. */
	table.bytes[table.block + 2] = 0;
	table_seal(&table);
	table_install(&table, tree);
	view_open(&view, tree);
	assert_int_equal(view.firmware.fact, FACT_UNREADABLE);
	assert_non_null(strstr(view.firmware.damage,
			       "DMAR: a structure of impossible length at offset "));
	view_has_unit(&view, "0000:00:02.0", FACT_UNREADABLE, 0);
	view_has_memory(&view, "0000:00:14.0", 0, FACT_KNOWN, 0xda000000, 0xda0fffff);
	view_has_memory(&view, "0000:00:14.0", 1, FACT_UNREADABLE, 0, 0);
	assert_int_equal(iommu_remaps_interrupts(&view.firmware, &view.registered,
						 &answer),
			 FACT_UNREADABLE);
	view_close(&view);
}

static void a_table_that_cannot_be_read_is_not_absent(void **state)
{
	const struct tree *tree = *state;
	struct view view;

	view_machine(tree);
	view_open(&view, tree);
	assert_int_equal(view.firmware.fact, FACT_UNREADABLE);
	view_close(&view);
	tree_folder(tree, "sys/firmware");
	view_open(&view, tree);
	assert_int_equal(view.firmware.fact, FACT_ABSENT);
	assert_int_equal(view.firmware.kind, IOMMU_NONE);
	view_has_unit(&view, "0000:00:02.0", FACT_ABSENT, 0);
	view_has_memory(&view, "0000:00:02.0", 0, FACT_ABSENT, 0, 0);
	view_close(&view);
	/* Reading a folder fails for root, too. */
	tree_folder(tree, "sys/firmware/acpi/tables/IVRS");
	view_open(&view, tree);
	assert_int_equal(view.firmware.fact, FACT_UNREADABLE);
	assert_int_equal(view.firmware.kind, IOMMU_IVRS);
	assert_string_equal(view.firmware.damage, "");
	view_has_unit(&view, "0000:00:02.0", FACT_UNREADABLE, 0);
	view_has_memory(&view, "0000:00:02.0", 0, FACT_UNREADABLE, 0, 0);
	view_close(&view);
}

/* A machine whose DMAR has been made by the caller. */
static void open_with(struct view *view, struct table *table, const struct tree *tree)
{
	view_machine(tree);
	table_seal(table);
	table_install(table, tree);
	view_open(view, tree);
	assert_int_equal(view->firmware.fact, FACT_KNOWN);
}

static void a_bridges_scope_takes_all_below_it_an_endpoints_nothing(void **state)
{
	struct table table;
	struct view view;

	table_begin(&table, "DMAR");
	begin_drhd(&table, 0, 0, 0x1000);
	TABLE_ADD(&table, DMAR_SCOPE_BRIDGE, 8, 0, 0, 0, 0, 0x1c, 4);
	begin_drhd(&table, 0, 0, 0x2000);
	TABLE_ADD(&table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x1c, 0);
	open_with(&view, &table, *state);
	view_has_unit(&view, "0000:00:1c.4", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0000:43:04.0", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0000:44:00.0", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0000:00:1c.0", FACT_KNOWN, 0x2000);
	view_has_unit(&view, "0000:01:00.0", FACT_ABSENT, 0);
	view_close(&view);
}

static void a_path_that_leads_nowhere_is_for_nothing(void **state)
{
	struct table table;
	struct view view;

	table_begin(&table, "DMAR");
	begin_drhd(&table, 0, 0, 0x2000);
	/* another function, another bus, a step too many, one past a missing bridge */
	TABLE_ADD(&table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x02, 1);
	TABLE_ADD(&table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 1, 0x02, 0);
	TABLE_ADD(&table, DMAR_SCOPE_BRIDGE, 10, 0, 0, 0, 0, 0x02, 0, 0, 0);
	TABLE_ADD(&table, DMAR_SCOPE_BRIDGE, 12, 0, 0, 0, 0, 0x1c, 4, 5, 0, 0, 0);
	begin_drhd(&table, DMAR_INCLUDE_ALL, 0, 0x1000);
	/* A virtual function is no step: firmware knows of none. */
	table_block(&table, DMAR_RMRR, 0);
	TABLE_ADD(&table, 0, 0, 0, 0);
	table_quad(&table, 0xda000000);
	table_quad(&table, 0xda0fffff);
	TABLE_ADD(&table, DMAR_SCOPE_ENDPOINT, 10, 0, 0, 0, 0, 0x1c, 0, 0x10, 0);
	open_with(&view, &table, *state);
	for (size_t i = 0; i < view.topology.count; i++) {
		const struct pci_node *node = &view.topology.nodes[i];
		bool of_segment_0 = node->device->address.domain != 1;
		uint64_t base = 0;

		assert_int_equal(iommu_unit_of(&view.firmware, &view.topology, node,
					       &base),
				 of_segment_0 ? FACT_KNOWN : FACT_ABSENT);
		assert_int_equal(base, of_segment_0 ? 0x1000 : 0);
	}
	view_has_memory(&view, "0000:02:10.0", 0, FACT_ABSENT, 0, 0);
	view_close(&view);
}

static void a_unit_for_all_is_for_all_of_its_segment_alone(void **state)
{
	struct table table;
	struct view view;

	table_begin(&table, "DMAR");
	begin_drhd(&table, DMAR_INCLUDE_ALL, 1, 0x1000);
	begin_drhd(&table, 0, 1, 0x2000);
	TABLE_ADD(&table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x14, 0);
	open_with(&view, &table, *state);
	view_has_unit(&view, "0001:00:02.0", FACT_KNOWN, 0x1000);
	view_has_unit(&view, "0000:00:02.0", FACT_ABSENT, 0);
	/* 00:14.0 is named, of another segment. */
	view_has_unit(&view, "0000:00:14.0", FACT_ABSENT, 0);
	view_close(&view);
}

/* The kernel puts a unit in front of those that it has (dmar_register_drhd_unit()). */
static void of_units_that_name_a_function_the_last_has_it(void **state)
{
	struct table table;
	struct view view;

	table_begin(&table, "DMAR");
	for (uint64_t base = 0x1000; base <= 0x3000; base += 0x1000) {
		begin_drhd(&table, base == 0x3000 ? DMAR_INCLUDE_ALL : 0, 0, base);
		TABLE_ADD(&table, DMAR_SCOPE_ENDPOINT, 8, 0, 0, 0, 0, 0x02, 0);
	}
	begin_drhd(&table, DMAR_INCLUDE_ALL, 0, 0x4000);
	open_with(&view, &table, *state);
	view_has_unit(&view, "0000:00:02.0", FACT_KNOWN, 0x2000);
	view_has_unit(&view, "0000:00:14.0", FACT_KNOWN, 0x3000);
	view_close(&view);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_function_has_the_unit_that_its_dmar_names),
		TEST(a_function_whose_place_is_hidden_has_an_unknown_unit),
		TEST(functions_that_made_each_other_end_the_search),
		TEST(memory_that_a_dmar_keeps_for_a_device_is_named),
		TEST(of_a_damaged_table_nothing_is_denied),
		TEST(a_table_that_cannot_be_read_is_not_absent),
		TEST(a_bridges_scope_takes_all_below_it_an_endpoints_nothing),
		TEST(a_path_that_leads_nowhere_is_for_nothing),
		TEST(a_unit_for_all_is_for_all_of_its_segment_alone),
		TEST(of_units_that_name_a_function_the_last_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
