/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains of capabilities, whole and broken, and the registers with odd values. */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/config.h"

enum { PCIE_AT = 0x40 };

static void put16(uint8_t *bytes, size_t at, unsigned int value)
{
	bytes[at] = (uint8_t)value;
	bytes[at + 1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *bytes, size_t at, uint32_t value)
{
	put16(bytes, at, value & 0xffff);
	put16(bytes, at + 2, value >> 16);
}

/* A function with one capability, at PCIE_AT. */
static void make(uint8_t bytes[PCI_CONFIG_MAX], uint8_t id)
{
	memset(bytes, 0, PCI_CONFIG_MAX);
	put32(bytes, 0x00, 0x00101b36);
	put16(bytes, 0x06, 0x0010);
	bytes[0x34] = PCIE_AT;
	bytes[PCIE_AT] = id;
}

static void make_express(uint8_t bytes[PCI_CONFIG_MAX], unsigned int type)
{
	make(bytes, 0x10);
	put16(bytes, PCIE_AT + 2, 2 | type << 4);
}

static void extended(uint8_t *bytes, size_t at, unsigned int id, size_t next)
{
	put32(bytes, at, id | 1U << 16 | (uint32_t)next << 20);
}

/* The result is freed by the next call; the last by parse(NULL, 0, 0). */
static const struct pci_config *parse(const uint8_t *bytes, size_t len, size_t size)
{
	static struct pci_config config;
	uint8_t *exact;

	pci_config_free(&config);
	if (!bytes)
		return NULL;
	exact = malloc(len ? len : 1);
	assert_non_null(exact);
	memcpy(exact, bytes, len);
	assert_int_equal(pci_config_parse(exact, len, size, &config), 0);
	free(exact);
	return &config;
}

static int free_last(void **state)
{
	(void)state;
	parse(NULL, 0, 0);
	return 0;
}

static void a_broken_chain_leaves_the_rest_unknown(void **state)
{
	/* where the pointer leads that follows PCI Express at 0x40 and PM at 0x80 */
	static const uint8_t damages[] = { 0x40, 0x80, 0x82, 0x04, 0x3c, 0xc0 };
	uint8_t bytes[PCI_CONFIG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct pci_config *config;

		make_express(bytes, PCIE_ENDPOINT);
		bytes[PCIE_AT + 1] = 0x80;
		bytes[0x80] = 0x01;
		bytes[0x81] = damages[i];
		bytes[0xc0] = 0xff;
		config = parse(bytes, sizeof(bytes), 0);
		assert_int_equal(config->capabilities_fact, FACT_UNREADABLE);
		assert_int_equal(config->n_capabilities, 2);
		assert_int_equal(config->pcie_fact, FACT_KNOWN);
		assert_int_equal(config->pm_fact, FACT_KNOWN);
		assert_int_equal(config->msi_fact, FACT_UNREADABLE);
		/* The other chain hangs on PCI Express alone. */
		assert_int_equal(config->acs_fact, FACT_ABSENT);
	}
	/* Without a beginning nothing is known, not even whether there is more space. */
	make(bytes, 0x01);
	bytes[0x34] = 0x10;
	extended(bytes, 0x100, 0x0d, 0);
	assert_int_equal(parse(bytes, 4096, 0)->capabilities_fact, FACT_UNREADABLE);
	assert_int_equal(parse(bytes, 4096, 0)->pcie_fact, FACT_UNREADABLE);
	assert_int_equal(parse(bytes, 4096, 0)->acs_fact, FACT_KNOWN);
	assert_int_equal(parse(bytes, 256, 0)->acs_fact, FACT_UNREADABLE);
}

static void a_broken_extended_chain_does_not_hide_acs(void **state)
{
	static const size_t damages[] = { 0x100, 0x180, 0x040, 0x0fc, 0x200 };
	uint8_t bytes[PCI_CONFIG_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct pci_config *config;

		make_express(bytes, PCIE_ROOT_PORT);
		extended(bytes, 0x100, 0x01, 0x180);
		extended(bytes, 0x180, 0x03, damages[i]);
		put32(bytes, 0x200, 0xffffffff);
		config = parse(bytes, sizeof(bytes), sizeof(bytes));
		assert_int_equal(config->capabilities_fact, FACT_KNOWN);
		assert_int_equal(config->extended_fact, FACT_UNREADABLE);
		assert_int_equal(config->n_capabilities, 3);
		assert_int_equal(config->serial_fact, FACT_KNOWN);
		assert_int_equal(config->acs_fact, FACT_UNREADABLE);
	}
}

static void the_end_of_a_chain_is_seen(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];
	const struct pci_config *config;

	(void)state;
	/* Pointers have two reserved bits, which some functions set. */
	make_express(bytes, PCIE_ROOT_PORT);
	bytes[0x34] = PCIE_AT | 3;
	bytes[PCIE_AT + 1] = 2;
	extended(bytes, 0x100, 0x0d, 0x183);
	extended(bytes, 0x180, 0x03, 0x200); /* where there are zeros */
	config = parse(bytes, sizeof(bytes), 0);
	assert_int_equal(config->capabilities_fact, FACT_KNOWN);
	assert_int_equal(config->extended_fact, FACT_KNOWN);
	assert_int_equal(config->n_capabilities, 3);
	assert_int_equal(config->acs_fact, FACT_KNOWN);
	assert_int_equal(config->serial_fact, FACT_KNOWN);
	assert_int_equal(config->aer_fact, FACT_ABSENT);

	/* The bit in Status is set, and the list is empty. */
	make(bytes, 0x01);
	bytes[0x34] = 3;
	config = parse(bytes, 64, 0);
	assert_int_equal(config->n_capabilities, 0);
	assert_int_equal(config->pm_fact, FACT_ABSENT);
	assert_int_equal(config->acs_fact, FACT_ABSENT);
}

