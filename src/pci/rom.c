/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The chain of images. */
#include "pci/rom.h"

#include <errno.h>
#include <string.h>

#include "pci/rom_image.h"

/* Where edk2 finds no image it looks for one in such steps (LoadOpRomImage()). */
enum { UEFI_STEP = 512, NVIDIA_LAST = 0x70 };

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
	if (!*is_beyond && !pci_rom_image_is_last(image))
		return image->size;
	*is_beyond = true;
	if (image->code == NVIDIA_LAST)
		return 0;
	if (image->has_npde)
		return image->npde_is_last ? 0
		       : image->npde_size  ? image->npde_size
					   : image->size;
	return pci_rom_image_is_last(image) ? 0 : image->size;
}

/*
 * The image that follows, from `at` on. A BIOS wants it just there; edk2 goes on where
 * nothing is, and NVIDIA's own are read by neither.
 */
static int find_next(const uint8_t *bytes, size_t len, size_t at, bool is_beyond,
		     const struct pci_rom_image *before, struct pci_rom_image *ret_image)
{
	struct pci_rom_image image;
	size_t from = at;
	int r = -EINVAL;

	for (; r < 0 && at < len; at += UEFI_STEP) {
		r = pci_rom_image_parse(bytes, len, at, is_beyond, &image);
		/* What begins like one and is none ends the search as well. */
		if (is_beyond ||
		    (len - at >= 2 && bytes[at] == 0x55 && bytes[at + 1] == 0xaa))
			break;
	}
	if (r < 0)
		return r;
	/* edk2 ends at a PCIR that it does not take, a BIOS at one that is none. */
	image.is_past_uefi =
		before->is_past_uefi || before->is_npds || !before->is_aligned;
	image.is_past_bios =
		before->is_past_bios || before->is_npds || image.start != from;
	*ret_image = image;
	return 0;
}

static int find_first(const uint8_t *bytes, size_t len, struct pci_rom_image *ret_image)
{
	const uint8_t *at = bytes;

	if (pci_rom_image_parse(bytes, len, 0, false, ret_image) == 0)
		return 0;
	while (len && (at = memchr(at, 0x55, len - (size_t)(at - bytes)))) {
		size_t start = (size_t)(at++ - bytes);

		if (pci_rom_image_parse(bytes, len, start, false, ret_image) == 0)
			return 0;
	}
	return -EINVAL;
}

/* One may end within another that says that it is larger, or not tell its size. */
static size_t find_end(const struct pci_rom_image *image, size_t len, size_t end)
{
	size_t own = image->is_cut || !image->size ? len : image->start + image->size;

	return own > end ? own : end;
}

int pci_rom_parse(const void *bytes, size_t len, struct pci_rom *ret_rom)
{
	struct pci_rom rom = { 0 };
	struct pci_rom_image image;
	bool is_beyond = false;
	size_t end = 0, step;

	if (find_first(bytes, len, &image) < 0)
		return -EINVAL;
	rom.start = image.start;
	for (;;) {
		const struct pci_rom_image before = image;

		rom.images[rom.count++] = before;
		end = find_end(&before, len, end);
		step = find_step(&before, &is_beyond);
		if (!step)
			break;
		if (step >= len - before.start ||
		    find_next(bytes, len, before.start + step, is_beyond, &before,
			      &image) < 0) {
			/* The kernel gives none of NVIDIA's own. */
			rom.is_unfinished = !is_beyond;
			break;
		}
		if (rom.count == PCI_ROM_IMAGES_MAX) {
			rom.is_full = true;
			end = len;
			break;
		}
	}
	rom.size = end - rom.start;
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
	       !image->is_past_uefi && image->is_aligned && !image->is_cut &&
	       !image->is_beyond && efi->is_there && efi->fits && efi->compression <= 1 &&
	       (efi->machine == PCI_ROM_X86_64 || efi->machine == PCI_ROM_BYTE_CODE) &&
	       (efi->subsystem == PCI_ROM_BOOT_DRIVER ||
		efi->subsystem == PCI_ROM_RUNTIME_DRIVER);
}

/* map_pcirom() and is_valid_rom() in SeaBIOS's src/optionroms.c. */
bool pci_rom_serves_bios(const struct pci_rom_image *image)
{
	return image->code == PCI_ROM_BIOS && image->has_pcir && !image->is_npds &&
	       !image->is_past_bios && !image->is_beyond &&
	       image->sum == PCI_ROM_SUM_RIGHT;
}
