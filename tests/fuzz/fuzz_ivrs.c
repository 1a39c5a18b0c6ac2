/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "iommu/ivrs.h"
#include "table.h"

static void check_entry(const struct ivrs_entry *entry)
{
	/* The end of a range is joined to its start. */
	must(entry->type && entry->type != IVRS_RANGE_END);
	must(entry->first <= entry->last);
	must(!entry->unended || entry->first == entry->last);
	must(memchr(entry->hid, '\0', sizeof(entry->hid)));
	must(memchr(entry->uid, '\0', sizeof(entry->uid)));
}

/* What the table is asked for one device. */
static void check_found(const struct ivrs *ivrs, uint16_t segment, uint16_t device)
{
	const struct ivrs_unit *unit = ivrs_find_unit(ivrs, segment, device);
	uint16_t alias = device;

	if (!unit)
		return;
	must(unit >= ivrs->units && unit < ivrs->units + ivrs->n_units);
	must(unit->type == ivrs_chosen_type(ivrs) && unit->segment == segment);
	must(unit->device_id != device);
	must(ivrs_find_alias(unit, device, &alias) == (alias != device));
}

static void check_lookups(const struct ivrs *ivrs)
{
	must((ivrs_chosen_type(ivrs) == 0) == (ivrs->n_units == 0));
	check_found(ivrs, 0, 0xffff);
	for (size_t i = 0; i < ivrs->n_units; i++) {
		const struct ivrs_unit *unit = &ivrs->units[i];

		must(unit->type == 0x10 || unit->type == 0x11 || unit->type == 0x40);
		check_found(ivrs, unit->segment, unit->device_id);
		for (size_t j = 0; j < unit->n_entries && j < 8; j++) {
			check_found(ivrs, unit->segment, unit->entries[j].first);
			check_found(ivrs, unit->segment, unit->entries[j].last);
			check_found(ivrs, unit->segment, unit->entries[j].alias);
		}
	}
}

static void write_hid(struct table *table, const struct ivrs_entry *entry)
{
	size_t len = strlen(entry->uid);

	table_put_bytes(table, entry->hid, 8);
	table_put(table, 0, 8);
	table_put(table, 2, 1);
	table_put(table, len, 1);
	table_put_bytes(table, entry->uid, len);
}

static void write_entry(struct table *table, const struct ivrs_entry *entry)
{
	size_t start = table->len;

	table_put(table, entry->type, 1);
	table_put(table, entry->first, 2);
	table_put(table, entry->settings, 1);
	if (entry->type == IVRS_ACPI_HID) {
		write_hid(table, entry);
		return;
	}
	for (size_t len = 4; len < (size_t)4 << (entry->type >> 6); len += 4)
		table_put(table, 0, 4);
	if (entry->type == IVRS_ALIAS_SELECT || entry->type == IVRS_ALIAS_RANGE)
		table_put_at(table, start + 5, entry->alias, 2);
	if (entry->type == IVRS_EXTENDED_SELECT || entry->type == IVRS_EXTENDED_RANGE)
		table_put_at(table, start + 4, entry->extended, 4);
	if (entry->type == IVRS_SPECIAL) {
		table_put_at(table, start + 4, entry->handle, 1);
		table_put_at(table, start + 5, entry->first, 2);
		table_put_at(table, start + 7, entry->variety, 1);
	}
	if (!entry->unended &&
	    (entry->type == IVRS_RANGE || entry->type == IVRS_ALIAS_RANGE ||
	     entry->type == IVRS_EXTENDED_RANGE)) {
		table_put(table, IVRS_RANGE_END, 1);
		table_put(table, entry->last, 2);
		table_put(table, 0, 1);
	}
}

/* Returns how long it is. */
static size_t write_unit(struct table *table, const struct ivrs_unit *unit)
{
	size_t start = table->len;

	table_put(table, unit->type, 1);
	table_put(table, unit->flags, 1);
	table_put(table, 0, 2);
	table_put(table, unit->device_id, 2);
	table_put(table, unit->capability, 2);
	table_put(table, unit->base, 8);
	table_put(table, unit->segment, 2);
	table_put(table, unit->info, 2);
	table_put(table, unit->attributes, 4);
	if (unit->type != 0x10) {
		table_put(table, unit->features, 8);
		table_put(table, 0, 8);
	}
	for (size_t i = 0; i < unit->n_entries; i++)
		write_entry(table, &unit->entries[i]);
	table_put_at(table, start + 2, table->len - start, 2);
	return table->len - start;
}

