/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The chain of images. */
#include "pci/rom.h"

#include <errno.h>
#include <string.h>

#include "pci/rom_image.h"

/*
 * What follows an image, or 0. Firmware and the kernel go by the PCIR alone
 * (pci_get_rom_size() in drivers/pci/rom.c). Where it is the last one there, and NVIDIA's
 * extension says otherwise, images of NVIDIA's own follow (nvbios_imagen() in
 * drivers/gpu/drm/nouveau/nvkm/subdev/bios/image.c).
 */
static size_t find_step(const struct pci_rom_image *image, bool *is_beyond)
{
	if (!image->has_pcir || image->is_cut)
		return 0;
	if (!pci_rom_image_is_last(image))
		return image->size;
	if (!image->has_npde || image->npde_is_last)
		return 0;
	*is_beyond = true;
	return image->npde_size ? image->npde_size : image->size;
}

static int find_first(const uint8_t *bytes, size_t len, struct pci_rom_image *ret_image)
{
	const uint8_t *at = bytes;

	if (pci_rom_image_parse(bytes, len, 0, ret_image) == 0)
		return 0;
	while (len && (at = memchr(at, 0x55, len - (size_t)(at - bytes)))) {
		size_t start = (size_t)(at++ - bytes);

		if (pci_rom_image_parse(bytes, len, start, ret_image) == 0)
			return 0;
	}
	return -EINVAL;
}

int pci_rom_parse(const void *bytes, size_t len, struct pci_rom *ret_rom)
{
	struct pci_rom rom = { 0 };
	struct pci_rom_image image;
	bool is_beyond = false;
	size_t at, step;

	if (find_first(bytes, len, &image) < 0)
		return -EINVAL;
	rom.start = image.start;
	do {
		at = image.start;
		image.is_beyond = is_beyond;
		rom.size = (image.is_cut ? len : at + image.size) - rom.start;
		rom.images[rom.count++] = image;
		step = find_step(&image, &is_beyond);
		rom.is_unfinished =
			step && (rom.count == PCI_ROM_IMAGES_MAX || step >= len - at ||
				 pci_rom_image_parse(bytes, len, at + step, &image) < 0);
	} while (step && !rom.is_unfinished);
	*ret_rom = rom;
	return 0;
}

bool pci_rom_is_blank(const void *bytes, size_t len)
{
	const uint8_t *first = bytes;

	return len && (*first == 0xff || *first == 0) &&
	       !memcmp(first, first + 1, len - 1);
}

bool pci_rom_is_for(const struct pci_rom_image *image, uint16_t vendor_id,
		    uint16_t device_id, bool *ret_listed)
{
	*ret_listed = false;
	if (!image->has_pcir || image->vendor_id != vendor_id)
		return false;
	if (image->device_id == device_id)
		return true;
	for (size_t i = 0; i < image->n_devices; i++)
		*ret_listed |= image->devices[i] == device_id;
	return *ret_listed;
}

/*
 * ProcessOpRomImage() and LocalLoadFile2() in edk2's PciBusDxe; OVMF has EbcDxe, which
 * runs byte code.
 */
bool pci_rom_serves_uefi(const struct pci_rom_image *image)
{
	const struct pci_rom_efi *efi = &image->efi;

	return image->code == PCI_ROM_UEFI && image->has_pcir && !image->is_npds &&
	       image->is_aligned && !image->is_cut && !image->is_beyond &&
	       efi->is_there && efi->fits && efi->compression <= 1 &&
	       (efi->machine == PCI_ROM_X86_64 || efi->machine == PCI_ROM_BYTE_CODE) &&
	       (efi->subsystem == PCI_ROM_BOOT_DRIVER ||
		efi->subsystem == PCI_ROM_RUNTIME_DRIVER);
}

/* map_pcirom() and is_valid_rom() in SeaBIOS's src/optionroms.c. */
bool pci_rom_serves_bios(const struct pci_rom_image *image)
{
	return image->code == PCI_ROM_BIOS && image->has_pcir && !image->is_npds &&
	       !image->is_beyond && image->sum == PCI_ROM_SUM_RIGHT;
}
