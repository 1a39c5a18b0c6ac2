/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An option ROM: whatever its headers say, nothing beyond its end is read or told. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "check/rom.h"
#include "pci/device.h"

static void check_image(const uint8_t *data, size_t size,
			const struct pci_rom_image *image)
{
	struct string_list texts = { 0 };

	must(size - image->start >= 2);
	must(image->is_beyond ||
	     (data[image->start] == 0x55 && data[image->start + 1] == 0xaa));
	must(image->is_cut == (image->size > size - image->start));
	must(image->n_devices <= PCI_ROM_DEVICES_MAX);
	must(!pci_rom_serves_uefi(image) || !pci_rom_serves_bios(image));
	if (pci_rom_texts(data, size, image, &texts) == 0)
		for (size_t i = 0; i < texts.count; i++)
			must(strlen(texts.items[i]) <= 80);
	string_list_free(&texts);
}

static void check_verdict(const struct pci_rom *rom, const uint8_t *data, size_t size,
			  enum check_rom_source source)
{
	const struct pci_device device = { .ids = FACT_KNOWN,
					   .vendor_id = 0x1234,
					   .device_id = 0x5046,
					   .class_code = 0x030000 };
	const struct check_rom_request request = { .rom = rom,
						   .bytes = (const char *)data,
						   .len = size,
						   .device = &device,
						   .source = source,
						   .bar_size = 1024 };
	struct check_rom verdict;

	if (check_rom_judge(&request, &verdict) < 0)
		return;
	/* Who gets nothing is told why. */
	must(verdict.uefi || verdict.bios || verdict.n_remarks);
	/* Where both run it, what is fatal is of neither. */
	for (size_t i = 0; i < verdict.n_remarks; i++)
		must(!verdict.remarks[i].is_fatal || !verdict.uefi || !verdict.bios);
	for (size_t i = 0; i < verdict.n_remarks; i++)
		must(*verdict.remarks[i].seen && verdict.remarks[i].fix);
	check_rom_free(&verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pci_rom rom;
	size_t end = 0;

	if (pci_rom_parse(data, size, &rom) < 0)
		return 0;
	must(rom.count >= 1 && rom.count <= PCI_ROM_IMAGES_MAX);
	must(rom.start < size && rom.size <= size - rom.start);
	for (size_t i = 0; i < rom.count; i++) {
		must(rom.images[i].start >= end);
		check_image(data, size, &rom.images[i]);
		must(rom.images[i].is_cut ||
		     rom.images[i].start + rom.images[i].size <= rom.start + rom.size);
		end = rom.images[i].start + 1;
	}
	check_verdict(&rom, data, size, CHECK_ROM_OF_FILE);
	check_verdict(&rom, data, size, CHECK_ROM_OF_BAR);
	return 0;
}
