/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "iommu/dmar.h"
#include "table.h"

static void check_structure(const struct dmar_structure *one)
{
	const char *name = dmar_type_name(one->type);

	must((name != NULL) == (one->type <= DMAR_SIDP));
	must(memchr(one->name, '\0', sizeof(one->name)));
	for (size_t i = 0; i < one->n_scopes; i++)
		must(one->scopes[i].path_len >= 1 &&
		     one->scopes[i].path_len <= DMAR_PATH_MAX);
}

static void write_scope(struct table *table, const struct dmar_scope *scope)
{
	table_put(table, scope->type, 1);
	table_put(table, 6u + 2u * scope->path_len, 1);
	table_put(table, scope->flags, 1);
	table_put(table, 0, 1);
	table_put(table, scope->enumeration_id, 1);
	table_put(table, scope->start_bus, 1);
	for (unsigned int i = 0; i < scope->path_len; i++) {
		table_put(table, scope->path[i].device, 1);
		table_put(table, scope->path[i].function, 1);
	}
}

static void write_structure(struct table *table, const struct dmar_structure *one)
{
	size_t start = table->len;

	table_put(table, one->type, 2);
	table_put(table, 0, 2);
	if (one->type <= DMAR_SIDP) {
		table_put(table, one->flags, 1);
		table_put(table, 0, 1);
		table_put(table, one->segment, 2);
	}
	if (one->type == DMAR_DRHD || one->type == DMAR_RMRR || one->type == DMAR_RHSA)
		table_put(table, one->base, 8);
	if (one->type == DMAR_RMRR)
		table_put(table, one->limit, 8);
	if (one->type == DMAR_RHSA)
		table_put(table, one->proximity, 4);
	if (one->type == DMAR_ANDD) {
		table->bytes[start + 7] = one->number;
		table_put_bytes(table, one->name, strlen(one->name) + 1);
	}
	for (size_t i = 0; i < one->n_scopes; i++)
		write_scope(table, &one->scopes[i]);
	table_put_at(table, start + 2, table->len - start, 2);
}

#define SAME(member) (a->member == b->member)

static bool same_scope(const struct dmar_scope *a, const struct dmar_scope *b)
{
	return SAME(type) && SAME(flags) && SAME(enumeration_id) && SAME(start_bus) &&
	       SAME(path_len) &&
	       !memcmp(a->path, b->path, a->path_len * sizeof(a->path[0]));
}

static bool same_structure(const struct dmar_structure *a, const struct dmar_structure *b)
{
	bool same = SAME(type) && SAME(flags) && SAME(segment) && SAME(base) &&
		    SAME(limit) && SAME(proximity) && SAME(number) &&
		    !strcmp(a->name, b->name) && SAME(n_scopes);

	for (size_t i = 0; same && i < a->n_scopes; i++)
		same = same_scope(&a->scopes[i], &b->scopes[i]);
	return same;
}

/* A table made of what was understood says the same. */
static void check_written(const struct dmar *dmar, size_t len)
{
	struct table table;
	struct dmar again;

	if (table_begin(&table, "DMAR", len) < 0)
		return;
	table_put(&table, dmar->address_width - 1u, 1);
	table_put(&table, dmar->flags, 1);
	table_put(&table, 0, 8);
	table_put(&table, 0, 2);
	for (size_t i = 0; i < dmar->count; i++)
		write_structure(&table, &dmar->items[i]);
	table_end(&table);
	must(dmar_parse(table.bytes, table.len, &again, NULL) == 0);
	must(again.whole && again.address_width == dmar->address_width);
	must(again.flags == dmar->flags && again.count == dmar->count);
	for (size_t i = 0; i < dmar->count; i++)
		must(same_structure(&dmar->items[i], &again.items[i]));
	dmar_free(&again);
	free(table.bytes);
}

static void look(const uint8_t *bytes, size_t len)
{
	struct error err = ERROR_INIT;
	struct dmar dmar = { 0 };
	int r = dmar_parse(bytes, len, &dmar, &err);

	must(r == 0 || r == -EINVAL || r == -ENOMEM);
	must((r == 0) == dmar.whole);
	must(error_is_set(&err) == (r < 0));
	must(!dmar.count || dmar.address_width);
	for (size_t i = 0; i < dmar.count; i++)
		check_structure(&dmar.items[i]);
	/* Damaged in its header, nothing of it is kept. */
	if (dmar.address_width)
		check_written(&dmar, len);
	dmar_free(&dmar);
	error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *repaired;

	look(data, size);
	repaired = table_repaired(data, size, "DMAR");
	if (repaired)
		look(repaired, size);
	free(repaired);
	return 0;
}