static void write_memory(struct table *table, const struct ivrs_memory *memory)
{
	table_put(table, memory->type, 1);
	table_put(table, memory->flags, 1);
	table_put(table, 32, 2);
	table_put(table, memory->first, 2);
	table_put(table, memory->last, 2);
	table_put(table, memory->segment, 2);
	table_put(table, 0, 6);
	table_put(table, memory->start, 8);
	table_put(table, memory->length, 8);
}

#define SAME(member) (a->member == b->member)

static bool same_entry(const struct ivrs_entry *a, const struct ivrs_entry *b)
{
	return SAME(type) && SAME(settings) && SAME(first) && SAME(last) &&
	       SAME(unended) && SAME(alias) && SAME(extended) && SAME(handle) &&
	       SAME(variety) && !strcmp(a->hid, b->hid) && !strcmp(a->uid, b->uid);
}

static bool same_unit(const struct ivrs_unit *a, const struct ivrs_unit *b)
{
	bool same = SAME(type) && SAME(flags) && SAME(device_id) && SAME(capability) &&
		    SAME(base) && SAME(segment) && SAME(info) && SAME(attributes) &&
		    SAME(features) && SAME(n_entries);

	for (size_t i = 0; same && i < a->n_entries; i++)
		same = same_entry(&a->entries[i], &b->entries[i]);
	return same;
}

static bool same_memory(const struct ivrs_memory *a, const struct ivrs_memory *b)
{
	return SAME(type) && SAME(flags) && SAME(segment) && SAME(first) && SAME(last) &&
	       SAME(start) && SAME(length);
}

/* Written to a table again; false: that would be longer than one can be. */
static bool write_all(struct table *table, const struct ivrs *ivrs)
{
	bool fits = true;

	table_put(table, ivrs->info, 4);
	table_put(table, 0, 8);
	for (size_t i = 0; i < ivrs->n_units; i++)
		/* The number of a UID takes more room as text. */
		fits = write_unit(table, &ivrs->units[i]) <= 0xffff && fits;
	for (size_t i = 0; i < ivrs->n_memories; i++)
		write_memory(table, &ivrs->memories[i]);
	table_end(table);
	return fits;
}

/* A table made of what was understood says the same. */
static void check_written(const struct ivrs *ivrs, size_t len)
{
	struct table table;
	struct ivrs again;

	if (table_begin(&table, "IVRS", len) < 0)
		return;
	if (write_all(&table, ivrs)) {
		must(ivrs_parse(table.bytes, table.len, &again, NULL) == 0);
		must(again.whole && again.info == ivrs->info);
		must(again.n_units == ivrs->n_units);
		must(again.n_memories == ivrs->n_memories);
		for (size_t i = 0; i < ivrs->n_units; i++)
			must(same_unit(&ivrs->units[i], &again.units[i]));
		for (size_t i = 0; i < ivrs->n_memories; i++)
			must(same_memory(&ivrs->memories[i], &again.memories[i]));
		ivrs_free(&again);
	}
	free(table.bytes);
}

static void look(const uint8_t *bytes, size_t len)
{
	struct error err = ERROR_INIT;
	struct ivrs ivrs = { 0 };
	int r = ivrs_parse(bytes, len, &ivrs, &err);

	must(r == 0 || r == -EINVAL || r == -ENOMEM);
	must((r == 0) == ivrs.whole);
	must(error_is_set(&err) == (r < 0));
	for (size_t i = 0; i < ivrs.n_units; i++)
		for (size_t j = 0; j < ivrs.units[i].n_entries; j++)
			check_entry(&ivrs.units[i].entries[j]);
	check_lookups(&ivrs);
	check_written(&ivrs, len);
	ivrs_free(&ivrs);
	error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *repaired;

	look(data, size);
	repaired = table_repaired(data, size, "IVRS");
	if (repaired)
		look(repaired, size);
	free(repaired);
	return 0;
}
