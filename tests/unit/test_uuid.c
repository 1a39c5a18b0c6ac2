/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UUIDs, as a person types them and as the kernel writes them. */
#include "tree.h"

#include <string.h>

#include "base/uuid.h"

#define UUID "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"

static void one_is_found_again_however_it_is_typed(void **state)
{
	char uuid[UUID_SIZE];

	(void)state;
	assert_int_equal(uuid_parse(UUID, strlen(UUID), uuid), 0);
	assert_string_equal(uuid, UUID);
	assert_int_equal(uuid_parse("83B8F4F2-509F-382F-3C1E-E6BFE0FA1001", strlen(UUID),
				    uuid),
			 0);
	assert_string_equal(uuid, UUID);
}

static void what_the_kernel_would_not_take_is_told_before(void **state)
{
	static const char *const bad[] = {
		"",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa100",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa10011",
		"83b8f4f2509f382f3c1ee6bfe0fa1001",
		"83b8f4f2-509f-382f-3c1e_e6bfe0fa1001",
		"g3b8f4f2-509f-382f-3c1e-e6bfe0fa1001",
		"../8f4f2-509f-382f-3c1e-e6bfe0fa1001",
	};
	char uuid[UUID_SIZE] = "as it was";

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(uuid_parse(bad[i], strlen(bad[i]), uuid) < 0);
	assert_string_equal(uuid, "as it was");
}

static void two_new_ones_are_never_the_same(void **state)
{
	char one[UUID_SIZE], two[UUID_SIZE], parsed[UUID_SIZE];

	(void)state;
	assert_int_equal(uuid_make(one), 0);
	assert_int_equal(uuid_make(two), 0);
	assert_string_not_equal(one, two);
	assert_int_equal(uuid_parse(one, strlen(one), parsed), 0);
	assert_string_equal(one, parsed);
	assert_int_equal(one[14], '4');
	assert_non_null(strchr("89ab", one[19]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_found_again_however_it_is_typed),
		cmocka_unit_test(what_the_kernel_would_not_take_is_told_before),
		cmocka_unit_test(two_new_ones_are_never_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
