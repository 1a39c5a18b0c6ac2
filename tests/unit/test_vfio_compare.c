/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space as a guest sees it, against the device's own. The bytes are made.
 */
#include "tree.h"

#include <string.h>

#include "vfio/compare.h"

/* An endpoint 1234:5678 with PM, PCI Express, MSI and VPD; AER, and SR-IOV. */
static void make(uint8_t bytes[4096])
{
	static const uint8_t header[] = { 0x34, 0x12, 0x78, 0x56, 0x07, 0, 0x10, 0,
					  0x02, 0,    0,    0x02, 0x10, 0, 0,	 0 };

	memset(bytes, 0, 4096);
	memcpy(bytes, header, sizeof(header));
	bytes[0x2c] = 0x34;
	bytes[0x2d] = 0x12;
	bytes[0x34] = 0x40;
	bytes[0x40] = 0x01;
	bytes[0x41] = 0x80;
	bytes[0x80] = 0x10;
	bytes[0x81] = 0x50;
	bytes[0x82] = 0x02;
	bytes[0x50] = 0x05;
	bytes[0x51] = 0x60;
	bytes[0x60] = 0x03;
	/* PCIe 6.0, 7.6.3: ID, version and next of an extended one. */
	memcpy(bytes + 0x100, "\x01\x00\x01\x14", 4);
	memcpy(bytes + 0x140, "\x10\x00\x01\x00", 4);
}

static struct vfio_comparison compare(const uint8_t *through, const uint8_t *own,
				      size_t own_len)
{
	static const struct pci_device device = {
		.ids = FACT_KNOWN,
		.vendor_id = 0x1234,
		.device_id = 0x5678,
	};
	struct vfio_comparison comparison;

	assert_int_equal(vfio_compare(&device, through, 4096, own, own_len, &comparison),
			 0);
	return comparison;
}

static void the_same_bytes_are_the_same(void **state)
{
	struct vfio_comparison comparison;
	uint8_t own[4096];

	(void)state;
	make(own);
	comparison = compare(own, own, sizeof(own));
	assert_int_equal(comparison.compared, 4096);
	assert_int_equal(comparison.wrong.count, 0);
	assert_int_equal(comparison.hidden.count, 0);
	assert_int_equal(comparison.answered.count, 0);
	vfio_comparison_free(&comparison);
}

static void what_vfio_answers_itself_is_named_and_no_failure(void **state)
{
	struct vfio_comparison comparison;
	uint8_t own[4096], through[4096];

	(void)state;
	make(own);
	make(through);
	through[0x04] = 0;
	through[0x10] = 0xc;
	through[0x3c] = 0xff;
	through[0x44] = 0x03; /* the state of power, in PM */
	through[0x52] = 0x01; /* MSI is on */
	through[0x53] = 0x01;
	comparison = compare(through, own, sizeof(own));
	assert_int_equal(comparison.wrong.count, 0);
	assert_int_equal(comparison.answered.count, 5);
	assert_true(string_list_has(&comparison.answered, "command"));
	assert_true(string_list_has(&comparison.answered, "base addresses"));
	assert_true(string_list_has(&comparison.answered, "interrupt line"));
	assert_true(string_list_has(&comparison.answered, "Power Management"));
	assert_true(string_list_has(&comparison.answered, "MSI"));
	vfio_comparison_free(&comparison);
}

static void a_hidden_capability_is_named(void **state)
{
	struct vfio_comparison comparison;
	uint8_t own[4096], through[4096];

	(void)state;
	make(own);
	make(through);
	through[0x51] = 0; /* the chain ends before VPD */
	/* The first extended one stays as an anchor, without its ID. */
	memcpy(through + 0x100, "\x00\x00\x00\x14", 4);
	comparison = compare(through, own, sizeof(own));
	assert_int_equal(comparison.wrong.count, 0);
	assert_int_equal(comparison.hidden.count, 2);
	assert_true(string_list_has(&comparison.hidden, "Vital Product Data"));
	assert_true(string_list_has(&comparison.hidden, "Advanced Error Reporting"));
	vfio_comparison_free(&comparison);
}

