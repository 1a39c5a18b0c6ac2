/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/rom.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/device.h"

enum { AMD = 0x1002 };

/* Where another copy can be had. */
static const char *other_copy(const struct check_rom_request *request)
{
	if (request->source == CHECK_ROM_OF_BAR)
		return "the card itself has it so: take the maker's file";
	if (request->source == CHECK_ROM_OF_VFCT && !request->bar_size)
		return "graphics within a processor have no other: a newer firmware of"
		       " the board's may bring one";
	if (request->source == CHECK_ROM_OF_VFCT)
		return "take another copy: the maker's file, or the card's own";
	return "take another copy: the maker's file, or one that pciferry rom reads from"
	       " the card, of a display while the host's firmware shows its picture on"
	       " another";
}

enum check_rom_ids check_rom_compare(const struct pci_rom *rom,
				     const struct pci_device *device)
{
	enum check_rom_ids ids = CHECK_ROM_IDS_UNKNOWN;

	if (!device || device->ids != FACT_KNOWN)
		return ids;
	for (size_t i = 0; i < rom->count && ids != CHECK_ROM_IDS_SAME; i++) {
		const struct pci_rom_image *image = &rom->images[i];
		bool is_listed;

		if (!image->has_pcir || image->is_beyond)
			continue;
		if (!pci_rom_is_for(image, device->vendor_id, device->device_id,
				    &is_listed)) {
			if (ids == CHECK_ROM_IDS_UNKNOWN)
				ids = CHECK_ROM_IDS_OTHER;
			continue;
		}
		ids = is_listed ? CHECK_ROM_IDS_LISTED : CHECK_ROM_IDS_SAME;
	}
	return ids;
}

bool check_rom_serves_uefi(const struct pci_rom *rom)
{
	for (size_t i = 0; i < rom->count; i++)
		if (pci_rom_serves_uefi(&rom->images[i]))
			return true;
	return false;
}

bool check_rom_is_cut(const struct pci_rom *rom)
{
	return rom->images[rom->count - 1].is_cut;
}

/* The image that a BIOS takes: the first with exactly the device's IDs, whatever its sum.
 */
static const struct pci_rom_image *find_bios(const struct pci_rom *rom,
					     const struct pci_device *device)
{
	for (size_t i = 0; i < rom->count; i++) {
		const struct pci_rom_image *image = &rom->images[i];

		if (image->has_pcir && !image->is_npds && !image->is_beyond &&
		    !image->is_past_bios && image->code == PCI_ROM_BIOS &&
		    (!device || device->ids != FACT_KNOWN ||
		     (image->vendor_id == device->vendor_id &&
		      image->device_id == device->device_id)))
			return image;
	}
	return NULL;
}

static const struct pci_rom_image *find_uefi(const struct pci_rom *rom)
{
	for (size_t i = 0; i < rom->count; i++)
		if (rom->images[i].has_pcir && !rom->images[i].is_beyond &&
		    rom->images[i].code == PCI_ROM_UEFI)
			return &rom->images[i];
	return NULL;
}

