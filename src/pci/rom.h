/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_ROM_H
#define PCIFERRY_PCI_ROM_H

/*
 * An option ROM: one image for each kind of firmware, one behind the other (PCI Firmware
 * 3.2, 5.1). Offsets and sizes are in bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct string_list;

/* The code type of an image, as it stands in its PCIR; others are vendors' own. */
enum pci_rom_code {
	PCI_ROM_BIOS = 0, /* code for a PC's BIOS */
	PCI_ROM_OPEN_FIRMWARE = 1,
	PCI_ROM_HP_PA = 2,
	PCI_ROM_UEFI = 3,
};

/* Of all bytes of an image for a BIOS, which add up to 0. */
enum pci_rom_sum {
	PCI_ROM_SUM_NONE, /* an image of another kind */
	PCI_ROM_SUM_RIGHT,
	PCI_ROM_SUM_WRONG,
	PCI_ROM_SUM_CUT, /* not all of the bytes are there */
};

/* Subsystems and machines of an image for UEFI (PE and COFF specification, 3.3, 3.4). */
enum { PCI_ROM_BOOT_DRIVER = 11, PCI_ROM_RUNTIME_DRIVER = 12 };
enum { PCI_ROM_X86_64 = 0x8664, PCI_ROM_BYTE_CODE = 0x0ebc };

/* UEFI 2.10, 14.4.2.1, EFI_PCI_EXPANSION_ROM_HEADER. */
struct pci_rom_efi {
	bool is_there; /* its signature is */
	bool fits;     /* the program lies within the image */
	uint16_t subsystem, machine;
	uint16_t compression; /* 0: none, 1: UEFI's own; others are not known */
};

enum { PCI_ROM_DEVICES_MAX = 32, PCI_ROM_IMAGES_MAX = 16 };

struct pci_rom_image {
	size_t start; /* in the bytes that were parsed */
	size_t size;  /* as it says itself; 0: it does not say */
	bool is_cut;  /* it ends beyond the bytes */

	/*
	 * Without one nothing below is known but the checksum, and no firmware takes it
	 * for a PCI device's.
	 */
	bool has_pcir;
	bool is_npds;	 /* "NPDS" or "RGIS" in place of "PCIR", as NVIDIA has it */
	bool is_aligned; /* UEFI takes only a PCIR at a multiple of 4 */
	uint8_t pcir_revision;
	uint16_t vendor_id, device_id;
	uint16_t devices[PCI_ROM_DEVICES_MAX]; /* others that it is for; revision 3 */
	size_t n_devices;
	uint32_t class_code;
	uint16_t revision; /* of its code: the vendor's own number */
	uint8_t code;	   /* enum pci_rom_code, or a vendor's */
	uint8_t indicator; /* bit 7: the last image */

	/* NVIDIA's extension of the PCIR, which tells size and end once more. */
	bool has_npde, npde_is_last;
	size_t npde_size;

	bool is_beyond; /* firmware does not see it: its PCIR ends before */
	/* Another before it is such that this firmware does not come so far. */
	bool is_past_uefi, is_past_bios;
	enum pci_rom_sum sum;
	struct pci_rom_efi efi; /* of an image for UEFI */
};

struct pci_rom {
	size_t start; /* of the first image; what is before it is a vendor's own */
	size_t size;  /* from there to where the last of them ends, as far as it is there
		       */
	struct pci_rom_image images[PCI_ROM_IMAGES_MAX];
	size_t count;	    /* at least 1 */
	bool is_unfinished; /* the last one says that another follows; there is none */
	bool is_full;	    /* more follow, which are not looked at */
};

/*
 * Finds the first image, at the beginning or, where it has a PCIR, behind what a vendor's
 * tool has put before it, and those that follow. Returns 0, or -EINVAL: there is none.
 */
int pci_rom_parse(const void *bytes, size_t len, struct pci_rom *ret_rom);

/* Whether the bytes are all 0xff, or all 0: what is read where nothing answers. */
bool pci_rom_is_blank(const void *bytes, size_t len);

/* Whether UEFI on x86-64 runs a driver of it. */
bool pci_rom_serves_uefi(const struct pci_rom_image *image);

/* Whether a PC's BIOS runs it, for a device with its IDs. */
bool pci_rom_serves_bios(const struct pci_rom_image *image);

/* Whether it is for this device; *ret_listed: by its list of others. */
bool pci_rom_is_for(const struct pci_rom_image *image, uint16_t vendor_id,
		    uint16_t device_id, bool *ret_listed);

/*
 * Texts in an image by which a person knows it: names, versions, "GOP". Some at most,
 * each once, in their order; ASCII alone. The bytes are those that were parsed. 0 or
 * -ENOMEM.
 */
int pci_rom_texts(const void *bytes, size_t len, const struct pci_rom_image *image,
		  struct string_list *ret_texts);

#endif