static void another_device_is_never_taken_for_it(void **state)
{
	static const struct {
		size_t at;
		const char *wrong;
	} cases[] = {
		{ 0x00, "vendor ID: 1234 in sysfs, 12cb through VFIO" },
		{ 0x02, "device ID: 5678 in sysfs, 5687 through VFIO" },
		{ 0x08, "revision: 02 in sysfs, fd through VFIO" },
		{ 0x0b, "class: 020000 in sysfs, fd0000 through VFIO" },
		{ 0x0e, "header type: 00 in sysfs, ff through VFIO" },
		{ 0x2c, "subsystem vendor ID: 1234 in sysfs, 12cb through VFIO" },
	};
	uint8_t own[4096], through[4096];

	(void)state;
	make(own);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct vfio_comparison comparison;

		make(through);
		through[cases[i].at] ^= 0xff;
		comparison = compare(through, own, sizeof(own));
		assert_true(comparison.wrong.count >= 1);
		assert_string_equal(comparison.wrong.items[0], cases[i].wrong);
		vfio_comparison_free(&comparison);
	}
}

static void a_driver_for_one_kind_may_show_an_older_device(void **state)
{
	struct pci_device device = {
		.ids = FACT_KNOWN,
		.vendor_id = 0x1234,
		.device_id = 0x5678,
		.driver = (char *)"virtio_vfio_pci",
	};
	struct vfio_comparison comparison;
	uint8_t own[4096], through[4096];

	(void)state;
	make(own);
	make(through);
	through[0x02] = 0x00;
	through[0x03] = 0x10;
	assert_int_equal(vfio_compare(&device, through, 4096, own, 4096, &comparison), 0);
	assert_int_equal(comparison.wrong.count, 0);
	assert_true(string_list_has(&comparison.answered, "device ID"));
	vfio_comparison_free(&comparison);
	device.driver = (char *)"vfio-pci";
	assert_int_equal(vfio_compare(&device, through, 4096, own, 4096, &comparison), 0);
	assert_int_equal(comparison.wrong.count, 1);
	vfio_comparison_free(&comparison);
}

static void a_capability_that_the_device_has_not_is_told(void **state)
{
	struct vfio_comparison comparison;
	uint8_t own[4096], through[4096];

	(void)state;
	make(own);
	make(through);
	through[0x61] = 0x70;
	through[0x70] = 0x11;
	comparison = compare(through, own, sizeof(own));
	assert_int_equal(comparison.wrong.count, 1);
	assert_string_equal(comparison.wrong.items[0], "MSI-X at 70: only through VFIO");
	vfio_comparison_free(&comparison);
}

/* PCIe 6.0, 9.3.4.1.1: its own IDs are all ones; VFIO shows those that it goes by. */
static void a_virtual_function_has_the_ids_that_the_kernel_gave_it(void **state)
{
	struct vfio_comparison comparison;
	uint8_t own[4096], through[4096];

	(void)state;
	make(own);
	make(through);
	memset(own, 0xff, 4);
	comparison = compare(through, own, sizeof(own));
	assert_int_equal(comparison.wrong.count, 0);
	vfio_comparison_free(&comparison);
}

/* What an ordinary user reads of sysfs, and what nobody could read. */
static void no_more_is_compared_than_there_is(void **state)
{
	struct vfio_comparison comparison;
	uint8_t own[4096], through[4096];

	(void)state;
	make(own);
	make(through);
	through[0x52] = 1;
	comparison = compare(through, own, 64);
	assert_int_equal(comparison.compared, 64);
	assert_int_equal(comparison.size, 4096);
	assert_int_equal(comparison.wrong.count, 0);
	assert_int_equal(comparison.hidden.count, 0);
	assert_int_equal(comparison.answered.count, 0);
	vfio_comparison_free(&comparison);
	comparison = compare(through, own, 0);
	assert_int_equal(comparison.compared, 0);
	vfio_comparison_free(&comparison);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_bytes_are_the_same),
		cmocka_unit_test(what_vfio_answers_itself_is_named_and_no_failure),
		cmocka_unit_test(a_hidden_capability_is_named),
		cmocka_unit_test(another_device_is_never_taken_for_it),
		cmocka_unit_test(a_driver_for_one_kind_may_show_an_older_device),
		cmocka_unit_test(a_capability_that_the_device_has_not_is_told),
		cmocka_unit_test(a_virtual_function_has_the_ids_that_the_kernel_gave_it),
		cmocka_unit_test(no_more_is_compared_than_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