static void a_null_capability_only_leads_on(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];
	const struct pci_config *config;

	(void)state;
	make_express(bytes, PCIE_ROOT_PORT);
	put32(bytes, 0x100, 0x14000000);
	extended(bytes, 0x140, 0x0d, 0);
	config = parse(bytes, sizeof(bytes), 0);
	assert_int_equal(config->acs_fact, FACT_KNOWN);
	assert_int_equal(config->n_capabilities, 2);
	assert_int_equal(config->capabilities[1].offset, 0x140);
}

static void a_port_without_extended_capabilities_has_no_acs(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];
	static const struct {
		uint32_t header;
		size_t len, size;
		enum fact fact;
	} cases[] = {
		{ 0, 4096, 0, FACT_ABSENT },
		{ 0xffffffff, 4096, 4096, FACT_ABSENT },
		{ 0x0001000d, 4096, 0, FACT_KNOWN },
		{ 0x0001000d, 0x104, 0, FACT_KNOWN },
		{ 0x0001000d, 0x103, 0, FACT_UNREADABLE },
		/* lspci -xxx shows 256, of a function that may have more. */
		{ 0x0001000d, 256, 0, FACT_UNREADABLE },
		{ 0x0001000d, 256, 4096, FACT_UNREADABLE },
		{ 0x0001000d, 256, 256, FACT_ABSENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct pci_config *config;

		make_express(bytes, PCIE_DOWNSTREAM_PORT);
		put32(bytes, 0x100, cases[i].header);
		config = parse(bytes, cases[i].len, cases[i].size);
		if (config->extended_fact != cases[i].fact)
			fail_msg("case %zu: %d", i, config->extended_fact);
		if (cases[i].fact != FACT_KNOWN)
			assert_int_equal(config->acs_fact, cases[i].fact);
		assert_int_equal(config->pcie_fact, FACT_KNOWN);
	}
}

static void a_conventional_function_has_no_acs(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];

	(void)state;
	make(bytes, 0x01);
	extended(bytes, 0x100, 0x0d, 0);
	assert_int_equal(parse(bytes, 4096, 0)->acs_fact, FACT_ABSENT);
	assert_int_equal(parse(bytes, 4096, 0)->n_capabilities, 1);
	assert_int_equal(parse(bytes, 256, 0)->acs_fact, FACT_ABSENT);
}

