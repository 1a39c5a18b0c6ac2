/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recording gives away of a function's configuration space. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "pci/config.h"

enum { SERIAL_AT = 0x140, NUMBER_AT = SERIAL_AT + 4 };

/* PCI Express at 0x40; AER at 0x100, and behind it the serial number, all 0xa5. */
static void make(uint8_t bytes[PCI_CONFIG_MAX])
{
	static const uint8_t aer[] = { 0x01, 0x00, 0x01, SERIAL_AT >> 4 };
	static const uint8_t serial[] = { 0x03, 0x00, 0x01, 0x00 };

	memset(bytes, 0x5a, PCI_CONFIG_MAX);
	bytes[0x06] = 0x10, bytes[0x0e] = 0, bytes[0x34] = 0x40;
	bytes[0x40] = 0x10, bytes[0x41] = 0;
	memcpy(bytes + 0x100, aer, sizeof(aer));
	memcpy(bytes + SERIAL_AT, serial, sizeof(serial));
	memset(bytes + NUMBER_AT, 0xa5, 8);
}

static void a_recording_has_another_serial_number_and_all_else(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX], before[PCI_CONFIG_MAX];
	struct pci_config config;

	(void)state;
	make(bytes);
	memcpy(before, bytes, sizeof(before));
	pci_config_anonymise(bytes, sizeof(bytes), 0x01020304);
	assert_int_equal(pci_config_parse(bytes, sizeof(bytes), 0, &config), 0);
	assert_int_equal(config.serial_fact, FACT_KNOWN);
	assert_true(config.serial_number == 0x01020304);
	pci_config_free(&config);
	assert_memory_equal(bytes, before, NUMBER_AT);
	assert_memory_equal(bytes + NUMBER_AT + 8, before + NUMBER_AT + 8,
			    sizeof(bytes) - NUMBER_AT - 8);
}

static void no_cut_leaves_a_part_of_the_serial_number(void **state)
{
	uint8_t whole[PCI_CONFIG_MAX];

	(void)state;
	make(whole);
	for (size_t len = 0; len <= sizeof(whole); len++) {
		uint8_t *exact = malloc(len ? len : 1);

		assert_non_null(exact);
		memcpy(exact, whole, len);
		pci_config_anonymise(exact, len, 1);
		for (size_t i = NUMBER_AT; i < len && i < NUMBER_AT + 8; i++)
			assert_int_equal(exact[i], i == NUMBER_AT);
		assert_memory_equal(exact, whole, len < NUMBER_AT ? len : NUMBER_AT);
		free(exact);
	}
}

static void a_function_without_a_serial_number_is_left_alone(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX], before[PCI_CONFIG_MAX];

	(void)state;
	make(bytes);
	bytes[SERIAL_AT] = 0x0b;
	memcpy(before, bytes, sizeof(before));
	pci_config_anonymise(bytes, sizeof(bytes), 1);
	assert_memory_equal(bytes, before, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_has_another_serial_number_and_all_else),
		cmocka_unit_test(no_cut_leaves_a_part_of_the_serial_number),
		cmocka_unit_test(a_function_without_a_serial_number_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
