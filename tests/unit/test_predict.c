/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Predicted groups, a clause of the kernel's algorithm each. The machines are made here;
 * tests/lab compares with what real kernels do.
 */
#include "tree.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/predict.h"

enum kind {
	CONVENTIONAL = -1, /* no PCIe capability */
	UNREAD = -2,
	END = PCIE_ENDPOINT,
	ROOT = PCIE_ROOT_PORT,
	UP = PCIE_UPSTREAM_PORT,
	DOWN = PCIE_DOWNSTREAM_PORT,
	TO_PCI = PCIE_TO_PCI_BRIDGE,
	FROM_PCI = PCI_TO_PCIE_BRIDGE,
	INTEGRATED = PCIE_RC_ENDPOINT,
};

enum { ACS = 1, MULTI = 2, VIRTUAL = 4, VMD_CHILD = 8 };

struct row {
	const char *address;
	int parent; /* index; -1: root bus */
	enum kind kind;
	unsigned int flags;
	uint16_t vendor_id, device_id;
};

enum { ROWS_MAX = 16 };

struct machine {
	struct pci_device devices[ROWS_MAX];
	struct pci_node nodes[ROWS_MAX];
	struct pci_config configs[ROWS_MAX];
	struct pci_topology topology;
	struct iommu_prediction prediction;
};

static void fill_config(struct pci_config *config, const struct row *row)
{
	enum fact fact = row->kind == UNREAD ? FACT_UNREADABLE : FACT_KNOWN;

	config->header_fact = fact;
	config->multifunction = row->flags & MULTI;
	config->pcie_fact = row->kind == CONVENTIONAL ? FACT_ABSENT : fact;
	config->acs_fact = fact == FACT_KNOWN && !(row->flags & ACS) ? FACT_ABSENT : fact;
	if (config->pcie_fact == FACT_KNOWN)
		config->pcie.type = (enum pcie_port_type)row->kind;
}

static void predict(struct machine *machine, const struct row *rows, size_t count,
		    const char *override)
{
	struct iommu_acs_override parsed;

	memset(machine, 0, sizeof(*machine));
	for (size_t i = 0; i < count; i++) {
		struct pci_node *node = &machine->nodes[i];

		machine->devices[i].ids = FACT_KNOWN;
		machine->devices[i].vendor_id = rows[i].vendor_id;
		machine->devices[i].device_id = rows[i].device_id;
		assert_int_equal(pci_address_parse(rows[i].address,
						   &machine->devices[i].address),
				 0);
		node->device = &machine->devices[i];
		if (rows[i].flags & VMD_CHILD) {
			node->made_by = &machine->nodes[rows[i].parent];
		} else if (rows[i].parent >= 0) {
			node->parent_fact = FACT_KNOWN;
			node->parent = &machine->nodes[rows[i].parent];
		}
		if (rows[i].flags & VIRTUAL)
			node->physical = &machine->nodes[i - 1];
		fill_config(&machine->configs[i], &rows[i]);
	}
	for (size_t i = count; i-- > 0;) {
		struct pci_node *node = &machine->nodes[i];
		struct pci_node **list =
			node->parent ? &node->parent->children : &machine->topology.roots;

		node->next = *list;
		*list = node;
	}
	machine->topology.nodes = machine->nodes;
	machine->topology.count = count;
	if (override)
		assert_int_equal(iommu_acs_override_parse(override, &parsed, NULL), 0);
	assert_int_equal(iommu_predict(&machine->topology, machine->configs, NULL,
				       override ? &parsed : NULL, &machine->prediction,
				       NULL),
			 0);
}

/*
 * groups: a letter for each row, equal for equal groups; '-': in none. The letters are
 * handed out in the order of the rows.
 */
static void assert_groups(const struct machine *machine, const char *groups)
{
	char seen[ROWS_MAX + 1] = { 0 }, names[ROWS_MAX + 1] = { 0 };
	char next = 'a';

	for (size_t i = 0; i < machine->topology.count; i++) {
		int group = machine->prediction.of_device[i].group;

		if (group >= 0 && !names[group])
			names[group] = next++;
		seen[i] = group < 0 ? '-' : names[group];
	}
	assert_string_equal(seen, groups);
}

