/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/ivrs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/acpi.h"

enum {
	IVRS_HEADER_SIZE = 48,
	BLOCK_HEADER_SIZE = 24,	     /* of an IVHD of type 10h */
	BLOCK_LONG_HEADER_SIZE = 40, /* of types 11h and 40h */
	MEMORY_SIZE = 32,
	HID_ENTRY_SIZE = 22, /* and as many bytes as its UID has */
};

static int damaged(struct error *err, size_t offset, const char *what)
{
	return acpi_damaged(err, "IVRS", offset, what);
}

/* Types below 0x80 have their length in the two highest bits (5.2.2.2). */
static size_t entry_length(const uint8_t *bytes, size_t len)
{
	if (bytes[0] < 0x80)
		return (size_t)4 << (bytes[0] >> 6);
	if (bytes[0] == IVRS_ACPI_HID && len >= HID_ENTRY_SIZE)
		return (size_t)HID_ENTRY_SIZE + bytes[21];
	return 0;
}

/* 5.2.2.7: byte 20 tells how the UID is written, byte 21 how long it is. */
static void parse_uid(const uint8_t *bytes, struct ivrs_entry *entry)
{
	enum { UID_INTEGER = 1, UID_TEXT = 2, INTEGER_SIZE = 8 };
	uint8_t format = bytes[20], size = bytes[21];

	if (format == UID_INTEGER && size == INTEGER_SIZE)
		snprintf(entry->uid, sizeof(entry->uid), "%" PRIu64,
			 acpi_quad(bytes + HID_ENTRY_SIZE));
	else if (format == UID_TEXT)
		snprintf(entry->uid, sizeof(entry->uid), "%.*s", (int)size,
			 (const char *)bytes + HID_ENTRY_SIZE);
}

/*
 * Returns whether it is for devices. Padding and what is not known are for none, as to
 * the kernel (init_iommu_from_acpi() in drivers/iommu/amd/init.c).
 */
static bool parse_entry(const uint8_t *bytes, struct ivrs_entry *entry)
{
	entry->type = bytes[0];
	entry->settings = bytes[3];
	entry->first = entry->last = acpi_word(bytes + 1);
	switch (entry->type) {
	case IVRS_ALL:
		entry->first = 0;
		entry->last = 0xffff;
		break;
	case IVRS_ALIAS_SELECT:
	case IVRS_ALIAS_RANGE:
		entry->alias = acpi_word(bytes + 5);
		break;
	case IVRS_EXTENDED_SELECT:
	case IVRS_EXTENDED_RANGE:
		entry->extended = acpi_long(bytes + 4);
		break;
	case IVRS_SPECIAL:
		entry->handle = bytes[4];
		entry->first = entry->last = acpi_word(bytes + 5);
		entry->variety = bytes[7];
		break;
	case IVRS_ACPI_HID:
		snprintf(entry->hid, sizeof(entry->hid), "%.8s", (const char *)bytes + 4);
		parse_uid(bytes, entry);
		break;
	case IVRS_SELECT:
	case IVRS_RANGE:
	case IVRS_RANGE_END:
		break;
	default:
		return false;
	}
	return true;
}

static bool opens_range(uint8_t type)
{
	return type == IVRS_RANGE || type == IVRS_ALIAS_RANGE ||
	       type == IVRS_EXTENDED_RANGE;
}

/*
 * A range is two entries; others may stand between them. *range is the index of the one
 * that was begun last, -1 before there is one.
 */
static int keep_entry(struct ivrs_unit *unit, const struct ivrs_entry *entry,
		      ssize_t *range, size_t at, struct error *err)
{
	if (entry->type != IVRS_RANGE_END) {
		unit->entries[unit->n_entries] = *entry;
		if (opens_range(entry->type)) {
			unit->entries[unit->n_entries].unended = true;
			*range = (ssize_t)unit->n_entries;
		}
		unit->n_entries++;
		return 0;
	}
	if (*range < 0 || entry->first < unit->entries[*range].first)
		return damaged(err, at, "the end of a range that does not begin");
	unit->entries[*range].last = entry->first;
	unit->entries[*range].unended = false;
	*range = -1;
	return 0;
}

static int parse_entries(const uint8_t *bytes, size_t len, size_t at,
			 struct ivrs_unit *unit, struct error *err)
{
	ssize_t range = -1;
	int r = 0;

	unit->entries = calloc(len / 4 + 1, sizeof(*unit->entries));
	if (!unit->entries)
		return error_oom(err);
	while (r == 0 && len) {
		struct ivrs_entry entry = { 0 };
		size_t stated;

		/* Zeros pad the block to its length. */
		if (!bytes[0] && len < 4)
			break;
		stated = entry_length(bytes, len);
		if (!stated || stated > len)
			return damaged(err, at, "a device entry of impossible length");
		if (parse_entry(bytes, &entry))
			r = keep_entry(unit, &entry, &range, at, err);
		bytes += stated;
		len -= stated;
		at += stated;
	}
	return r;
}

static int add_unit(struct ivrs *ivrs, const uint8_t *bytes, size_t len, size_t at,
		    struct error *err)
{
	size_t header = bytes[0] == 0x10 ? BLOCK_HEADER_SIZE : BLOCK_LONG_HEADER_SIZE;
	struct ivrs_unit unit = { .type = bytes[0], .flags = bytes[1] };
	struct ivrs_unit *larger;
	int r;

