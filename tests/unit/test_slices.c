/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What drivers tell of their slices. */
#include "tree.h"

#include <string.h>

#include "pci/slices.h"

static struct pci_slice_cost cost_of(const char *text)
{
	struct pci_slice_cost cost;

	pci_slice_cost_parse(text, strlen(text), &cost);
	return cost;
}

static void assert_field(const struct pci_slice_cost *cost, enum pci_slice_field field,
			 uint64_t value)
{
	assert_true(cost->known & 1u << field);
	assert_int_equal(cost->values[field], value);
}

/* By the kernel, and by mdevctl, which joins its lines. */
static void what_gvtg_tells_is_understood_in_each_form(void **state)
{
	static const char *const forms[] = {
		"low_gm_size: 128MB\nhigh_gm_size: 512MB\nfence: 4\n"
		"resolution: 1920x1200\nweight: 4\n",
		"low_gm_size: 128MB, high_gm_size: 512MB, fence: 4, "
		"resolution: 1920x1200, weight: 4",
		"low_gm_size: 128MB high_gm_size: 512MB fence: 4 resolution: 1920x1200 "
		"weight: 4",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pci_slice_cost cost = cost_of(forms[i]);

		assert_field(&cost, PCI_SLICE_APERTURE, 128);
		assert_field(&cost, PCI_SLICE_HIDDEN, 512);
		assert_field(&cost, PCI_SLICE_FENCES, 4);
		assert_field(&cost, PCI_SLICE_WEIGHT, 4);
		assert_field(&cost, PCI_SLICE_WIDTH, 1920);
		assert_field(&cost, PCI_SLICE_HEIGHT, 1200);
		assert_false(cost.known & 1u << PCI_SLICE_MEMORY);
	}
}

static void what_is_not_understood_is_not_known(void **state)
{
	static const char *const odd[] = {
		"",
		"fence",
		"fence:",
		"fence: many",
		"fence: 4K",
		"Xfence=4",
		"weight: 0x10",
		"framebuffer=",
		"resolution: 1920",
		"resolution: 1920x",
		"fence: 10000000000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct pci_slice_cost cost = cost_of(odd[i]);

		assert_int_equal(cost.known, 0);
	}
}

static void the_memory_of_a_vgpu_is_in_its_name(void **state)
{
	static const struct {
		const char *name;
		uint64_t mib; /* 0: not told */
	} names[] = {
		{ "NVIDIA L40S-2Q", 2048 },
		{ "NVIDIA A40-48C", 49152 },
		{ "GRID M10-1B", 1024 },
		{ "NVIDIA H200X-1-18C", 18432 },
		{ "GRID M60-0Q", 0 },
		{ "NVIDIA L40S", 0 },
		{ "NVIDIA L40S-", 0 },
		{ "NVIDIA L40S-2X", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pci_slice_cost cost;

		pci_slice_cost_of_name(names[i].name, &cost);
		assert_int_equal(cost.known, names[i].mib ? 1u << PCI_SLICE_MEMORY : 0);
		assert_int_equal(cost.values[PCI_SLICE_MEMORY], names[i].mib);
	}
}

static void each_type_that_is_offered_is_found(void **state)
{
	static const char text[] = "ID    : vGPU Name \n1148  : NVIDIA L40S-2Q\n\n"
				   "NVIDIA A40-2Q   558\nnothing\n: 5\n12 :\n0 : none\n"
				   "1150:NVIDIA L40S-4Q";
	struct pci_vendor_types types;

	(void)state;
	assert_int_equal(pci_vendor_types_parse(text, strlen(text), &types), 0);
	assert_int_equal(types.count, 3);
	assert_int_equal(types.items[0].number, 1148);
	assert_string_equal(types.items[0].name, "NVIDIA L40S-2Q");
	assert_int_equal(types.items[1].number, 558);
	assert_string_equal(types.items[1].name, "NVIDIA A40-2Q");
	assert_int_equal(types.items[2].number, 1150);
	assert_string_equal(types.items[2].name, "NVIDIA L40S-4Q");
	pci_vendor_types_free(&types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_gvtg_tells_is_understood_in_each_form),
		cmocka_unit_test(what_is_not_understood_is_not_known),
		cmocka_unit_test(the_memory_of_a_vgpu_is_in_its_name),
		cmocka_unit_test(each_type_that_is_offered_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
