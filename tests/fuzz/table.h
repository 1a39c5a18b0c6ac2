/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_FUZZ_TABLE_H
#define PCIFERRY_TESTS_FUZZ_TABLE_H

/* Tables of ACPI, written and repaired. */
#include <stddef.h>
#include <stdint.h>

struct table {
	uint8_t *bytes;
	size_t len, room;
};

/*
 * A copy in which signature, length and checksum are right: else nothing that a fuzzer
 * changes gets past them. The caller frees it; NULL: too short, or no memory.
 */
uint8_t *table_repaired(const uint8_t *bytes, size_t len, const char *signature);

/* A table with its header alone; as long as one of `like` bytes or a little more. */
int table_begin(struct table *table, const char *signature, size_t like);
void table_put(struct table *table, uint64_t value, size_t size);
void table_put_at(struct table *table, size_t at, uint64_t value, size_t size);
void table_put_bytes(struct table *table, const void *bytes, size_t len);
void table_end(struct table *table);

#endif
