/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_TABLE_H
#define PCIFERRY_TESTS_TABLE_H

/* ACPI tables, made byte by byte. */
#include <stddef.h>
#include <stdint.h>

struct tree;

enum { TABLE_SIZE = 4096 };

struct table {
	uint8_t bytes[TABLE_SIZE];
	size_t len;
	size_t block; /* where the last block begins; 0: there is none */
};

/* The 48 bytes before the first block. For a DMAR: 39 bits, no flags. */
void table_begin(struct table *table, const char *signature);

/* A block of a table begins with two bytes for what it is, and its length, set here. */
void table_block(struct table *table, uint8_t first, uint8_t second);
void table_add(struct table *table, const uint8_t *bytes, size_t len);
#define TABLE_ADD(table, ...)                              \
	table_add(table, (const uint8_t[]){ __VA_ARGS__ }, \
		  sizeof((const uint8_t[]){ __VA_ARGS__ }))
void table_quad(struct table *table, uint64_t value);

/* Sets the length, to that of the bytes, and the checksum. */
void table_seal(struct table *table);

/*
 * One of each structure of a DMAR (VT-d 4.1, 8.3 to 8.9) and one that is not known; one
 * of each block and device entry of an IVRS (AMD 48882, 5.2).
 */
void table_of_each_dmar(struct table *table);
void table_of_each_ivrs(struct table *table);

/* Writes it where the kernel shows it. */
void table_install(const struct table *table, const struct tree *tree);

#endif
