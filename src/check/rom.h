/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_ROM_H
#define PCIFERRY_CHECK_ROM_H

/*
 * What an option ROM is worth to a guest, and what to do about it. The guest's firmware
 * is what QEMU has: SeaBIOS, or edk2 (OVMF) on x86-64.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci/rom.h"

struct pci_device;

/* Where the bytes come from. */
enum check_rom_source {
	CHECK_ROM_UNREAD, /* a recording or a copy: what else is known is told */
	CHECK_ROM_OF_FILE,
	CHECK_ROM_OF_BAR,
	CHECK_ROM_OF_SHADOW, /* the copy that a BIOS left in memory at 0xc0000 */
	CHECK_ROM_OF_VFCT,   /* AMD's table of ACPI */
};

/* How its IDs stand to a device's. */
enum check_rom_ids {
	CHECK_ROM_IDS_UNKNOWN, /* no device to compare with, or it has no PCIR */
	CHECK_ROM_IDS_SAME,
	CHECK_ROM_IDS_LISTED, /* in its list of others: QEMU's BIOS does not look there */
	CHECK_ROM_IDS_OTHER,
};

struct check_rom_remark {
	bool is_fatal;	 /* a guest by BIOS or by UEFI gets nothing because of it */
	char *seen;	 /* one line */
	const char *fix; /* what to do; "": nothing */
};

struct check_rom {
	bool uefi, bios; /* whether that firmware runs an image of it */
	enum check_rom_ids ids;
	bool is_changed; /* QEMU gives the guest another device ID and checksum */
	struct check_rom_remark *remarks;
	size_t n_remarks;
};

struct check_rom_request {
	const struct pci_rom *rom;
	const char *bytes; /* that it was parsed from */
	size_t len;
	const struct pci_device *device; /* that is to have it; NULL: not known */
	enum check_rom_source source;
	uint64_t bar_size; /* of the device; 0: not known, or it has none */
};

enum check_rom_ids check_rom_compare(const struct pci_rom *rom,
				     const struct pci_device *device);

/* Whether UEFI on x86-64 runs an image of it. */
bool check_rom_serves_uefi(const struct pci_rom *rom);

/* Whether an image of it ends beyond the bytes. */
bool check_rom_is_cut(const struct pci_rom *rom);

/* Returns 0 or -ENOMEM. */
int check_rom_judge(const struct check_rom_request *request, struct check_rom *ret_rom);
void check_rom_free(struct check_rom *rom); /* takes NULL */

#endif
