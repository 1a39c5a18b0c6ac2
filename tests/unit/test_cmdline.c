/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <string.h>

#include "bootcfg/cmdline.h"

static struct bootcfg_cmdline parse(const char *text)
{
	struct bootcfg_cmdline cmdline;

	assert_int_equal(bootcfg_cmdline_parse(text, strlen(text), &cmdline), 0);
	return cmdline;
}

static void words_are_parted_as_the_kernel_parts_them(void **state)
{
	static const struct {
		const char *text, *name, *value;
	} cases[] = {
		{ "quiet\n", "quiet", NULL },
		{ "a=b", "a", "b" },
		{ "a=", "a", "" },
		{ "a=b=c", "a", "b=c" },
		{ "\"a=b c\"", "a", "b c" },
		{ "a=\"b c\"", "a", "b c" },
		{ "a=\"b c", "a", "b c" },
		{ "  \t a=1", "a", "1" },
		{ "dyndbg=\"file x.c +p\"", "dyndbg", "file x.c +p" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bootcfg_cmdline cmdline = parse(cases[i].text);

		assert_int_equal(cmdline.count, 1);
		assert_string_equal(cmdline.items[0].name, cases[i].name);
		if (cases[i].value)
			assert_string_equal(cmdline.items[0].value, cases[i].value);
		else
			assert_null(cmdline.items[0].value);
		bootcfg_cmdline_free(&cmdline);
	}
}

static void the_last_of_a_name_counts_and_init_has_its_own(void **state)
{
	struct bootcfg_cmdline cmdline =
		parse("vfio-pci.ids=1:2 iommu=off x vfio_pci.ids=3:4 -- iommu=on");

	(void)state;
	assert_int_equal(cmdline.count, 4);
	assert_string_equal(bootcfg_find_parameter(&cmdline, "vfio-pci.ids")->value,
			    "3:4");
	assert_string_equal(bootcfg_find_parameter(&cmdline, "iommu")->value, "off");
	assert_null(bootcfg_find_parameter(&cmdline, "iomm"));
	assert_null(bootcfg_find_parameter(&cmdline, "iommus"));
	bootcfg_cmdline_free(&cmdline);
}

static void a_word_of_a_list_is_a_whole_word(void **state)
{
	(void)state;
	assert_true(bootcfg_value_has("on", "on"));
	assert_true(bootcfg_value_has("strict,on", "on"));
	assert_false(bootcfg_value_has("sm_on", "on"));
	assert_false(bootcfg_value_has("only", "on"));
	assert_false(bootcfg_value_has(NULL, "on"));
	assert_false(bootcfg_value_has("", "on"));
}

static void nothing_at_all_is_no_parameter(void **state)
{
	struct bootcfg_cmdline cmdline = parse(" \n");

	(void)state;
	assert_int_equal(cmdline.count, 0);
	bootcfg_cmdline_free(&cmdline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_parted_as_the_kernel_parts_them),
		cmocka_unit_test(the_last_of_a_name_counts_and_init_has_its_own),
		cmocka_unit_test(a_word_of_a_list_is_a_whole_word),
		cmocka_unit_test(nothing_at_all_is_no_parameter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
