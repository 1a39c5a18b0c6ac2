/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_ACPI_H
#define PCIFERRY_IOMMU_ACPI_H

/* What DMAR, IVRS and VFCT have in common. */
#include <stddef.h>
#include <stdint.h>

struct error;

/* The header of a system description table: ACPI 6.5, 5.2.6. */
enum { ACPI_HEADER_SIZE = 36 };

/*
 * Far more than any machine needs, VFCT with the ROMs of several cards included, and
 * little enough to parse one that was made up.
 */
enum { ACPI_TABLE_MAX = 8 << 20 };

/*
 * Checks signature, length and checksum. Sets *ret_len to the table's length, which is at
 * most len. Returns 0 or -EINVAL, with what is wrong.
 */
int acpi_table_check(const uint8_t *bytes, size_t len, const char signature[4],
		     size_t *ret_len, struct error *err);

/* Little-endian numbers; the caller has made sure that the bytes are there. */
uint16_t acpi_word(const uint8_t *bytes);
uint32_t acpi_long(const uint8_t *bytes);
uint64_t acpi_quad(const uint8_t *bytes);

/* -EINVAL, "DMAR: <what> at offset N". */
int acpi_damaged(struct error *err, const char *table, size_t offset, const char *what);

#endif
