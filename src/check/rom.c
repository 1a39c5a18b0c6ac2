/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/rom.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/device.h"

static const char other_file[] =
	"take another copy: the maker's file, or one that is read from the card, of a"
	" display while another is the first in the firmware's set-up";

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
			verdict, true, other_file,
			"it is cut off: image %zu is %zu bytes, of which %zu are there",
			rom->count, last->size, request->len - last->start);
	if (r == 0 && last->has_pcir && !last->size)
		r = remark(
			verdict, true, other_file,
			"image %zu does not tell its size: the kernel gives nothing of it",
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
static int explain_uefi(const struct pci_rom_image *image, struct check_rom *verdict)
{
	const struct pci_rom_efi *efi = &image->efi;

	/* That has been said of the ROM. */
	if (image->is_cut || !image->size)
		return 0;
	if (image->is_past_uefi)
		return remark(verdict, true, other_file,
			      "UEFI does not come to its image for UEFI: the PCIR of one"
			      " before it is at no multiple of 4, or none");
	if (!efi->is_there)
		return remark(verdict, true, other_file,
			      "its image for UEFI has no header of UEFI's (0x0ef1)");
	if (efi->machine != PCI_ROM_X86_64 && efi->machine != PCI_ROM_BYTE_CODE)
		return remark(verdict, true, other_file,
			      "its image for UEFI is for other processors (machine %04x),"
			      " not for x86-64",
			      efi->machine);
	if (efi->subsystem != PCI_ROM_BOOT_DRIVER &&
	    efi->subsystem != PCI_ROM_RUNTIME_DRIVER)
		return remark(verdict, true, other_file,
			      "its image for UEFI is no driver (subsystem %u)",
			      efi->subsystem);
	if (efi->compression > 1)
		return remark(
			verdict, true, other_file,
			"its image for UEFI is compressed in a way that UEFI does not"
			" know (%u)",
			efi->compression);
	return remark(verdict, true, other_file, "its image for UEFI is damaged: %s",
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
		"a newer ROM of the maker's with an image for UEFI (GOP), given by"
		" pciferry vm create --rom DEVICE=/FILE; or --bios, a guest by BIOS",
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
			verdict, true, other_file,
			"it has no PCIR: no ROM of a PCI device's, and firmware passes"
			" it over");
	if (request->rom->images[0].is_npds)
		r = remark(
			verdict, true, other_file,
			"NVIDIA's NPDS stands in place of its PCIR: firmware passes it over");
	if (r == 0 && bios && bios->sum == PCI_ROM_SUM_CUT && !bios->is_cut)
		r = remark(
			verdict, !verdict->uefi, other_file,
			"its image for a BIOS is by its header longer than what is there");
	if (r == 0 && bios && bios->sum == PCI_ROM_SUM_WRONG)
		r = remark(
			verdict, !verdict->uefi, other_file,
			"the checksum of its image for a BIOS is wrong: a guest by BIOS"
			" passes it over");
	if (r == 0 && uefi && !verdict->uefi)
		r = explain_uefi(uefi, verdict);
	/* What is missing has been told. */
	if (r == 0 && verdict->bios && !uefi && !request->rom->is_unfinished &&
	    !request->rom->is_full)
		r = explain_bios_only(request, verdict);
	return r;
}

/* Whoever gets nothing is told of it, whatever the ROM may be like. */
static int look_at_rest(struct check_rom *verdict)
{
	if (verdict->uefi || verdict->bios)
		return 0;
	for (size_t i = 0; i < verdict->n_remarks; i++)
		if (verdict->remarks[i].is_fatal)
			return 0;
	return remark(verdict, true, other_file, "no image of it is for a PC's firmware");
}

static int look_at_ids(const struct check_rom_request *request, struct check_rom *verdict)
{
	const struct pci_rom_image *image = &request->rom->images[0];

	if (verdict->ids == CHECK_ROM_IDS_LISTED && !verdict->uefi)
		return remark(
			verdict, true, other_file,
			"the device is only in its list of others, where QEMU's BIOS does"
			" not look");
	if (verdict->ids != CHECK_ROM_IDS_OTHER)
		return 0;
	return remark(
		verdict, !verdict->uefi,
		"give it only where it is known to serve this device; AMD's driver for"
		" UEFI belongs to the card's audio function, whatever its IDs",
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

int check_rom_judge(const struct check_rom_request *request, struct check_rom *ret_rom)
{
	const struct pci_rom_image *bios = find_bios(request->rom, request->device);
	/* Its images are judged by themselves, and last what stands before them. */
	struct check_rom verdict = {
		.uefi = check_rom_serves_uefi(request->rom),
		.bios = bios && pci_rom_serves_bios(bios),
		.ids = check_rom_compare(request->rom, request->device),
	};
	int r = look_at_bytes(request, &verdict);

	if (r == 0 && request->is_shadow)
		r = remark(
			&verdict, false,
			"for the card's own: let another card be the first in the host"
			" firmware's set-up, or move it to another slot, or turn CSM off;"
			" then read it again",
			"this is not the card's ROM but the copy that the host's BIOS left"
			" at 0xc0000: it may be changed, and has only the image for a BIOS");
	if (r == 0)
		r = look_at_images(request, &verdict);
	if (r == 0)
		r = look_at_ids(request, &verdict);
	if (r == 0)
		r = look_at_rest(&verdict);
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
