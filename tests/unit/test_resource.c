/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/config.h"
#include "pci/device.h"

#define NONE "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

/* What the kernel writes for a card: 32-bit, 64-bit prefetchable, ports, a ROM. */
static const char card[] =
	"0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200\n"
	"0x000003bfe0000000 0x000003bfefffffff 0x000000000014220c\n" NONE
	"0x000000000000e000 0x000000000000e07f 0x0000000000040101\n" NONE
	/* a size without an address, as beneath a bridge too small */
	"0x0000000000000000 0x00000000003fffff 0x0000000020040200\n"
	"0x00000000f7000000 0x00000000f707ffff 0x0000000000046200\n";

static void bars_and_rom_have_the_ranges_the_kernel_gave_them(void **state)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	char bridge[sizeof(card) + sizeof(NONE)];

	(void)state;
	assert_int_equal(pci_resources_parse(card, strlen(card), resources), 0);
	assert_true(resources[0].start == 0xf6000000 && resources[0].size == 0x1000000);
	assert_false(resources[0].io || resources[0].prefetchable ||
		     resources[0].is_64bit);
	assert_true(resources[1].start == 0x3bfe0000000 &&
		    resources[1].size == 0x10000000);
	assert_true(resources[1].prefetchable && resources[1].is_64bit);
	assert_true(resources[2].size == 0 && resources[2].start == 0);
	assert_true(resources[3].io && resources[3].start == 0xe000 &&
		    resources[3].size == 0x80);
	assert_true(resources[5].size == 0);
	/* A ROM is shown where it would be decoded, enabled or not. */
	assert_true(resources[PCI_RESOURCE_ROM].size == 0x80000);
	assert_false(resources[PCI_RESOURCE_ROM].is_shadow);

	/* The windows of a bridge follow. */
	snprintf(bridge, sizeof(bridge), "%s%s", card, NONE);
	assert_int_equal(pci_resources_parse(bridge, strlen(bridge), resources), 0);
	assert_true(resources[PCI_RESOURCE_ROM].size == 0x80000);
	/* host_read() cuts the last newline off. */
	assert_int_equal(pci_resources_parse(card, strlen(card) - 1, resources), 0);
}

/* The bit that says so means "prefetchable" and the like of other resources. */
static void the_copy_of_a_bios_is_not_taken_for_the_rom(void **state)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	char text[sizeof(card)];
	char *rom;

	(void)state;
	memcpy(text, card, sizeof(text));
	text[strlen("0x00000000f6000000 0x00000000f6ffffff 0x000000000004020")] = '2';
	rom = text + strlen(text) - strlen(NONE);
	memcpy(rom, "0x00000000000c0000 0x00000000000dffff 0x0000000000000212\n",
	       strlen(NONE));
	assert_int_equal(pci_resources_parse(text, strlen(text), resources), 0);
	assert_false(resources[0].is_shadow);
	assert_true(resources[PCI_RESOURCE_ROM].is_shadow);
	assert_true(resources[PCI_RESOURCE_ROM].start == 0xc0000);
}

static void a_damaged_resource_table_gives_no_ranges(void **state)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT] = { { .start = 7 } };
	char text[sizeof(card)];
	static const struct {
		size_t at;
		char byte;
	} damages[] = { { 0, '1' }, { 1, 'y' }, { 9, 'g' }, { 18, '0' }, { 56, ' ' } };

	(void)state;
	for (size_t len = 0; len + 1 < strlen(card); len++) {
		char *exact = malloc(len ? len : 1);

		assert_non_null(exact);
		memcpy(exact, card, len);
		assert_int_equal(pci_resources_parse(exact, len, resources), -EINVAL);
		free(exact);
	}
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		memcpy(text, card, sizeof(text));
		text[damages[i].at] = damages[i].byte;
		if (pci_resources_parse(text, strlen(text), resources) != -EINVAL)
			fail_msg("damage %zu was not seen", i);
	}
	assert_true(resources[0].start == 7);
}

static void a_range_is_never_larger_than_what_is_there(void **state)
{
	static const char *const empty[] = {
		"0x0000000000000000 0xffffffffffffffff 0x0000000000000200\n",
		"0x0000000000001000 0x0000000000000fff 0x0000000000000200\n",
		"0x0000000000001000 0x0000000000001fff 0x0000000000000000\n",
		"0x0000000000000000 0x0000000000000000 0x0000000000040200\n",
	};
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", empty[i], NONE, NONE, NONE,
			 NONE, NONE, NONE);
		assert_int_equal(pci_resources_parse(text, strlen(text), resources), 0);
		assert_true(resources[0].size == 0);
	}
}

static void resources_that_cannot_be_read_are_not_called_empty(void **state)
{
	struct pci_device device = { .address = { 0, 1, 0, 0 } };
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	const struct tree *tree = *state;
	struct host *host = NULL;

	tree_folder(tree, "sys/bus/pci/devices");
	tree_folder(tree, "sys/bus/pci/devices/0000:01:00.0");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(pci_resources_read(host, &device, resources), FACT_ABSENT);
	tree_file(tree, "sys/bus/pci/devices/0000:01:00.0/resource", "damaged\n");
	assert_int_equal(pci_resources_read(host, &device, resources), FACT_UNREADABLE);
	tree_file(tree, "sys/bus/pci/devices/0000:01:00.0/resource", card);
	assert_int_equal(pci_resources_read(host, &device, resources), FACT_KNOWN);
	assert_true(resources[0].start == 0xf6000000);
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_and_rom_have_the_ranges_the_kernel_gave_them),
		cmocka_unit_test(the_copy_of_a_bios_is_not_taken_for_the_rom),
		cmocka_unit_test(a_damaged_resource_table_gives_no_ranges),
		cmocka_unit_test(a_range_is_never_larger_than_what_is_there),
		cmocka_unit_test_setup_teardown(
			resources_that_cannot_be_read_are_not_called_empty, tree_setup,
			tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
