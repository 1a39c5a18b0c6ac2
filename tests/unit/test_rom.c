/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option ROMs, cut off anywhere. What they mean is in tests/golden/test_rom.py. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pci/rom.h"

enum { IMAGE = 512, WHOLE = 2 * IMAGE, PCIR = 0x1c };

static void put_16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

/* With a list of other devices, and NVIDIA's extension behind the PCIR. */
static void make_image(uint8_t *image, unsigned int code, bool is_last)
{
	uint8_t *pcir = image + PCIR;

	put_16(image, 0xaa55);
	image[2] = IMAGE / 512;
	put_16(image + 0x18, PCIR);
	memcpy(pcir, "PCIR", 4);
	put_16(pcir + 4, 0x10de);
	put_16(pcir + 6, 0x1b39);
	put_16(pcir + 8, 0x60);
	put_16(pcir + 0x0a, 0x18);
	pcir[0x0c] = 3;
	put_16(pcir + 0x10, IMAGE / 512);
	pcir[0x14] = (uint8_t)code;
	pcir[0x15] = is_last ? 0x80 : 0;
	put_16(pcir + 0x60, 0x1b3a);
	memcpy(image + 0x40, "NPDE", 4);
	put_16(image + 0x48, IMAGE / 512);
	image[0x4a] = pcir[0x15];
	memcpy(image + 0x1e0, "Version 86.04.50.00.64", 22);
	for (size_t i = 0; i < IMAGE - 1; i++)
		image[IMAGE - 1] = (uint8_t)(image[IMAGE - 1] - image[i]);
}

static void make_rom(uint8_t rom[WHOLE])
{
	memset(rom, 0, WHOLE);
	make_image(rom, PCI_ROM_BIOS, false);
	make_image(rom + IMAGE, PCI_ROM_UEFI, true);
}

static void a_whole_one_is_read_to_its_end(void **state)
{
	uint8_t bytes[WHOLE];
	struct pci_rom rom;
	bool listed;

	(void)state;
	make_rom(bytes);
	assert_int_equal(pci_rom_parse(bytes, WHOLE, &rom), 0);
	assert_int_equal(rom.count, 2);
	assert_int_equal(rom.size, WHOLE);
	assert_false(rom.is_unfinished);
	assert_true(pci_rom_serves_bios(&rom.images[0]));
	assert_false(pci_rom_serves_uefi(&rom.images[1]));
	assert_true(rom.images[1].has_npde && rom.images[1].npde_is_last);
	assert_true(pci_rom_is_for(&rom.images[0], 0x10de, 0x1b3a, &listed) && listed);
	assert_true(pci_rom_is_for(&rom.images[0], 0x10de, 0x1b39, &listed) && !listed);
	assert_false(pci_rom_is_for(&rom.images[0], 0x10de, 0x1b3b, &listed));
}

/* Exactly as long as it is, for AddressSanitizer. */
static void one_that_is_cut_off_is_not_read_beyond_its_end(void **state)
{
	uint8_t bytes[WHOLE];

	(void)state;
	make_rom(bytes);
	for (size_t len = 0; len < WHOLE; len++) {
		uint8_t *exact = malloc(len ? len : 1);
		struct string_list texts = { 0 };
		struct pci_rom rom = { 0 };
		int r;

		assert_non_null(exact);
		memcpy(exact, bytes, len);
		r = pci_rom_parse(exact, len, &rom);
		assert_int_equal(r, len < 0x1a ? -EINVAL : 0);
		if (len >= PCIR + 0x18)
			assert_true(rom.images[rom.count - 1].is_cut ||
				    rom.is_unfinished);
		for (size_t i = 0; i < rom.count; i++)
			assert_int_equal(
				pci_rom_texts(exact, len, &rom.images[i], &texts), 0);
		string_list_free(&texts);
		free(exact);
	}
}

/* As many as there is room for, each saying that another follows. */
static void a_chain_without_an_end_is_left_somewhere(void **state)
{
	enum { COUNT = PCI_ROM_IMAGES_MAX + 2 };
	uint8_t *bytes = calloc(COUNT, IMAGE);
	struct pci_rom rom;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < COUNT; i++)
		make_image(bytes + i * IMAGE, PCI_ROM_BIOS, false);
	assert_int_equal(pci_rom_parse(bytes, COUNT * (size_t)IMAGE, &rom), 0);
	assert_int_equal(rom.count, PCI_ROM_IMAGES_MAX);
	assert_true(rom.is_full);
	assert_false(rom.is_unfinished);
	assert_int_equal(rom.size, COUNT * (size_t)IMAGE);
	free(bytes);
}

static void what_never_changes_is_blank(void **state)
{
	uint8_t bytes[64];

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_true(pci_rom_is_blank(bytes, sizeof(bytes)));
	assert_true(pci_rom_is_blank(bytes, 1));
	assert_false(pci_rom_is_blank(bytes, 0));
	bytes[63] = 0xfe;
	assert_false(pci_rom_is_blank(bytes, sizeof(bytes)));
	memset(bytes, 0x41, sizeof(bytes));
	assert_false(pci_rom_is_blank(bytes, sizeof(bytes)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_one_is_read_to_its_end),
		cmocka_unit_test(one_that_is_cut_off_is_not_read_beyond_its_end),
		cmocka_unit_test(a_chain_without_an_end_is_left_somewhere),
		cmocka_unit_test(what_never_changes_is_blank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
