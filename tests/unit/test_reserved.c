/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that a group cannot use. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "view.h"

static void reserved_regions_are_read_or_refused_whole(void **state)
{
	static const char good[] = "0x00000000da000000 0x00000000da0fffff direct\n"
				   "0x00000000fee00000 0x00000000feefffff msi\n"
				   "0x000000fd00000000 0xffffffffffffffff reserved";
	static const char *const bad[] = {
		"\n",
		"0x1 0x2\n",
		"0x1 0x2 \n",
		"0x2 0x1 msi\n",
		"0x1 msi\n",
		"1 2 msi\n",
		"0 0 a\n0 0 a\n0 0 a\n0 0 a\n0 0 a\n0 0 a\n0 0 a\n0 0 a\n0 0 a\n",
		"0x1 0x11111111111111111 msi\n",
		"0x1 -0x1 msi\n",
		"0x1 0x2 a-word-that-no-kernel-says\n",
		"0x1 0x2 msi\ngarbage",
	};
	struct iommu_reserved *regions = NULL;
	size_t count = 7;

	(void)state;
	assert_int_equal(iommu_reserved_parse(good, strlen(good), &regions, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(regions[0].start, 0xda000000);
	assert_int_equal(regions[0].end, 0xda0fffff);
	assert_string_equal(regions[0].type, "direct");
	assert_string_equal(regions[1].type, "msi");
	assert_int_equal(regions[2].end, UINT64_MAX);
	assert_string_equal(regions[2].type, "reserved");
	free(regions);
	regions = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (iommu_reserved_parse(bad[i], strlen(bad[i]), &regions, &count) !=
		    -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_null(regions);
	assert_int_equal(count, 3);
	/* A kernel that reserves nothing. */
	assert_int_equal(iommu_reserved_parse("", 0, &regions, &count), 0);
	assert_int_equal(count, 0);
	free(regions);
}

static void a_groups_reserved_regions_are_found(void **state)
{
	const struct tree *tree = *state;
	struct iommu_reserved *regions = NULL;
	struct view view;
	size_t count = 0;

	tree_file(tree, "sys/kernel/iommu_groups/4/reserved_regions",
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	tree_file(tree, "sys/kernel/iommu_groups/5/reserved_regions", "?\n");
	view_open(&view, tree);
	assert_int_equal(iommu_reserved_read(view.host, 4, &regions, &count), FACT_KNOWN);
	assert_int_equal(count, 1);
	free(regions);
	assert_int_equal(iommu_reserved_read(view.host, 5, &regions, &count),
			 FACT_UNREADABLE);
	assert_int_equal(iommu_reserved_read(view.host, 6, &regions, &count),
			 FACT_ABSENT);
	view_close(&view);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_regions_are_read_or_refused_whole),
		TEST(a_groups_reserved_regions_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