static void assert_certain(const struct machine *machine, const char *doubts)
{
	for (size_t i = 0; i < machine->topology.count; i++) {
		const struct iommu_predicted *one = &machine->prediction.of_device[i];

		assert_int_equal(one->uncertain, doubts[i] == '?');
		assert_int_equal(one->unreadable, doubts[i] == '!');
	}
}

#define EXPECT_WITH(rows, override, groups, doubts)                   \
	do {                                                          \
		struct machine machine_;                              \
		predict(&machine_, rows, ARRAY_SIZE(rows), override); \
		assert_groups(&machine_, groups);                     \
		assert_certain(&machine_, doubts);                    \
		iommu_prediction_free(&machine_.prediction);          \
	} while (0)

static void behind_a_port_with_acs_each_function_stands_alone(void **state)
{
	static const struct row rows[] = {
		{ "00:01.0", -1, ROOT, ACS },
		{ "00:02.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END },
		{ "02:00.0", 1, END },
	};

	(void)state;
	EXPECT_WITH(rows, NULL, "abcd", "....");
}

static void behind_a_port_without_acs_all_go_together(void **state)
{
	static const struct row rows[] = {
		{ "00:01.0", -1, ROOT, 0 },
		{ "00:02.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END },
		{ "02:00.0", 1, END },
	};

	(void)state;
	EXPECT_WITH(rows, NULL, "abac", "....");
}

static void any_open_bridge_on_the_way_joins_all_below_it(void **state)
{
	static const struct row open_root[] = {
		{ "00:01.0", -1, ROOT, 0 },  { "01:00.0", 0, UP, 0 },
		{ "02:00.0", 1, DOWN, ACS }, { "02:01.0", 1, DOWN, ACS },
		{ "03:00.0", 2, END },	     { "04:00.0", 3, END },
	};
	static const struct row open_down[] = {
		{ "00:01.0", -1, ROOT, ACS }, { "01:00.0", 0, UP, 0 },
		{ "02:00.0", 1, DOWN, 0 },    { "02:01.0", 1, DOWN, ACS },
		{ "03:00.0", 2, END },	      { "04:00.0", 3, END },
	};
	static const struct row open_up[] = {
		{ "00:01.0", -1, ROOT, ACS }, { "01:00.0", 0, UP, MULTI },
		{ "01:00.1", 0, END, 0 },     { "02:00.0", 1, DOWN, ACS },
		{ "03:00.0", 3, END },
	};

	(void)state;
	EXPECT_WITH(open_root, NULL, "aaaaaa", "......");
	EXPECT_WITH(open_down, NULL, "abcdce", "......");
	/* A multi-function upstream port without ACS: it, its slot, all below. */
	EXPECT_WITH(open_up, NULL, "abbbb", ".....");
}

static void a_conventional_bus_is_one_group_with_its_bridge(void **state)
{
	static const struct row pcie_bridge[] = {
		{ "00:01.0", -1, ROOT, ACS },
		{ "01:00.0", 0, TO_PCI },
		{ "02:01.0", 1, CONVENTIONAL },
		{ "02:02.0", 1, CONVENTIONAL },
	};
	static const struct row old_bridge[] = {
		{ "00:1e.0", -1, CONVENTIONAL },
		{ "01:01.0", 0, CONVENTIONAL },
		{ "01:02.0", 0, CONVENTIONAL },
		{ "00:1f.0", -1, CONVENTIONAL },
	};
	static const struct row reverse[] = {
		{ "00:1e.0", -1, CONVENTIONAL },
		{ "01:00.0", 0, FROM_PCI },
		{ "02:00.0", 1, END },
	};

	(void)state;
	EXPECT_WITH(pcie_bridge, NULL, "abbb", "....");
	EXPECT_WITH(old_bridge, NULL, "aaab", "....");
	EXPECT_WITH(reverse, NULL, "aaa", "...");
}

static void of_a_slot_only_the_functions_without_acs_share(void **state)
{
	static const struct row rows[] = {
		{ "00:01.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END, MULTI },
		{ "01:00.1", 0, END, ACS },
		{ "01:00.2", 0, END, 0 },
		{ "00:1f.0", -1, CONVENTIONAL, MULTI },
		{ "00:1f.3", -1, CONVENTIONAL },
		{ "00:1d.0", -1, CONVENTIONAL },
	};

	(void)state;
	EXPECT_WITH(rows, NULL, "abcbdde", ".......");
}

static void multifunction_root_ports_with_acs_stand_alone(void **state)
{
	static const struct row rows[] = {
		{ "00:1c.0", -1, ROOT, ACS | MULTI },
		{ "00:1c.1", -1, ROOT, ACS | MULTI },
		{ "00:1b.0", -1, ROOT, MULTI },
		{ "00:1b.1", -1, ROOT, MULTI },
		{ "02:00.0", 1, END },
		{ "03:00.0", 2, END },
		{ "04:00.0", 3, END },
	};

	(void)state;
	EXPECT_WITH(rows, NULL, "abccdcc", ".......");
}

static void what_the_kernel_knows_of_a_part_counts(void **state)
{
	static const struct row integrated[] = {
		{ "00:14.0", -1, INTEGRATED, MULTI, 0x8086, 0x51ed },
		{ "00:14.2", -1, INTEGRATED, MULTI, 0x8086, 0x51ef },
		{ "00:15.0", -1, INTEGRATED, MULTI, 0x1022, 0x51ed },
		{ "00:15.1", -1, INTEGRATED, MULTI, 0x1022, 0x51ef },
	};
	static const struct row pch[] = {
		{ "00:1c.0", -1, ROOT, MULTI, 0x8086, 0x8d10 },
		{ "00:1c.4", -1, ROOT, MULTI, 0x8086, 0x8d18 },
		{ "02:00.0", 1, END },
	};
	static const struct row i350[] = {
		{ "00:01.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END, MULTI, 0x8086, 0x1521 },
		{ "01:00.1", 0, END, MULTI, 0x8086, 0x1521 },
	};
	static const struct row marvell[] = {
		{ "00:01.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END, ACS | MULTI, 0x1b4b, 0x9123 },
		{ "01:00.1", 0, END, ACS | MULTI, 0x1b4b, 0x91a4 },
	};
	static const struct row broadcom[] = {
		{ "00:01.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END, MULTI, 0x14e4, 0x165f },
		{ "01:00.1", 0, END, MULTI, 0x14e4, 0x165f },
	};

	(void)state;
	EXPECT_WITH(integrated, NULL, "abcc", "....");
	EXPECT_WITH(pch, NULL, "abc", "??.");
	EXPECT_WITH(i350, NULL, "abc", "...");
	EXPECT_WITH(marvell, NULL, "abb", "...");
	/* It may know this one; that is said. */
	EXPECT_WITH(broadcom, NULL, "abb", ".??");
}

static void disks_behind_vmd_go_with_its_controller(void **state)
{
	static const struct row rows[] = {
		{ "0000:00:0e.0", -1, INTEGRATED, 0, 0x8086, 0x467f },
		{ "10000:e0:06.0", 0, ROOT, ACS | VMD_CHILD },
		{ "10000:e1:00.0", 1, END },
		{ "0000:00:0f.0", -1, INTEGRATED, 0, 0x8086, 0x9999 },
	};
	struct machine machine;

	(void)state;
	predict(&machine, rows, ARRAY_SIZE(rows), NULL);
	assert_int_equal(machine.prediction.of_device[1].group,
			 machine.prediction.of_device[0].group);
	assert_int_equal(machine.prediction.of_device[1].share, IOMMU_SHARES_REQUESTER);
	assert_ptr_equal(machine.prediction.of_device[1].with, &machine.devices[0]);
	assert_int_not_equal(machine.prediction.of_device[3].group,
			     machine.prediction.of_device[0].group);
	iommu_prediction_free(&machine.prediction);
}

static void virtual_functions_have_groups_where_the_port_isolates(void **state)
{
	static const struct row apart[] = {
		{ "00:01.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END, 0 },
		{ "01:00.1", 0, END, VIRTUAL },
	};
	static const struct row together[] = {
		{ "00:01.0", -1, ROOT, 0 },
		{ "01:00.0", 0, END, 0 },
		{ "01:00.1", 0, END, VIRTUAL },
	};

	(void)state;
	EXPECT_WITH(apart, NULL, "abc", "...");
	EXPECT_WITH(together, NULL, "aaa", "...");
}

static void the_override_splits_what_the_patch_would_split(void **state)
{
	static const struct row rows[] = {
		{ "00:01.0", -1, ROOT, 0, 0x8086, 0x0001 },
		{ "01:00.0", 0, END, MULTI, 0x10de, 0x0002 },
		{ "01:00.1", 0, END, MULTI, 0x10de, 0x0003 },
		{ "00:1e.0", -1, CONVENTIONAL, 0, 0x8086, 0x0004 },
		{ "02:01.0", 3, CONVENTIONAL, 0, 0x8086, 0x0005 },
	};

	(void)state;
	EXPECT_WITH(rows, NULL, "aaabb", ".....");
	EXPECT_WITH(rows, "downstream", "abbcc", ".....");
	EXPECT_WITH(rows, "downstream,multifunction", "abcdd", ".....");
	EXPECT_WITH(rows, "id:8086:0001", "abbcc", ".....");
	EXPECT_WITH(rows, "multifunction", "aaabb", ".....");
	EXPECT_WITH(rows, "id:8086:0004,id:8086:0001", "abbcc", ".....");
}

static void a_malformed_override_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		",",
		"downstream,",
		"all",
		"id:8086",
		"id:8086:12345",
		"id:80g6:0001",
		"Downstream",
		"downstream multifunction",
	};
	struct iommu_acs_override override = { .n_ids = 7 };
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (iommu_acs_override_parse(bad[i], &override, &err) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(err.kind, ERROR_USAGE);
		error_clear(&err);
	}
	assert_int_equal(override.n_ids, 7);
}

static void what_could_not_be_read_is_joined_and_said(void **state)
{
	static const struct row rows[] = {
		{ "00:01.0", -1, UNREAD },
		{ "00:02.0", -1, ROOT, ACS },
		{ "01:00.0", 0, END },
		{ "02:00.0", 1, END },
	};

	(void)state;
	EXPECT_WITH(rows, NULL, "abac", "!.!.");
}

static void the_reason_names_the_function_in_the_way(void **state)
{
	static const struct row rows[] = {
		{ "00:01.0", -1, ROOT, 0 },
		{ "01:00.0", 0, UP, 0 },
		{ "02:00.0", 1, DOWN, ACS },
		{ "03:00.0", 2, END },
	};
	struct machine machine;
	char text[128];

	(void)state;
	predict(&machine, rows, ARRAY_SIZE(rows), NULL);
	iommu_predicted_reason(&machine.prediction.of_device[3], text, sizeof(text));
	assert_string_equal(text, "0000:00:01.0 does not keep what is behind it apart:"
				  " it offers no ACS");
	iommu_predicted_reason(&machine.prediction.of_device[0], text, sizeof(text));
	assert_string_equal(text, "");
	iommu_prediction_free(&machine.prediction);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_a_port_with_acs_each_function_stands_alone),
		cmocka_unit_test(behind_a_port_without_acs_all_go_together),
		cmocka_unit_test(any_open_bridge_on_the_way_joins_all_below_it),
		cmocka_unit_test(a_conventional_bus_is_one_group_with_its_bridge),
		cmocka_unit_test(of_a_slot_only_the_functions_without_acs_share),
		cmocka_unit_test(multifunction_root_ports_with_acs_stand_alone),
		cmocka_unit_test(what_the_kernel_knows_of_a_part_counts),
		cmocka_unit_test(disks_behind_vmd_go_with_its_controller),
		cmocka_unit_test(virtual_functions_have_groups_where_the_port_isolates),
		cmocka_unit_test(the_override_splits_what_the_patch_would_split),
		cmocka_unit_test(a_malformed_override_is_refused),
		cmocka_unit_test(what_could_not_be_read_is_joined_and_said),
		cmocka_unit_test(the_reason_names_the_function_in_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