static void the_longest_chains_are_listed_whole(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];
	const struct pci_config *config;

	(void)state;
	make(bytes, 0x09);
	for (size_t at = 0x40; at < 0x100; at += 4)
		put16(bytes, at, 0x09 | (unsigned int)(at + 4 < 0x100 ? at + 4 : 0) << 8);
	bytes[0xfc] = 0x10;
	for (size_t at = 0x100; at < 0x1000; at += 4)
		extended(bytes, at, 0x0b, at + 4 < 0x1000 ? at + 4 : 0);
	config = parse(bytes, sizeof(bytes), 0);
	assert_int_equal(config->capabilities_fact, FACT_KNOWN);
	assert_int_equal(config->extended_fact, FACT_KNOWN);
	assert_int_equal(config->n_capabilities, PCI_CAPABILITIES_MAX);
	assert_int_equal(config->capabilities[PCI_CAPABILITIES_MAX - 1].offset, 0xffc);
}

static void a_cardbus_bridge_keeps_its_pointer_elsewhere(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];
	const struct pci_config *config;

	(void)state;
	make(bytes, 0x01);
	bytes[0x0e] = PCI_LAYOUT_CARDBUS;
	bytes[0x34] = 0x90; /* a part of an I/O window there */
	bytes[0x14] = PCIE_AT;
	config = parse(bytes, 128, 0);
	assert_int_equal(config->pm_fact, FACT_KNOWN);
	assert_int_equal(config->extended_fact, FACT_ABSENT);
}

static void a_link_has_the_speed_and_width_that_lspci_tells(void **state)
{
	static const uint16_t speeds[16] = { 0, 25, 50, 80, 160, 320, 640 };
	uint8_t bytes[PCI_CONFIG_MAX];

	(void)state;
	for (unsigned int code = 0; code < 16; code++) {
		const struct pci_link *link;

		make_express(bytes, PCIE_ENDPOINT);
		put32(bytes, PCIE_AT + 0x0c, code | 32 << 4);
		put16(bytes, PCIE_AT + 0x12, (15 - code) | 12 << 4 | 1 << 13);
		link = &parse(bytes, 256, 0)->pcie.link;
		assert_int_equal(link->max_speed, speeds[code]);
		assert_int_equal(link->speed, speeds[15 - code]);
		assert_int_equal(link->max_width, 32);
		assert_int_equal(link->width, 12);
		assert_false(link->has_active || link->active);
	}
}

static void a_function_of_the_root_complex_has_no_link_to_show(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];

	(void)state;
	for (unsigned int type = 0; type <= PCIE_RC_EVENT_COLLECTOR; type++) {
		enum fact expected = type >= PCIE_RC_ENDPOINT ? FACT_ABSENT : FACT_KNOWN;

		make_express(bytes, type);
		put32(bytes, PCIE_AT + 0x0c, 3 | 8 << 4);
		if (parse(bytes, 256, 0)->pcie.link_fact != expected)
			fail_msg("type %x", type);
		assert_int_equal(parse(bytes, 256, 0)->pcie.type, type);
	}
	/* No PCI Express at all. */
	make(bytes, 0x01);
	assert_int_equal(parse(bytes, 256, 0)->pcie_fact, FACT_ABSENT);
	assert_int_equal(parse(bytes, 256, 0)->pcie.link_fact, FACT_ABSENT);
}

