/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware's tables, damaged in every way. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/dmar.h"
#include "iommu/ivrs.h"
#include "table.h"

/* What parses such a table, and how many blocks there are then; -1: nothing is set. */
struct outcome {
	int r;
	int count;
	bool whole;
	char message[ERROR_MESSAGE_SIZE];
};

static struct outcome parse(const struct table *table, size_t len)
{
	_cleanup_(error_clear) struct error err = ERROR_INIT;
	_cleanup_(dmar_free) struct dmar dmar = { .address_width = 1 };
	_cleanup_(ivrs_free) struct ivrs ivrs = { .info = 1 };
	/* Exactly as long as it is, for AddressSanitizer. */
	_cleanup_free_ uint8_t *bytes = malloc(len ? len : 1);
	struct outcome outcome;

	assert_non_null(bytes);
	memcpy(bytes, table->bytes, len);
	if (table->bytes[0] == 'D') {
		outcome.r = dmar_parse(bytes, len, &dmar, &err);
		outcome.count = dmar.address_width == 1 ? -1 : (int)dmar.count;
		outcome.whole = dmar.whole;
	} else {
		outcome.r = ivrs_parse(bytes, len, &ivrs, &err);
		outcome.count =
			ivrs.info == 1 ? -1 : (int)(ivrs.n_units + ivrs.n_memories);
		outcome.whole = ivrs.whole;
	}
	assert_int_equal(error_is_set(&err), outcome.r < 0);
	snprintf(outcome.message, sizeof(outcome.message), "%s: %s", err.subject,
		 err.message);
	return outcome;
}

static void assert_refused(const struct table *table, size_t len, const char *message)
{
	struct outcome outcome = parse(table, len);

	assert_int_equal(outcome.r, -EINVAL);
	assert_int_equal(outcome.count, -1);
	assert_string_equal(outcome.message, message);
}

static void a_damaged_header_gives_nothing(void **state)
{
	struct table table, good;

	(void)state;
	table_of_each_dmar(&good);
	assert_refused(&good, 35, "DMAR: too short for its header at offset 0");
	assert_refused(&good, good.len - 1,
		       "DMAR: a length that is not the table's at offset 4");
	table = good;
	table.bytes[4] = 35, table.bytes[5] = 0;
	assert_refused(&table, table.len,
		       "DMAR: a length that is not the table's at offset 4");
	table = good;
	table.bytes[200] ^= 1;
	assert_refused(&table, table.len, "DMAR: a wrong checksum at offset 9");
	table = good;
	table.bytes[3] = 'X';
	table_seal(&table);
	assert_refused(&table, table.len, "DMAR: another signature at offset 0");
	table = good;
	table.bytes[36] = 10;
	table_seal(&table);
	assert_refused(&table, table.len,
		       "DMAR: an impossible address width at offset 36");
	table = good;
	table.len = 47;
	table_seal(&table);
	assert_refused(&table, table.len, "DMAR: too short for its header at offset 0");
	table_of_each_ivrs(&table);
	table.len = 47;
	table_seal(&table);
	assert_refused(&table, table.len, "IVRS: too short for its header at offset 0");
}

static void bytes_behind_the_table_do_not_count(void **state)
{
	struct table table;
	struct outcome outcome;

	(void)state;
	table_of_each_dmar(&table);
	table.bytes[table.len] = 0xff;
	outcome = parse(&table, table.len + 1);
	assert_int_equal(outcome.r, 0);
	assert_int_equal(outcome.count, 9);
}

/* How many blocks end at or before len. */
static int blocks_within(const struct table *table, size_t len)
{
	int count = 0;

	for (size_t at = 48; at < table->len;) {
		at += table->bytes[at + 2] | (size_t)table->bytes[at + 3] << 8;
		count += at <= len;
	}
	return count;
}

static void assert_survives_cutting(const struct table *whole)
{
	size_t ends_well = 0;

	for (size_t len = 48; len <= whole->len; len++) {
		struct table table = *whole;
		struct outcome outcome;

		table.len = len;
		table_seal(&table);
		outcome = parse(&table, len);
		assert_int_equal(outcome.count, blocks_within(whole, len));
		assert_int_equal(outcome.whole, outcome.r == 0);
		ends_well += outcome.r == 0;
		if (outcome.r < 0)
			assert_non_null(strstr(outcome.message, " at offset "));
	}
	/* Only between two blocks. */
	assert_int_equal(ends_well, blocks_within(whole, whole->len) + 1);
}

static void what_came_before_the_cut_stays_usable(void **state)
{
	struct table table;

	(void)state;
	table_of_each_dmar(&table);
	assert_survives_cutting(&table);
	table_of_each_ivrs(&table);
	assert_survives_cutting(&table);
}

