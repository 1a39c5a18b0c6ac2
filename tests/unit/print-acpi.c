/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print-acpi FILE: what the parsers see in a DMAR or IVRS, for tests to compare. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "iommu/dmar.h"
#include "iommu/ivrs.h"

static void print_dmar(const struct dmar *dmar)
{
	printf("dmar width=%u flags=%02x\n", dmar->address_width, dmar->flags);
	for (size_t i = 0; i < dmar->count; i++) {
		const struct dmar_structure *one = &dmar->items[i];

		printf("%s flags=%02x segment=%04x base=%" PRIx64 " limit=%" PRIx64
		       " proximity=%u name=%s\n",
		       dmar_type_name(one->type) ? dmar_type_name(one->type) : "?",
		       one->flags, one->segment, one->base, one->limit, one->proximity,
		       one->name);
		for (size_t j = 0; j < one->n_scopes; j++) {
			const struct dmar_scope *scope = &one->scopes[j];

			printf("scope type=%02x id=%02x bus=%02x path=", scope->type,
			       scope->enumeration_id, scope->start_bus);
			for (unsigned int k = 0; k < scope->path_len; k++)
				printf("%s%02x,%02x", k ? "," : "", scope->path[k].device,
				       scope->path[k].function);
			putchar('\n');
		}
	}
}

static void print_ivrs(const struct ivrs *ivrs)
{
	for (size_t i = 0; i < ivrs->n_units; i++) {
		const struct ivrs_unit *unit = &ivrs->units[i];

		printf("IVHD type=%02x flags=%02x device=%04x base=%" PRIx64
		       " segment=%04x\n",
		       unit->type, unit->flags, unit->device_id, unit->base,
		       unit->segment);
		for (size_t j = 0; j < unit->n_entries; j++) {
			const struct ivrs_entry *entry = &unit->entries[j];

			printf("entry type=%02x first=%04x last=%04x alias=%04x"
			       " handle=%02x variety=%02x hid=%s\n",
			       entry->type, entry->first, entry->last, entry->alias,
			       entry->handle, entry->variety, entry->hid);
		}
	}
	for (size_t i = 0; i < ivrs->n_memories; i++)
		printf("IVMD type=%02x flags=%02x first=%04x start=%" PRIx64
		       " length=%" PRIx64 "\n",
		       ivrs->memories[i].type, ivrs->memories[i].flags,
		       ivrs->memories[i].first, ivrs->memories[i].start,
		       ivrs->memories[i].length);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[1 << 20];
	struct error err = ERROR_INIT;
	struct dmar dmar = { 0 };
	struct ivrs ivrs = { 0 };
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	size_t len;
	int r;

	if (!file)
		return 2;
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	r = !memcmp(bytes, "DMAR", 4) ? dmar_parse(bytes, len, &dmar, &err)
				      : ivrs_parse(bytes, len, &ivrs, &err);
	if (r < 0)
		printf("error %s: %s\n", err.subject, err.message);
	print_dmar(&dmar);
	print_ivrs(&ivrs);
	dmar_free(&dmar);
	ivrs_free(&ivrs);
	error_clear(&err);
	return r < 0;
}
