/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The units that the kernel drives, and whether they remap interrupts. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "table.h"
#include "view.h"

static void add_intel_unit(const struct tree *tree, const char *name, const char *ecap)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/class/iommu/%s", name);
	snprintf(target, sizeof(target), "../../devices/virtual/iommu/%s", name);
	tree_link(tree, path, target);
	snprintf(path, sizeof(path), "sys/devices/virtual/iommu/%s/intel-iommu/address",
		 name);
	tree_file(tree, path, "fed91000\n");
	snprintf(path, sizeof(path), "sys/devices/virtual/iommu/%s/intel-iommu/ecap",
		 name);
	tree_file(tree, path, ecap);
}

static void the_units_that_the_kernel_drives_are_told(void **state)
{
	const struct tree *tree = *state;
	const struct iommu_registered_unit *unit;
	char text[PCI_ADDRESS_SIZE];
	struct view view;

	add_intel_unit(tree, "dmar0", "f050da\n");
	add_intel_unit(tree, "dmar1", "no number\n");
	tree_link(tree, "sys/class/iommu/ivhd0",
		  "../../devices/pci0000:00/0000:00:00.2/iommu/ivhd0");
	tree_file(tree,
		  "sys/devices/pci0000:00/0000:00:00.2/iommu/ivhd0/amd-iommu/features",
		  "206d73ef22254ade\n");
	tree_folder(tree, "sys/class/iommu/smmu3.0x0000000009050000");
	view_open(&view, tree);
	assert_int_equal(view.registered.fact, FACT_KNOWN);
	assert_int_equal(view.registered.count, 4);
	unit = &view.registered.items[0];
	assert_string_equal(unit->name, "dmar0");
	assert_int_equal(unit->kind, IOMMU_DMAR);
	assert_int_equal(unit->base_fact, FACT_KNOWN);
	assert_int_equal(unit->base, 0xfed91000);
	assert_int_equal(unit->extended_fact, FACT_KNOWN);
	assert_int_equal(unit->extended, 0xf050da);
	assert_int_equal(unit->function_fact, FACT_ABSENT);
	unit = &view.registered.items[1];
	assert_string_equal(unit->name, "dmar1");
	assert_int_equal(unit->extended_fact, FACT_UNREADABLE);
	unit = &view.registered.items[2];
	assert_string_equal(unit->name, "ivhd0");
	assert_int_equal(unit->kind, IOMMU_IVRS);
	assert_int_equal(unit->function_fact, FACT_KNOWN);
	assert_string_equal(pci_address_format(&unit->function, text), "0000:00:00.2");
	assert_int_equal(unit->extended, 0x206d73ef22254ade);
	assert_int_equal(view.registered.items[3].kind, IOMMU_NONE);
	view_close(&view);
}

static void a_function_names_the_unit_that_it_uses(void **state)
{
	const struct tree *tree = *state;
	struct view view;
	char name[32];

	view_machine(tree);
	tree_link(tree, "sys/devices/pci0000:00/0000:00:02.0/iommu",
		  "../../virtual/iommu/dmar1");
	/* An AMD IOMMU has a folder of that name. */
	tree_folder(tree, "sys/devices/pci0000:00/0000:00:14.0/iommu/ivhd0");
	tree_file(tree, "sys/devices/pci0000:00/0000:00:1c.0/iommu", "");
	view_open(&view, tree);
	assert_int_equal(iommu_unit_name(view.host,
					 view_node(&view, "0000:00:02.0")->device, name,
					 sizeof(name)),
			 FACT_KNOWN);
	assert_string_equal(name, "dmar1");
	assert_int_equal(iommu_unit_name(view.host,
					 view_node(&view, "0000:00:14.0")->device, name,
					 sizeof(name)),
			 FACT_ABSENT);
	assert_int_equal(iommu_unit_name(view.host,
					 view_node(&view, "0000:00:1c.0")->device, name,
					 sizeof(name)),
			 FACT_UNREADABLE);
	assert_int_equal(iommu_unit_name(view.host,
					 view_node(&view, "0000:00:0e.0")->device, name,
					 sizeof(name)),
			 FACT_ABSENT);
	view_close(&view);
}

enum remaps { NOT_POSSIBLE, POSSIBLE };

static void assert_remaps(const struct tree *tree, enum fact fact, enum remaps remaps)
{
	struct view view;
	bool answer = false;

	view_open(&view, tree);
	assert_int_equal(
		iommu_remaps_interrupts(&view.firmware, &view.registered, &answer), fact);
	assert_int_equal(answer, remaps == POSSIBLE);
	view_close(&view);
}

static void interrupt_remapping_takes_the_table_and_every_unit(void **state)
{
	const struct tree *tree = *state;
	struct table table;

	tree_folder(tree, "sys/firmware");
	assert_remaps(tree, FACT_ABSENT, NOT_POSSIBLE);
	table_begin(&table, "DMAR");
	table_seal(&table);
	table_install(&table, tree);
	assert_remaps(tree, FACT_KNOWN, NOT_POSSIBLE);
	table.bytes[37] = DMAR_INTR_REMAP;
	table_seal(&table);
	table_install(&table, tree);
	assert_remaps(tree, FACT_KNOWN, POSSIBLE);
	add_intel_unit(tree, "dmar0", "f050da\n");
	assert_remaps(tree, FACT_KNOWN, POSSIBLE);
	add_intel_unit(tree, "dmar1", "?\n");
	assert_remaps(tree, FACT_UNREADABLE, NOT_POSSIBLE);
	add_intel_unit(tree, "dmar2", "f050d2\n");
	assert_remaps(tree, FACT_KNOWN, NOT_POSSIBLE);
}

/* For a user who may not read the table, a unit's word is enough to say no, not yes. */
static void without_the_table_only_a_unit_can_deny_remapping(void **state)
{
	const struct tree *tree = *state;

	tree_folder(tree, "sys/firmware/acpi/tables/DMAR");
	add_intel_unit(tree, "dmar0", "f050da\n");
	assert_remaps(tree, FACT_UNREADABLE, NOT_POSSIBLE);
	add_intel_unit(tree, "dmar1", "f050d2\n");
	assert_remaps(tree, FACT_KNOWN, NOT_POSSIBLE);
}

static void make_ivrs(struct table *table, uint8_t ioapic)
{
	table_begin(table, "IVRS");
	table_block(table, 0x10, 0);
	TABLE_ADD(table, 0x02, 0, 0x40, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		  0);
	TABLE_ADD(table, IVRS_SPECIAL, 0, 0, 0, 0x21, ioapic, 0x00, IVRS_IOAPIC);
	/* An HPET there is no I/O APIC. */
	TABLE_ADD(table, IVRS_SPECIAL, 0, 0, 0, 0x00, 0xa0, 0x00, IVRS_HPET);
	table_seal(table);
}

static void amd_remaps_interrupts_when_the_southbridge_is_listed(void **state)
{
	const struct tree *tree = *state;
	struct table table;

	make_ivrs(&table, 0xa0);
	table_install(&table, tree);
	assert_remaps(tree, FACT_KNOWN, POSSIBLE);
	make_ivrs(&table, 0xa1);
	table_install(&table, tree);
	assert_remaps(tree, FACT_KNOWN, NOT_POSSIBLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_units_that_the_kernel_drives_are_told),
		TEST(a_function_names_the_unit_that_it_uses),
		TEST(interrupt_remapping_takes_the_table_and_every_unit),
		TEST(without_the_table_only_a_unit_can_deny_remapping),
		TEST(amd_remaps_interrupts_when_the_southbridge_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