static void no_single_wrong_byte_goes_unnoticed_or_crashes(void **state)
{
	struct table dmar, ivrs;

	(void)state;
	table_of_each_dmar(&dmar);
	table_of_each_ivrs(&ivrs);
	for (size_t i = 0; i < 2 * TABLE_SIZE; i++) {
		struct table table = i % 2 ? dmar : ivrs;

		if (i / 2 >= table.len)
			continue;
		table.bytes[i / 2] ^= 0xff;
		assert_int_equal(parse(&table, table.len).r, -EINVAL);
		/* Well summed, it may mean something else; it is read or refused. */
		table_seal(&table);
		parse(&table, table.len);
	}
}

struct damage {
	size_t offset; /* from the block, the first one of the table */
	uint8_t byte;
	const char *message;
};

static void assert_damages(const struct table *good, const struct damage *damages,
			   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct table table = *good;
		struct outcome outcome;

		table.bytes[48 + damages[i].offset] = damages[i].byte;
		table_seal(&table);
		outcome = parse(&table, table.len);
		assert_string_equal(outcome.message, damages[i].message);
		assert_int_equal(outcome.r, -EINVAL);
		assert_int_equal(outcome.count, 0);
		assert_false(outcome.whole);
	}
}

static void each_damage_of_a_dmar_is_named_with_its_place(void **state)
{
	static const struct damage damages[] = {
		{ 2, 0, "DMAR: a structure of impossible length at offset 48" },
		{ 2, 3, "DMAR: a structure of impossible length at offset 48" },
		{ 3, 9, "DMAR: a structure of impossible length at offset 48" },
		{ 2, 15, "DMAR: a structure shorter than its kind at offset 48" },
		{ 17, 0, "DMAR: a device scope of impossible length at offset 64" },
		{ 17, 6, "DMAR: a device scope of impossible length at offset 64" },
		{ 17, 9, "DMAR: a device scope of impossible length at offset 64" },
		{ 25, 200, "DMAR: a device scope of impossible length at offset 72" },
		{ 2, 16 + 5, "DMAR: a device scope that is cut off at offset 64" },
	};
	static const uint8_t shortest[] = { 16, 24, 8, 20, 9, 8, 8 };
	struct table table;

	(void)state;
	table_of_each_dmar(&table);
	assert_damages(&table, damages, ARRAY_SIZE(damages));
	for (uint8_t type = 0; type < ARRAY_SIZE(shortest); type++) {
		table_begin(&table, "DMAR");
		table_block(&table, type, 0);
		for (uint8_t len = 4; len < shortest[type]; len++) {
			table_seal(&table);
			assert_int_equal(parse(&table, table.len).r, -EINVAL);
			TABLE_ADD(&table, 0);
		}
		table_seal(&table);
		assert_int_equal(parse(&table, table.len).r, 0);
	}
}

static void a_name_without_an_end_is_damage(void **state)
{
	struct table table;

	(void)state;
	table_begin(&table, "DMAR");
	table_block(&table, DMAR_ANDD, 0);
	TABLE_ADD(&table, 0, 0, 0, 1, '\\', '_', 'S', 'B');
	table_seal(&table);
	assert_string_equal(parse(&table, table.len).message,
			    "DMAR: a name without an end at offset 48");
}

static void each_damage_of_an_ivrs_is_named_with_its_place(void **state)
{
	static const struct damage damages[] = {
		{ 2, 0, "IVRS: a block of impossible length at offset 48" },
		{ 2, 3, "IVRS: a block of impossible length at offset 48" },
		{ 3, 9, "IVRS: a block of impossible length at offset 48" },
		{ 2, 23, "IVRS: a unit shorter than its kind at offset 48" },
		{ 24, 0x80, "IVRS: a device entry of impossible length at offset 72" },
		{ 24, 0xf0, "IVRS: a device entry of impossible length at offset 72" },
		{ 24, 0x42, "IVRS: a device entry of impossible length at offset 72" },
		{ 24, 4, "IVRS: the end of a range that does not begin at offset 72" },
		{ 0, 0x40, "IVRS: a unit shorter than its kind at offset 48" },
		{ 0, 0x21,
		  "IVRS: a memory definition shorter than its kind at offset 48" },
	};
	struct table table;

	(void)state;
	table_of_each_ivrs(&table);
	assert_damages(&table, damages, ARRAY_SIZE(damages));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_header_gives_nothing),
		cmocka_unit_test(bytes_behind_the_table_do_not_count),
		cmocka_unit_test(what_came_before_the_cut_stays_usable),
		cmocka_unit_test(no_single_wrong_byte_goes_unnoticed_or_crashes),
		cmocka_unit_test(each_damage_of_a_dmar_is_named_with_its_place),
		cmocka_unit_test(a_name_without_an_end_is_damage),
		cmocka_unit_test(each_damage_of_an_ivrs_is_named_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
