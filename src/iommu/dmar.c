/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/dmar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/acpi.h"

enum {
	DMAR_HEADER_SIZE = 48,
	STRUCTURE_HEADER_SIZE = 4,
	SCOPE_HEADER_SIZE = 6,
	PAGE_BITS = 12
};

/* Where the fixed part of each structure ends, and the scopes begin. */
static const struct {
	uint8_t fixed;
	bool has_scopes;
} shapes[] = {
	[DMAR_DRHD] = { 16, true }, [DMAR_RMRR] = { 24, true },
	[DMAR_ATSR] = { 8, true },  [DMAR_RHSA] = { 20, false },
	[DMAR_ANDD] = { 8, false }, [DMAR_SATC] = { 8, true },
	[DMAR_SIDP] = { 8, true },
};

static int damaged(struct error *err, size_t offset, const char *what)
{
	return acpi_damaged(err, "DMAR", offset, what);
}

/* `at` is only for the message. Returns how long the entry is, or -EINVAL. */
static ssize_t parse_scope(const uint8_t *bytes, size_t len, size_t at,
			   struct dmar_scope *scope, struct error *err)
{
	size_t stated;

	if (len < SCOPE_HEADER_SIZE)
		return damaged(err, at, "a device scope that is cut off");
	stated = bytes[1];
	if (stated < SCOPE_HEADER_SIZE + 2 || stated > len || stated % 2)
		return damaged(err, at, "a device scope of impossible length");
	scope->type = bytes[0];
	scope->flags = bytes[2];
	scope->enumeration_id = bytes[4];
	scope->start_bus = bytes[5];
	scope->path_len = (uint8_t)((stated - SCOPE_HEADER_SIZE) / 2);
	for (unsigned int i = 0; i < scope->path_len; i++) {
		scope->path[i].device = bytes[SCOPE_HEADER_SIZE + 2 * i];
		scope->path[i].function = bytes[SCOPE_HEADER_SIZE + 2 * i + 1];
	}
	return (ssize_t)stated;
}

static int parse_scopes(const uint8_t *bytes, size_t len, size_t at,
			struct dmar_structure *structure, struct error *err)
{
	/* Each takes eight bytes at least. */
	structure->scopes = calloc(len / 8 + 1, sizeof(*structure->scopes));
	if (!structure->scopes)
		return error_oom(err);
	while (len) {
		ssize_t used = parse_scope(bytes, len, at,
					   &structure->scopes[structure->n_scopes], err);

		if (used < 0)
			return (int)used;
		structure->n_scopes++;
		bytes += used;
		len -= (size_t)used;
		at += (size_t)used;
	}
	return 0;
}

static void parse_fixed(const uint8_t *bytes, struct dmar_structure *structure)
{
	switch (structure->type) {
	case DMAR_DRHD:
		structure->flags = bytes[4];
		structure->segment = acpi_word(bytes + 6);
		structure->base = acpi_quad(bytes + 8);
		break;
	case DMAR_RMRR:
		structure->segment = acpi_word(bytes + 6);
		structure->base = acpi_quad(bytes + 8);
		structure->limit = acpi_quad(bytes + 16);
		break;
	case DMAR_ATSR:
	case DMAR_SATC:
		structure->flags = bytes[4];
		structure->segment = acpi_word(bytes + 6);
		break;
	case DMAR_SIDP:
		structure->segment = acpi_word(bytes + 6);
		break;
	case DMAR_RHSA:
		structure->base = acpi_quad(bytes + 8);
		structure->proximity = acpi_long(bytes + 16);
		break;
	case DMAR_ANDD:
		structure->number = bytes[7];
		snprintf(structure->name, sizeof(structure->name), "%s",
			 (const char *)bytes + 8);
		break;
	default:
		break;
	}
}

static int parse_structure(const uint8_t *bytes, size_t len, size_t at,
			   struct dmar_structure *structure, struct error *err)
{
	structure->type = acpi_word(bytes);
	if (structure->type >= ARRAY_SIZE(shapes))
		return 0;
	if (len < shapes[structure->type].fixed)
		return damaged(err, at, "a structure shorter than its kind");
	if (structure->type == DMAR_ANDD && !memchr(bytes + 8, '\0', len - 8))
		return damaged(err, at, "a name without an end");
	parse_fixed(bytes, structure);
	if (!shapes[structure->type].has_scopes)
		return 0;
	return parse_scopes(bytes + shapes[structure->type].fixed,
			    len - shapes[structure->type].fixed,
			    at + shapes[structure->type].fixed, structure, err);
}

/* A damaged one is not kept. */
static int add_structure(struct dmar *dmar, const uint8_t *bytes, size_t len, size_t at,
			 struct error *err)
{
	struct dmar_structure structure = { 0 };
	struct dmar_structure *larger;
	int r = parse_structure(bytes, len, at, &structure, err);

	if (r < 0) {
		free(structure.scopes);
		return r;
	}
	larger = reallocarray(dmar->items, dmar->count + 1, sizeof(*larger));
	if (!larger) {
		free(structure.scopes);
		return error_oom(err);
	}
	dmar->items = larger;
	larger[dmar->count++] = structure;
	return 0;
}

int dmar_parse(const uint8_t *bytes, size_t len, struct dmar *ret_dmar, struct error *err)
{
	_cleanup_(dmar_free) struct dmar dmar = { 0 };
	size_t end, stated = 0;
	int r = acpi_table_check(bytes, len, "DMAR", &end, err);

	if (r < 0)
		return r;
	if (end < DMAR_HEADER_SIZE)
		return damaged(err, 0, "too short for its header");
	/* 8.1: the field is one less than the width. The kernel takes no table with less
	 * than a page (parse_dmar_table() in drivers/iommu/intel/dmar.c). */
	if (bytes[36] + 1 < PAGE_BITS)
		return damaged(err, 36, "an impossible address width");
	dmar.address_width = (uint16_t)(bytes[36] + 1);
	dmar.flags = bytes[37];
	for (size_t at = DMAR_HEADER_SIZE; r == 0 && at < end; at += stated) {
		stated = 0;
		if (end - at < STRUCTURE_HEADER_SIZE) {
			r = damaged(err, at, "a structure that is cut off");
			break;
		}
		stated = acpi_word(bytes + at + 2);
		if (stated < STRUCTURE_HEADER_SIZE || stated > end - at)
			r = damaged(err, at, "a structure of impossible length");
		else
			r = add_structure(&dmar, bytes + at, stated, at, err);
	}
	if (r == -ENOMEM)
		return r;
	dmar.whole = r == 0;
	*ret_dmar = dmar;
	memset(&dmar, 0, sizeof(dmar));
	return r;
}

void dmar_free(struct dmar *dmar)
{
	if (!dmar)
		return;
	for (size_t i = 0; i < dmar->count; i++)
		free(dmar->items[i].scopes);
	free(dmar->items);
	memset(dmar, 0, sizeof(*dmar));
}

const char *dmar_type_name(uint16_t type)
{
	static const char *const names[] = {
		[DMAR_DRHD] = "DRHD", [DMAR_RMRR] = "RMRR", [DMAR_ATSR] = "ATSR",
		[DMAR_RHSA] = "RHSA", [DMAR_ANDD] = "ANDD", [DMAR_SATC] = "SATC",
		[DMAR_SIDP] = "SIDP",
	};

	return type < ARRAY_SIZE(names) ? names[type] : NULL;
}
