/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One image, and the structures that it points to. */
#include "pci/rom_image.h"

#include <errno.h>
#include <string.h>

/* Sizes are in these. */
enum { UNIT = 512 };

/* Offsets in an image (PCI Firmware 3.2, 5.1.1; UEFI 2.10, 14.4.2.1). */
enum {
	IMAGE_SIZE = 0x02, /* one byte; two for UEFI */
	EFI_SIGNATURE = 0x04,
	EFI_SUBSYSTEM = 0x08,
	EFI_MACHINE = 0x0a,
	EFI_COMPRESSION = 0x0c,
	EFI_PROGRAM = 0x16,
	IMAGE_POINTER = 0x18,
	IMAGE_HEADER = 0x1a,
};

/* Offsets in a PCIR (5.1.2). */
enum {
	PCIR_VENDOR = 0x04,
	PCIR_DEVICE = 0x06,
	PCIR_DEVICES = 0x08, /* where its list is, from the PCIR on; revision 3 */
	PCIR_LENGTH = 0x0a,  /* of itself, in bytes */
	PCIR_REVISION = 0x0c,
	PCIR_CLASS = 0x0d,
	PCIR_SIZE = 0x10,
	PCIR_CODE_REVISION = 0x12,
	PCIR_CODE = 0x14,
	PCIR_INDICATOR = 0x15, /* bit 7: the last image */
	PCIR_MIN = 0x18,
};

/* Offsets in NVIDIA's extension (nvkm/subdev/bios/npde.c). */
enum { NPDE_SIZE = 0x08, NPDE_INDICATOR = 0x0a, NPDE_MIN = 0x0c, NPDE_ALIGN = 16 };

static uint16_t read_16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

bool pci_rom_image_is_last(const struct pci_rom_image *image)
{
	return image->indicator & 0x80;
}

/* Whether so many bytes are there. */
static bool has(size_t left, size_t at, size_t count)
{
	return at <= left && left - at >= count;
}

static void read_devices(const uint8_t *pcir, size_t left, struct pci_rom_image *image)
{
	size_t at = read_16(pcir + PCIR_DEVICES);

	if (image->pcir_revision < 3 || !at)
		return;
	for (; image->n_devices < PCI_ROM_DEVICES_MAX && has(left, at, 2) &&
	       read_16(pcir + at);
	     at += 2)
		if (read_16(pcir + at) != image->device_id)
			image->devices[image->n_devices++] = read_16(pcir + at);
}

/* It stands behind the PCIR, at a multiple of 16 from the image's beginning. */
static void read_npde(const uint8_t *image_bytes, size_t left, size_t pcir,
		      struct pci_rom_image *image)
{
	size_t at = pcir + read_16(image_bytes + pcir + PCIR_LENGTH);

	at = (at + NPDE_ALIGN - 1) / NPDE_ALIGN * NPDE_ALIGN;
	if (!has(left, at, NPDE_MIN) || memcmp(image_bytes + at, "NPDE", 4) != 0)
		return;
	image->has_npde = true;
	image->npde_size = UNIT * (size_t)read_16(image_bytes + at + NPDE_SIZE);
	image->npde_is_last = image_bytes[at + NPDE_INDICATOR] & 0x80;
}

static void read_pcir(const uint8_t *bytes, size_t left, struct pci_rom_image *image)
{
	size_t at = read_16(bytes + IMAGE_POINTER);
	const uint8_t *pcir = bytes + at;

	if (!has(left, at, PCIR_MIN))
		return;
	image->is_npds = !memcmp(pcir, "NPDS", 4) || !memcmp(pcir, "RGIS", 4);
	if (!image->is_npds && memcmp(pcir, "PCIR", 4) != 0)
		return;
	image->has_pcir = true;
	image->is_aligned = at && at % 4 == 0;
	image->pcir_revision = pcir[PCIR_REVISION];
	image->vendor_id = read_16(pcir + PCIR_VENDOR);
	image->device_id = read_16(pcir + PCIR_DEVICE);
	image->class_code =
		(uint32_t)pcir[PCIR_CLASS + 2] << 16 | read_16(pcir + PCIR_CLASS);
	image->size = UNIT * (size_t)read_16(pcir + PCIR_SIZE);
	image->revision = read_16(pcir + PCIR_CODE_REVISION);
	image->code = pcir[PCIR_CODE];
	image->indicator = pcir[PCIR_INDICATOR];
	read_devices(pcir, left - at, image);
	read_npde(bytes, left, at, image);
}

/*
 * Over as many bytes as the image's own header says, which may be fewer than the image
 * has: a BIOS looks at no more.
 */
static enum pci_rom_sum add_up(const uint8_t *bytes, size_t left)
{
	size_t size = UNIT * (size_t)bytes[IMAGE_SIZE];
	uint8_t sum = 0;

	if (size > left)
		return PCI_ROM_SUM_CUT;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return size && !sum ? PCI_ROM_SUM_RIGHT : PCI_ROM_SUM_WRONG;
}

static void read_efi(const uint8_t *bytes, const struct pci_rom_image *image,
		     struct pci_rom_efi *efi)
{
	static const uint8_t signature[] = { 0xf1, 0x0e, 0, 0 };
	size_t size = UNIT * (size_t)read_16(bytes + IMAGE_SIZE);

	efi->is_there = !memcmp(bytes + EFI_SIGNATURE, signature, sizeof(signature));
	if (!efi->is_there)
		return;
	efi->subsystem = read_16(bytes + EFI_SUBSYSTEM);
	efi->machine = read_16(bytes + EFI_MACHINE);
	efi->compression = read_16(bytes + EFI_COMPRESSION);
	efi->fits = size <= image->size && read_16(bytes + EFI_PROGRAM) < size;
}

/*
 * NVIDIA's own begin otherwise (nvbios_imagen() in
 * drivers/gpu/drm/nouveau/nvkm/subdev/bios/image.c).
 */
static bool begins(unsigned int signature, bool is_beyond)
{
	return signature == 0xaa55 ||
	       (is_beyond && (signature == 0xbb77 || signature == 0x4e56));
}

int pci_rom_image_parse(const uint8_t *bytes, size_t len, size_t start, bool is_beyond,
			struct pci_rom_image *ret_image)
{
	struct pci_rom_image image = { .start = start, .is_beyond = is_beyond };
	size_t left = len - start;

	if (left < IMAGE_HEADER || !begins(read_16(bytes + start), is_beyond))
		return -EINVAL;
	bytes += start;
	read_pcir(bytes, left, &image);
	if (!image.has_pcir && start)
		return -EINVAL;
	/* A ROM of an ISA card's times: its header is all that tells its size. */
	if (!image.has_pcir)
		image.size = UNIT * (size_t)bytes[IMAGE_SIZE];
	image.is_cut = image.size > left;
	if (image.code == PCI_ROM_BIOS)
		image.sum = add_up(bytes, left);
	else if (image.code == PCI_ROM_UEFI)
		read_efi(bytes, &image, &image.efi);
	*ret_image = image;
	return 0;
}