	if (len < header)
		return damaged(err, at, "a unit shorter than its kind");
	unit.device_id = acpi_word(bytes + 4);
	unit.capability = acpi_word(bytes + 6);
	unit.base = acpi_quad(bytes + 8);
	unit.segment = acpi_word(bytes + 16);
	unit.info = acpi_word(bytes + 18);
	unit.attributes = acpi_long(bytes + 20);
	if (header == BLOCK_LONG_HEADER_SIZE)
		unit.features = acpi_quad(bytes + 24);
	r = parse_entries(bytes + header, len - header, at + header, &unit, err);
	larger = r == 0 ? reallocarray(ivrs->units, ivrs->n_units + 1, sizeof(*larger))
			: NULL;
	if (!larger) {
		free(unit.entries);
		return r < 0 ? r : error_oom(err);
	}
	ivrs->units = larger;
	larger[ivrs->n_units++] = unit;
	return 0;
}

static int add_memory(struct ivrs *ivrs, const uint8_t *bytes, size_t len, size_t at,
		      struct error *err)
{
	struct ivrs_memory *larger;

	if (len < MEMORY_SIZE)
		return damaged(err, at, "a memory definition shorter than its kind");
	larger = reallocarray(ivrs->memories, ivrs->n_memories + 1, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	ivrs->memories = larger;
	larger[ivrs->n_memories] = (struct ivrs_memory){
		.type = bytes[0],
		.flags = bytes[1],
		.segment = acpi_word(bytes + 8),
		.first = acpi_word(bytes + 4),
		.last = acpi_word(bytes + (bytes[0] == 0x22 ? 6 : 4)),
		.start = acpi_quad(bytes + 16),
		.length = acpi_quad(bytes + 24),
	};
	if (bytes[0] == 0x20) {
		larger[ivrs->n_memories].first = 0;
		larger[ivrs->n_memories].last = 0xffff;
	}
	ivrs->n_memories++;
	return 0;
}

static int add_block(struct ivrs *ivrs, const uint8_t *bytes, size_t len, size_t at,
		     struct error *err)
{
	switch (bytes[0]) {
	case 0x10:
	case 0x11:
	case 0x40:
		return add_unit(ivrs, bytes, len, at, err);
	case 0x20:
	case 0x21:
	case 0x22:
		return add_memory(ivrs, bytes, len, at, err);
	default:
		return 0;
	}
}

int ivrs_parse(const uint8_t *bytes, size_t len, struct ivrs *ret_ivrs, struct error *err)
{
	_cleanup_(ivrs_free) struct ivrs ivrs = { 0 };
	size_t end, stated = 0;
	int r = acpi_table_check(bytes, len, "IVRS", &end, err);

	if (r < 0)
		return r;
	if (end < IVRS_HEADER_SIZE)
		return damaged(err, 0, "too short for its header");
	ivrs.info = acpi_long(bytes + 36);
	for (size_t at = IVRS_HEADER_SIZE; r == 0 && at < end; at += stated) {
		stated = end - at >= 4 ? acpi_word(bytes + at + 2) : 0;
		if (stated < 4 || stated > end - at)
			r = damaged(err, at, "a block of impossible length");
		else
			r = add_block(&ivrs, bytes + at, stated, at, err);
	}
	if (r == -ENOMEM)
		return r;
	ivrs.whole = r == 0;
	*ret_ivrs = ivrs;
	memset(&ivrs, 0, sizeof(ivrs));
	return r;
}

void ivrs_free(struct ivrs *ivrs)
{
	if (!ivrs)
		return;
	for (size_t i = 0; i < ivrs->n_units; i++)
		free(ivrs->units[i].entries);
	free(ivrs->units);
	free(ivrs->memories);
	memset(ivrs, 0, sizeof(*ivrs));
}

uint8_t ivrs_chosen_type(const struct ivrs *ivrs)
{
	uint8_t chosen = 0;

	for (size_t i = 0; i < ivrs->n_units; i++)
		if (ivrs->units[i].device_id == ivrs->units[0].device_id)
			chosen = ivrs->units[i].type;
	return chosen;
}

static bool covers(const struct ivrs_entry *entry, uint16_t device_id)
{
	return !entry->unended && device_id >= entry->first && device_id <= entry->last;
}

static bool has_alias(const struct ivrs_entry *entry)
{
	return !entry->unended &&
	       (entry->type == IVRS_ALIAS_SELECT || entry->type == IVRS_ALIAS_RANGE);
}

static bool unit_covers(const struct ivrs_unit *unit, uint16_t device_id)
{
	for (size_t i = 0; i < unit->n_entries; i++) {
		const struct ivrs_entry *entry = &unit->entries[i];

		if (covers(entry, device_id) ||
		    (has_alias(entry) && entry->alias == device_id))
			return true;
	}
	return false;
}

const struct ivrs_unit *ivrs_find_unit(const struct ivrs *ivrs, uint16_t segment,
				       uint16_t device_id)
{
	uint8_t chosen = ivrs_chosen_type(ivrs);
	const struct ivrs_unit *found = NULL;

	for (size_t i = 0; i < ivrs->n_units; i++) {
		const struct ivrs_unit *unit = &ivrs->units[i];

		if (unit->type != chosen || unit->segment != segment)
			continue;
		if (unit->device_id == device_id)
			found = NULL;
		else if (unit_covers(unit, device_id))
			found = unit;
	}
	return found;
}

bool ivrs_find_alias(const struct ivrs_unit *unit, uint16_t device_id,
		     uint16_t *ret_alias)
{
	for (size_t i = unit->n_entries; i-- > 0;) {
		const struct ivrs_entry *entry = &unit->entries[i];

		if (!has_alias(entry) || !covers(entry, device_id))
			continue;
		if (entry->alias == device_id)
			return false;
		*ret_alias = entry->alias;
		return true;
	}
	return false;
}
