/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_DMAR_H
#define PCIFERRY_IOMMU_DMAR_H

/*
 * The DMA Remapping Reporting table: which VT-d units there are, and which devices each
 * is for. Intel Virtualization Technology for Directed I/O 4.1, chapter 8.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* 8.1: flags of the table. */
enum {
	DMAR_INTR_REMAP = 0x01,
	DMAR_X2APIC_OPT_OUT = 0x02,
	DMAR_PLATFORM_OPT_IN = 0x04, /* DMA_CTRL_PLATFORM_OPT_IN_FLAG */
};

/* 8.2: types of structures. */
enum dmar_type {
	DMAR_DRHD = 0, /* 8.3: a remapping unit */
	DMAR_RMRR = 1, /* 8.4: memory that devices use behind the kernel's back */
	DMAR_ATSR = 2, /* 8.5: root ports that support ATS */
	DMAR_RHSA = 3, /* 8.6: the NUMA node of a unit */
	DMAR_ANDD = 4, /* 8.7: name of a device that only ACPI knows */
	DMAR_SATC = 5, /* 8.8: integrated devices with translation caches */
	DMAR_SIDP = 6, /* 8.9: properties of integrated devices */
};

/* 8.3.1: types of device scope entries. */
enum dmar_scope_type {
	DMAR_SCOPE_ENDPOINT = 1,
	DMAR_SCOPE_BRIDGE = 2, /* it and all behind it */
	DMAR_SCOPE_IOAPIC = 3,
	DMAR_SCOPE_HPET = 4,
	DMAR_SCOPE_NAMESPACE = 5, /* enumeration_id is an ANDD's number */
};

/* Flags of structures. */
enum {
	DMAR_INCLUDE_ALL = 0x01,  /* DRHD, 8.3: all functions not named elsewhere */
	DMAR_ALL_PORTS = 0x01,	  /* ATSR, 8.5: all root ports of the segment */
	DMAR_ATC_REQUIRED = 0x01, /* SATC, 8.8 */
};

/* An entry's length is a byte; 6 of it are the rest. */
enum { DMAR_PATH_MAX = (255 - 6) / 2 };

struct dmar_scope {
	uint8_t type;
	uint8_t flags; /* only in SATC and SIDP */
	uint8_t enumeration_id;
	uint8_t start_bus;
	uint8_t path_len; /* device and function of each step, from start_bus down */
	struct {
		uint8_t device, function;
	} path[DMAR_PATH_MAX];
};

struct dmar_structure {
	uint16_t type;		   /* enum dmar_type, or one that is not known here */
	uint8_t flags;		   /* of DRHD, ATSR, SATC */
	uint16_t segment;	   /* not RHSA, ANDD */
	uint64_t base;		   /* DRHD, RHSA: of its registers; RMRR: first byte */
	uint64_t limit;		   /* RMRR: last byte */
	uint32_t proximity;	   /* RHSA: proximity domain of ACPI's SRAT */
	uint8_t number;		   /* ANDD */
	char name[64];		   /* ANDD: a path of the ACPI namespace, cut to this */
	struct dmar_scope *scopes; /* owned by the table */
	size_t n_scopes;
};

struct dmar {
	bool whole;		/* parsed to its end: no damage was found */
	uint16_t address_width; /* of the host, in bits: up to 256 */
	uint8_t flags;
	struct dmar_structure *items; /* in the table's order */
	size_t count;
};

/*
 * Parses a table. When a structure is damaged, what came before it is kept: *ret_dmar is
 * set, and -EINVAL returned with the place. The header damaged: nothing is set. Returns
 * 0, -EINVAL or -ENOMEM.
 */
int dmar_parse(const uint8_t *bytes, size_t len, struct dmar *ret_dmar,
	       struct error *err);
void dmar_free(struct dmar *dmar); /* takes NULL */

/* "DRHD" and so on; NULL: not known. */
const char *dmar_type_name(uint16_t type);

#endif
