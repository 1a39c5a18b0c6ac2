/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of virtual functions in a user's words. What is refused is in tests/golden. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bind/function_settings.h"

static void add(struct bind_function_settings *settings, const char *text)
{
	assert_int_equal(bind_function_settings_add(settings, text, NULL), 0);
}

static void assert_written(const struct bind_function_settings *settings,
			   unsigned int count, const char *words)
{
	char *written = bind_function_settings_write(settings, count);

	assert_non_null(written);
	assert_string_equal(written, words);
	free(written);
}

static void all_is_each_of_them_and_more(void **state)
{
	struct bind_function_settings settings = { 0 }, spread;

	(void)state;
	add(&settings, "vf2.mac=52:54:00:00:00:02");
	add(&settings, "vf*.trust=off");
	add(&settings, "vf0.vlan=7:1");
	add(&settings, "vf*.spoofchk=on");
	assert_int_equal(bind_function_settings_spread(&settings, 3, &spread, NULL), 0);
	assert_written(&spread, 3,
		       "vf0.vlan=7:1 vf0.trust=off vf0.spoofchk=on vf1.trust=off"
		       " vf1.spoofchk=on vf2.mac=52:54:00:00:00:02 vf2.trust=off"
		       " vf2.spoofchk=on");
	assert_written(&spread, 1, "vf0.vlan=7:1 vf0.trust=off vf0.spoofchk=on");
	bind_function_settings_free(&spread);
	assert_int_equal(bind_function_settings_spread(&settings, 2, &spread, NULL),
			 -EINVAL);
	bind_function_settings_free(&settings);
}

static void what_is_new_takes_the_place_of_what_was(void **state)
{
	struct bind_function_settings old = { 0 }, new = { 0 };

	(void)state;
	assert_int_equal(
		bind_function_settings_add_words(&old,
						 "reset_method=flr vf1.vlan=5:2"
						 " vf1.trust=on vfio=1 vf3.spoofchk=off",
						 NULL),
		0);
	add(&new, "vf1.vlan=6");
	add(&new, "vf0.trust=on");
	assert_int_equal(bind_function_settings_merge(&old, &new), 0);
	assert_written(&old, 4, "vf0.trust=on vf1.vlan=6 vf1.trust=on vf3.spoofchk=off");
	bind_function_settings_free(&old);
	bind_function_settings_free(&new);
}

static void what_is_for_the_device_is_not_taken_for_a_functions(void **state)
{
	static const char *const others[] = { "reset_method=flr", "vfio.x=1",
					      "vf.mac=1",	  "vf1=2",
					      "vf1x.mac=2",	  "" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(bind_is_function_setting(others[i]));
	assert_true(bind_is_function_setting("vf1.anything=2"));
	assert_true(bind_is_function_setting("vf*.trust=on"));
}

static void the_same_set_twice_is_seen(void **state)
{
	struct bind_function_settings settings = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	add(&settings, "vf1.trust=on");
	add(&settings, "vf0.trust=on");
	assert_int_equal(bind_function_settings_add(&settings, "vf*.trust=on", &err),
			 -EINVAL);
	assert_int_equal(err.kind, ERROR_USAGE);
	assert_string_equal(err.subject, "vf*.trust=on");
	error_clear(&err);
	add(&settings, "vf*.vlan=0");
	assert_int_equal(bind_function_settings_add(&settings, "vf5.vlan=1", NULL),
			 -EINVAL);
	bind_function_settings_free(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_each_of_them_and_more),
		cmocka_unit_test(what_is_new_takes_the_place_of_what_was),
		cmocka_unit_test(what_is_for_the_device_is_not_taken_for_a_functions),
		cmocka_unit_test(the_same_set_twice_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
