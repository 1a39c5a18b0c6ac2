/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_IVRS_H
#define PCIFERRY_IOMMU_IVRS_H

/*
 * The I/O Virtualization Reporting Structure: which AMD-Vi units there are, and which
 * requester IDs each is for. AMD I/O Virtualization Technology (IOMMU) Specification
 * 3.08, publication 48882, chapter 5. A device ID here is bus << 8 | device << 3 |
 * function.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* 5.2.2.2 and following: types of device entries. */
enum ivrs_entry_type {
	IVRS_ALL = 0x01,
	IVRS_SELECT = 0x02,
	IVRS_RANGE = 0x03,
	IVRS_RANGE_END = 0x04,
	IVRS_ALIAS_SELECT = 0x42,
	IVRS_ALIAS_RANGE = 0x43,
	IVRS_EXTENDED_SELECT = 0x46,
	IVRS_EXTENDED_RANGE = 0x47,
	IVRS_SPECIAL = 0x48,  /* an I/O APIC or HPET */
	IVRS_ACPI_HID = 0xf0, /* a device that ACPI names; IVHD type 40h alone */
};

enum ivrs_variety { IVRS_IOAPIC = 1, IVRS_HPET = 2 };

struct ivrs_entry {
	uint8_t type;
	uint8_t settings;
	uint16_t first, last; /* device IDs; a range's end is joined to its start */
	bool unended;	      /* a range without its end, which is for no device */
	uint16_t alias;	      /* whose requester ID is seen; of ALIAS_... */
	uint32_t extended;    /* extended settings; of EXTENDED_... */
	uint8_t handle;	      /* of SPECIAL: the I/O APIC's ID or the HPET's number */
	uint8_t variety;      /* of SPECIAL: enum ivrs_variety */
	char hid[9];	      /* of ACPI_HID: its hardware ID */
	char uid[64];	      /* of ACPI_HID: its unique ID, cut to this; "": none */
};

/* An I/O Virtualization Hardware Definition, 5.2.2. */
struct ivrs_unit {
	uint8_t type; /* 0x10, 0x11 or 0x40 */
	uint8_t flags;
	uint16_t device_id;  /* of the IOMMU itself */
	uint16_t capability; /* offset of its capability */
	uint64_t base;	     /* of its registers */
	uint16_t segment;
	uint16_t info;
	uint32_t attributes;	    /* type 10h: feature reporting; else attributes */
	uint64_t features;	    /* types 11h and 40h: a copy of its Extended Feature
				       Register */
	struct ivrs_entry *entries; /* owned */
	size_t n_entries;
};

/* Flags of an IVMD, 5.2.2.1 of memory definitions. */
enum {
	IVRS_MEMORY_UNITY = 0x01,
	IVRS_MEMORY_READ = 0x02,
	IVRS_MEMORY_WRITE = 0x04,
	IVRS_MEMORY_EXCLUSION = 0x08,
};

/* An I/O Virtualization Memory Definition: memory that devices use unasked. */
struct ivrs_memory {
	uint8_t type; /* 0x20 all devices, 0x21 one, 0x22 a range */
	uint8_t flags;
	uint16_t segment;
	uint16_t first, last; /* device IDs */
	uint64_t start, length;
};

struct ivrs {
	bool whole;    /* parsed to its end: no damage was found */
	uint32_t info; /* IVinfo, 5.2.1 */
	struct ivrs_unit *units;
	size_t n_units;
	struct ivrs_memory *memories;
	size_t n_memories;
};

/* As dmar_parse(). */
int ivrs_parse(const uint8_t *bytes, size_t len, struct ivrs *ret_ivrs,
	       struct error *err);
void ivrs_free(struct ivrs *ivrs); /* takes NULL */

/*
 * The type of unit that the kernel takes where one IOMMU is described by several: the
 * last one of the IOMMU that comes first (get_highest_supported_ivhd_type() in
 * drivers/iommu/amd/init.c). 0: there is none.
 */
uint8_t ivrs_chosen_type(const struct ivrs *ivrs);

/*
 * The unit, among those of the chosen type, that is for a device ID; NULL: none. As the
 * kernel does it (init_iommu_from_acpi() and init_iommu_one()): what is named later
 * counts more, an alias is covered as well, and a unit does not translate itself.
 */
const struct ivrs_unit *ivrs_find_unit(const struct ivrs *ivrs, uint16_t segment,
				       uint16_t device_id);

/* Whether the table says that the device uses another's ID; then *ret_alias is that. */
bool ivrs_find_alias(const struct ivrs_unit *unit, uint16_t device_id,
		     uint16_t *ret_alias);

#endif