static int __attribute__((format(printf, 4, 5)))
remark(struct check_rom *verdict, bool is_fatal, const char *fix, const char *format, ...)
{
	struct check_rom_remark *larger =
		reallocarray(verdict->remarks, verdict->n_remarks + 1, sizeof(*larger));
	char *seen = NULL;
	va_list args;
	int n;

	if (!larger)
		return -ENOMEM;
	verdict->remarks = larger;
	va_start(args, format);
	n = vasprintf(&seen, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	larger[verdict->n_remarks++] = (struct check_rom_remark){ .is_fatal = is_fatal,
								  .seen = seen,
								  .fix = fix };
	return 0;
}

/* What stands around the images, and whether they are whole. */
static int look_at_bytes(const struct check_rom_request *request,
			 struct check_rom *verdict)
{
	const struct pci_rom *rom = request->rom;
	const struct pci_rom_image *last = &rom->images[rom->count - 1];
	size_t behind = request->len - rom->start - rom->size;
	int r = 0;

	if (rom->start)
		r = remark(
			verdict, true,
			"--trim -o FILE writes the ROM without it, for pciferry vm create --rom",
			"%zu bytes of a vendor's tool stand before the ROM: firmware looks"
			" for it at the beginning, and finds none",
			rom->start);
	if (r == 0 && last->is_cut)
		r = remark(
			verdict, !verdict->uefi || !verdict->bios, other_copy(request),
			"it is cut off: image %zu is %zu bytes, of which %zu are there",
			rom->count, last->size, request->len - last->start);
	/* SeaBIOS goes by the image's own header. */
	if (r == 0 && last->has_pcir && !last->size)
		r = remark(
			verdict, !verdict->uefi && !verdict->bios, other_copy(request),
			"image %zu does not tell its size: UEFI comes no further, and the"
			" kernel would read none of it from a device",
			rom->count);
	if (r == 0 && rom->is_unfinished)
		r = remark(
			verdict, !verdict->uefi,
			"a dump of the card's whole flash chip, or the maker's file: what"
			" is missing may be the image for UEFI",
			"image %zu says that another follows, which is not there",
			rom->count);
	if (r == 0 && rom->is_full)
		r = remark(verdict, false, "",
			   "it has more images than the %d that are looked at",
			   PCI_ROM_IMAGES_MAX);
	if (r == 0 && request->bar_size && rom->size > request->bar_size)
		r = remark(
			verdict, false, "",
			"its images are %zu bytes, and the device's ROM BAR shows %llu",
			rom->size, (unsigned long long)request->bar_size);
	if (r == 0 && behind && last->size && !last->is_cut && !rom->is_unfinished)
		r = remark(
			verdict, false, "",
			"%zu bytes behind the last image: firmware does not look there",
			behind);
	return r;
}

/* Why no UEFI runs its image for UEFI. */
static int explain_uefi(const struct check_rom_request *request,
			const struct pci_rom_image *image, struct check_rom *verdict)
{
	const struct pci_rom_efi *efi = &image->efi;

	/* That has been said of the ROM. */
	if (image->is_cut || !image->size)
		return 0;
	if (image->is_past_uefi)
		return remark(verdict, true, other_copy(request),
			      "UEFI does not come to its image for UEFI: the PCIR of one"
			      " before it is at no multiple of 4, or none");
	if (!efi->is_there)
		return remark(verdict, true, other_copy(request),
			      "its image for UEFI has no header of UEFI's (0x0ef1)");
	if (efi->machine != PCI_ROM_X86_64 && efi->machine != PCI_ROM_BYTE_CODE)
		return remark(verdict, true, other_copy(request),
			      "its image for UEFI is for other processors (machine %04x),"
			      " not for x86-64",
			      efi->machine);
	if (efi->subsystem != PCI_ROM_BOOT_DRIVER &&
	    efi->subsystem != PCI_ROM_RUNTIME_DRIVER)
		return remark(verdict, true, other_copy(request),
			      "its image for UEFI is no driver (subsystem %u)",
			      efi->subsystem);
	if (efi->compression > 1)
		return remark(
			verdict, true, other_copy(request),
			"its image for UEFI is compressed in a way that UEFI does not"
			" know (%u)",
			efi->compression);
	return remark(verdict, true, other_copy(request),
		      "its image for UEFI is damaged: %s",
		      image->is_aligned ? "the program lies outside of it"
					: "its PCIR is at no multiple of 4");
}

static bool is_for_display(const struct check_rom_request *request)
{
	return request->device && request->device->ids == FACT_KNOWN
		       ? pci_is_display(request->device)
		       : request->rom->images[0].class_code >> 16 == PCI_CLASS_DISPLAY;
}

/* Only of a display somebody sees a difference, and of what a guest boots from. */
static int explain_bios_only(const struct check_rom_request *request,
			     struct check_rom *verdict)
{
	if (!is_for_display(request))
		return remark(
			verdict, false, "pciferry vm run --bios starts a guest by BIOS",
			"only a guest by BIOS can boot from it; with its driver a guest"
			" by UEFI has the device all the same");
	return remark(
		verdict, false,
		request->source == CHECK_ROM_OF_VFCT && !request->bar_size
			? "of graphics within a processor that is usual: their driver"
			  " for UEFI (GOP) is in the board's firmware alone; or --bios, a"
			  " guest by BIOS"
			: "a newer ROM of the maker's with a display's driver for UEFI"
			  " (GOP), given by pciferry vm create --rom DEVICE=/FILE; or"
			  " --bios, a guest by BIOS",
		"no image for UEFI: in a guest by UEFI a display shows nothing until its"
		" driver is there");
}

static int look_at_images(const struct check_rom_request *request,
			  struct check_rom *verdict)
{
	const struct pci_rom_image *bios = find_bios(request->rom, request->device);
	const struct pci_rom_image *uefi = find_uefi(request->rom);
	int r = 0;

	if (!request->rom->images[0].has_pcir)
		return remark(
			verdict, true, other_copy(request),
			"it has no PCIR: no ROM of a PCI device's, and firmware passes"
			" it over");
	if (request->rom->images[0].is_npds)
		r = remark(
			verdict, true, other_copy(request),
			"NVIDIA's NPDS stands in place of its PCIR: firmware passes it over");
	if (r == 0 && bios && bios->sum == PCI_ROM_SUM_CUT && !bios->is_cut)
		r = remark(
			verdict, !verdict->uefi, other_copy(request),
			"its image for a BIOS is by its header longer than what is there");
	if (r == 0 && bios && bios->sum == PCI_ROM_SUM_WRONG)
		r = remark(
			verdict, !verdict->uefi, other_copy(request),
			"the checksum of its image for a BIOS is wrong%s: a guest by BIOS"
			" passes it over",
			verdict->is_changed ? " when QEMU has put the device's ID there,"
					      " as it counts all images"
					    : "");
	if (r == 0 && uefi && !verdict->uefi)
		r = explain_uefi(request, uefi, verdict);
	/* What is missing has been told. */
	if (r == 0 && verdict->bios && !uefi && !request->rom->is_unfinished &&
	    !request->rom->is_full)
		r = explain_bios_only(request, verdict);
	return r;
}

/* Whoever gets nothing is told of it, whatever the ROM may be like. */
static int look_at_rest(const struct check_rom_request *request,
			struct check_rom *verdict)
{
	if (verdict->uefi || verdict->bios)
		return 0;
	for (size_t i = 0; i < verdict->n_remarks; i++)
		if (verdict->remarks[i].is_fatal)
			return 0;
	return remark(verdict, true, other_copy(request),
		      "no image of it is for a PC's firmware");
}

static int look_at_ids(const struct check_rom_request *request, struct check_rom *verdict)
{
	const struct pci_rom_image *image = &request->rom->images[0];

	if (verdict->is_changed && verdict->ids != CHECK_ROM_IDS_SAME)
		return remark(
			verdict, false, "",
			"it is not for %04x: QEMU, which reads it from the device, puts"
			" that ID there for the guest; of a file (--rom) it does not",
			request->device->device_id);
	if (verdict->ids == CHECK_ROM_IDS_LISTED && !verdict->uefi)
		return remark(
			verdict, true, other_copy(request),
			"the device is only in its list of others, where QEMU's BIOS does"
			" not look");
	if (verdict->ids != CHECK_ROM_IDS_OTHER)
		return 0;
	return remark(
		verdict, !verdict->uefi,
		request->device->vendor_id == AMD
			? "give it only where it is known to serve this device; AMD's"
			  " driver for UEFI of graphics within a processor belongs to"
			  " their audio function"
			: "give it only where it is known to serve this device",
		"it is for %04x:%04x, the device is %04x:%04x: a guest by BIOS passes"
		" it over%s",
		image->vendor_id, image->device_id, request->device->vendor_id,
		request->device->device_id,
		verdict->uefi ? "; one by UEFI runs its driver, which may not take it"
			      : "");
}

/* What is fatal comes first, else they stay in their order. */
static void sort(struct check_rom *verdict)
{
	for (size_t i = 1; i < verdict->n_remarks; i++) {
		const struct check_rom_remark one = verdict->remarks[i];
		size_t to = i;

		for (; one.is_fatal && to && !verdict->remarks[to - 1].is_fatal; to--)
			verdict->remarks[to] = verdict->remarks[to - 1];
		verdict->remarks[to] = one;
	}
}

/*
 * QEMU puts the device's ID into what it reads from the device, where the vendor is
 * right, and a checksum over all of it (vfio_pci_load_rom() in hw/vfio/pci.c); the 0xff
 * with which it fills the rest of the ROM BAR adds up to 0. Not into a file.
 */
static int change_as_qemu(const struct check_rom_request *request,
			  struct pci_rom *ret_rom, bool *ret_is_changed)
{
	const struct pci_rom_image *first = &request->rom->images[0];
	const struct pci_device *device = request->device;
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t pcir;
	uint8_t sum = 0;

	*ret_rom = *request->rom;
	*ret_is_changed = false;
	if ((request->source != CHECK_ROM_OF_BAR &&
	     request->source != CHECK_ROM_OF_SHADOW) ||
	    !device || device->ids != FACT_KNOWN || first->start || !first->has_pcir ||
	    first->is_npds || first->vendor_id != device->vendor_id ||
	    first->device_id == device->device_id)
		return 0;
	bytes = malloc(request->len);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, request->bytes, request->len);
	pcir = (size_t)(bytes[24] | bytes[25] << 8);
	bytes[pcir + 6] = (uint8_t)device->device_id;
	bytes[pcir + 7] = (uint8_t)(device->device_id >> 8);
	bytes[6] = 0;
	for (size_t i = 0; i < request->len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[6] = (uint8_t)-sum;
	*ret_is_changed = pci_rom_parse(bytes, request->len, ret_rom) == 0;
	return 0;
}

static int look_at_all(const struct check_rom_request *request, struct check_rom *verdict)
{
	int r = look_at_bytes(request, verdict);

	if (r == 0 && request->source == CHECK_ROM_OF_SHADOW)
		r = remark(
			verdict, false,
			"for the card's own: let another card be the first in the host"
			" firmware's set-up, or move it to another slot, or turn CSM off;"
			" then read it again",
			"this is not the card's ROM but the copy that the host's BIOS left"
			" at 0xc0000: it may be changed, and has only the image for a BIOS");
	if (r == 0)
		r = look_at_images(request, verdict);
	if (r == 0)
		r = look_at_ids(request, verdict);
	if (r == 0)
		r = look_at_rest(request, verdict);
	return r;
}

int check_rom_judge(const struct check_rom_request *request, struct check_rom *ret_rom)
{
	struct check_rom_request given = *request; /* what a guest has */
	const struct pci_rom_image *bios;
	struct check_rom verdict = { 0 };
	struct pci_rom rom;
	int r = change_as_qemu(request, &rom, &verdict.is_changed);

	if (r < 0)
		return r;
	/* Its images are judged by themselves, and last what stands before them. */
	given.rom = &rom;
	bios = find_bios(&rom, request->device);
	verdict.uefi = check_rom_serves_uefi(&rom);
	verdict.bios = bios && pci_rom_serves_bios(bios);
	verdict.ids = check_rom_compare(request->rom, request->device);
	r = look_at_all(&given, &verdict);
	if (r < 0) {
		check_rom_free(&verdict);
		return r;
	}
	/* Where something stands before it, firmware finds none of its images. */
	verdict.uefi &= request->rom->start == 0;
	verdict.bios &= request->rom->start == 0;
	sort(&verdict);
	*ret_rom = verdict;
	return 0;
}

void check_rom_free(struct check_rom *rom)
{
	if (!rom)
		return;
	for (size_t i = 0; i < rom->n_remarks; i++)
		free(rom->remarks[i].seen);
	free(rom->remarks);
	memset(rom, 0, sizeof(*rom));
}