static void an_old_express_structure_is_read_as_far_as_it_goes(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];
	const struct pci_config *config;

	(void)state;
	/* An endpoint of version 1 with a link ends after 0x14 bytes: here, the space. */
	make(bytes, 0x01);
	bytes[PCIE_AT + 1] = 0xec;
	bytes[0xec] = 0x10;
	put16(bytes, 0xee, 1);
	put32(bytes, 0xf8, 1 | 1 << 4);
	config = parse(bytes, 256, 0);
	assert_int_equal(config->pcie_fact, FACT_KNOWN);
	assert_int_equal(config->pcie.link.max_speed, 25);
	assert_false(config->pcie.ari_forwarding);
	/* One of version 2, or with a slot, does not end there. */
	put16(bytes, 0xee, 2);
	assert_int_equal(parse(bytes, 256, 0)->pcie_fact, FACT_UNREADABLE);
	put16(bytes, 0xee, 1 | PCIE_ROOT_PORT << 4 | 0x100);
	assert_int_equal(parse(bytes, 256, 0)->pcie_fact, FACT_UNREADABLE);
	/* What follows one of version 1 is another's. */
	make_express(bytes, PCIE_ROOT_PORT);
	put16(bytes, PCIE_AT + 2, 1 | PCIE_ROOT_PORT << 4);
	put32(bytes, PCIE_AT + 0x14, 5U << 19);
	put32(bytes, PCIE_AT + 0x24, 1 << 5);
	config = parse(bytes, 256, 0);
	assert_false(config->pcie.ari_forwarding);
	assert_int_equal(config->pcie.slot_number, 0);
}

static void a_rebar_list_that_cannot_be_is_not_believed(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];

	(void)state;
	for (unsigned int count = 1; count < 8; count++) {
		enum fact expected = count <= 6 ? FACT_KNOWN : FACT_UNREADABLE;

		make_express(bytes, PCIE_ENDPOINT);
		extended(bytes, 0x100, 0x15, 0);
		put32(bytes, 0x108, count << 5);
		assert_int_equal(parse(bytes, 0x134, 0)->rebar_fact, expected);
	}
	put32(bytes, 0x108, 6 << 5);
	assert_int_equal(parse(bytes, 0x133, 0)->rebar_fact, FACT_UNREADABLE);
}

static void garbage_is_survived(void **state)
{
	uint8_t bytes[PCI_CONFIG_MAX];
	uint32_t random = 20261121;

	(void)state;
	for (unsigned int round = 0; round < 5000; round++) {
		const struct pci_config *config;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			random = random * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(random >> 24);
		}
		bytes[0x06] |= 0x10;
		bytes[0x0e] &= 0x81;
		if (round % 2)
			bytes[bytes[0x34] & 0xfc] = 0x10;
		config = parse(bytes, random >> 8 & 0xfff, random >> 20 & 1 ? 4096 : 0);
		assert_true(config->n_capabilities <= PCI_CAPABILITIES_MAX);
	}
}

static void capabilities_have_the_names_of_the_specification(void **state)
{
	(void)state;
	assert_string_equal(pci_capability_name(false, 0x01), "Power Management");
	assert_string_equal(pci_capability_name(true, 0x0d), "Access Control Services");
	assert_string_equal(pci_capability_name(true, 0x01), "Advanced Error Reporting");
	assert_null(pci_capability_name(false, 0xfe));
	assert_null(pci_capability_name(true, 0xffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_chain_leaves_the_rest_unknown),
		cmocka_unit_test(a_broken_extended_chain_does_not_hide_acs),
		cmocka_unit_test(the_end_of_a_chain_is_seen),
		cmocka_unit_test(a_port_without_extended_capabilities_has_no_acs),
		cmocka_unit_test(a_null_capability_only_leads_on),
		cmocka_unit_test(a_conventional_function_has_no_acs),
		cmocka_unit_test(the_longest_chains_are_listed_whole),
		cmocka_unit_test(a_cardbus_bridge_keeps_its_pointer_elsewhere),
		cmocka_unit_test(a_link_has_the_speed_and_width_that_lspci_tells),
		cmocka_unit_test(a_function_of_the_root_complex_has_no_link_to_show),
		cmocka_unit_test(an_old_express_structure_is_read_as_far_as_it_goes),
		cmocka_unit_test(a_rebar_list_that_cannot_be_is_not_believed),
		cmocka_unit_test(garbage_is_survived),
		cmocka_unit_test(capabilities_have_the_names_of_the_specification),
	};

	return cmocka_run_group_tests(tests, NULL, free_last);
}
