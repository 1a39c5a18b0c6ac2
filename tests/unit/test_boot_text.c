/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing one value in a file, and nothing else of it. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot/text.h"

static struct boot_parameters parameters(const char *add, const char *remove)
{
	struct boot_parameters made = { 0 };

	if (add)
		assert_int_equal(string_list_add(&made.add, add), 0);
	if (remove)
		assert_int_equal(string_list_add(&made.remove, remove), 0);
	return made;
}

static struct boot_text text_of(const char *bytes)
{
	return (struct boot_text){ strdup(bytes), strlen(bytes) };
}

static void words_come_and_go_and_the_rest_stays(void **state)
{
	static const struct {
		const char *before, *add, *remove, *after;
	} cases[] = {
		{ "", "a=b", NULL, "a=b" },
		{ "quiet", "a=b", NULL, "quiet a=b" },
		{ "quiet  ", "a=b", NULL, "quiet a=b  " },
		{ "quiet\n", "a=b", NULL, "quiet a=b\n" },
		{ "a=b quiet", "a=b", NULL, "a=b quiet" },
		{ "a=bc", "a=b", NULL, "a=bc a=b" },
		{ "x a=b  y", NULL, "a=b", "x  y" },
		{ "a=b x", NULL, "a=b", "x" },
		{ "x a=b", NULL, "a=b", "x" },
		{ "a=b", NULL, "a=b", "" },
		{ "a=b a=b x a=b", NULL, "a=b", "x" },
		{ "a=bc", NULL, "a=b", "a=bc" },
		{ "x a=off y", "a=on", "a=off", "x y a=on" },
		{ "\"x y\" a", NULL, "y\"", "\"x y\" a" },
		{ "  x", "a", "x", "a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct boot_parameters want = parameters(cases[i].add, cases[i].remove);
		struct boot_text text = text_of(cases[i].before);

		assert_int_equal(boot_text_edit_words(&text, 0, text.len, &want), 0);
		assert_string_equal(text.bytes, cases[i].after);
		assert_true(boot_text_is_done(&text, 0, text.len, &want));
		/* Once more changes nothing. */
		assert_int_equal(boot_text_edit_words(&text, 0, text.len, &want), 0);
		assert_string_equal(text.bytes, cases[i].after);
		boot_text_free(&text);
		boot_parameters_free(&want);
	}
}

static void a_word_is_written_in_the_place_of_another(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "a=1,2", "a=2" },
		{ "x a=1,2 y", "x a=2 y" },
		{ "  a=1,2\t y ", "  a=2\t y " },
		{ "a=1,2 x a=1,2", "a=2 x a=2" },
		{ "a=1,23", "a=1,23" },
		{ "b a=1,2 c", "a=2 c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct boot_parameters want = parameters(NULL, "a=1,2");
		struct boot_text text = text_of(cases[i].before);

		assert_int_equal(string_list_add(&want.remove, "b"), 0);
		assert_int_equal(string_list_add(&want.instead, "a=2"), 0);
		assert_int_equal(boot_text_edit_words(&text, 0, text.len, &want), 0);
		assert_string_equal(text.bytes, cases[i].after);
		boot_text_free(&text);
		boot_parameters_free(&want);
	}
}

static void items_of_a_list_go_and_the_line_stays(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned int line;
		bool goes_on;
	} cases[] = {
		{ "m ids=1,2,3 x\n", "m ids=1,3 x\n", 1, true },
		{ "m  ids=2 x\n", "m x\n", 1, true },
		{ "m x ids=2", "m x", 1, true },
		{ "m ids=2,2\r\n", "m\r\n", 1, true },
		{ "m \\\nids=1,2\\\n x\n", "m \\\nids=1\\\n x\n", 1, true },
		{ "a\nm more_ids=2 ids=2,1\n", "a\nm more_ids=2 ids=1\n", 2, true },
		{ "a\nm ids=2", NULL, 1, true },
		{ "a \\\nm ids=2", NULL, 1, false },
		{ "a", NULL, 2, true },
		{ "", NULL, 1, true },
		{ "ids", NULL, 1, true },
	};
	struct string_list items = { 0 };

	(void)state;
	assert_int_equal(string_list_add(&items, "2"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct boot_text text = text_of(cases[i].before);

		assert_int_equal(boot_text_drop_items(&text, cases[i].line,
						      cases[i].goes_on, "ids", &items),
				 cases[i].after ? 0 : -ENOENT);
		assert_string_equal(text.bytes,
				    cases[i].after ? cases[i].after : cases[i].before);
		boot_text_free(&text);
	}
	string_list_free(&items);
}

static void a_word_comes_once_though_another_becomes_it(void **state)
{
	struct boot_parameters want = parameters("a=3", "a=1");
	struct boot_text text = text_of("x a=1 y");

	(void)state;
	assert_int_equal(string_list_add(&want.instead, "a=3"), 0);
	assert_int_equal(boot_text_edit_words(&text, 0, text.len, &want), 0);
	assert_string_equal(text.bytes, "x a=3 y");
	boot_text_free(&text);
	boot_parameters_free(&want);
}

static void a_line_goes_with_what_it_goes_on_in(void **state)
{
	struct boot_text text = text_of("a\nb \\\n c\\d\ne \\\\\nf");

	(void)state;
	assert_int_equal(boot_text_drop_line(&text, 2, true), 0);
	assert_string_equal(text.bytes, "a\ne \\\\\nf");
	assert_int_equal(boot_text_drop_line(&text, 2, true), 0);
	assert_string_equal(text.bytes, "a\nf");
	assert_int_equal(boot_text_drop_line(&text, 2, false), 0);
	assert_int_equal(boot_text_drop_line(&text, 2, false), -ENOENT);
	assert_int_equal(boot_text_drop_line(&text, 1, false), 0);
	assert_string_equal(text.bytes, "");
	boot_text_free(&text);
}

static void a_variable_is_changed_in_its_own_way_of_writing(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "V=\"quiet\"\n", "V=\"quiet a=b\"\n" },
		{ "V='quiet'\n", "V='quiet a=b'\n" },
		{ "V=quiet\n", "V=\"quiet a=b\"\n" },
		{ "V=\n", "V=\"a=b\"\n" },
		{ "V=\"\"\n", "V=\"a=b\"\n" },
		{ "V=\"x\" # why\n", "V=\"x a=b\" # why\n" },
		{ "V=\"x \\\n  y\"\nW=z\n", "V=\"x \\\n  y a=b\"\nW=z\n" },
		{ "V=\"x \\\"y\\\"\"\n", "V=\"x \\\"y\\\" a=b\"\n" },
		{ "V=\"x\"\r\nW=y\r\n", "V=\"x a=b\"\r\nW=y\r\n" },
		{ "V=\"x\"", "V=\"x a=b\"" },
		{ "  export V=\"x\"\n", "  export V=\"x a=b\"\n" },
		{ "V=\"x\"\nV+=\" y\"\n", "V=\"x\"\nV+=\" y a=b\"\n" },
		{ "V=\"x\"\nV=\"$V y\"\n", "V=\"x\"\nV=\"$V y a=b\"\n" },
		{ "#V=\"x\"\n", "#V=\"x\"\nV=\"a=b\"\n" },
		{ "VV=x", "VV=x\nV=\"a=b\"\n" },
		{ "x; V=y\n", "x; V=y\nV=\"$V a=b\"\n" },
		{ "VV=x; V+=y", "VV=x; V+=y\nV=\"$V a=b\"\n" },
		{ "# x; V=y\n", "# x; V=y\nV=\"a=b\"\n" },
		{ " . /more\n", " . /more\nV=\"$V a=b\"\n" },
		{ "", "V=\"a=b\"\n" },
		{ "V=a=b\n", "V=a=b\n" },
	};
	struct boot_parameters want = parameters("a=b", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct boot_text text = text_of(cases[i].before);
		const char *why = NULL;

		assert_int_equal(boot_text_edit_variable(&text, "V", 0, &want, &why), 0);
		assert_string_equal(text.bytes, cases[i].after);
		assert_int_equal(text.len, strlen(text.bytes));
		boot_text_free(&text);
	}
	boot_parameters_free(&want);
}

static void a_value_that_only_a_shell_can_tell_is_left_alone(void **state)
{
	static const char *const cases[] = {
		"V=\"$(cat x)\"\n", "V=\"`cat x`\"\n", "V=`cat x`\n",  "V=\"x\n",
		"V='x\n",	    "V=\"x\"y\n",      "V=\"x\"'y'\n", "V=x\\ y\n",
	};
	struct boot_parameters want = parameters("a=b", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct boot_text text = text_of(cases[i]);
		const char *why = NULL;

		assert_int_equal(boot_text_edit_variable(&text, "V", 0, &want, &why),
				 -EINVAL);
		assert_non_null(why);
		assert_string_equal(text.bytes, cases[i]);
		boot_text_free(&text);
	}
	boot_parameters_free(&want);
}

static void a_line_is_changed_behind_its_command(void **state)
{
	static const char before[] =
		"menuentry x {\n\tlinux\t/vmlinuz ro\r\n\tinitrd /i\n}\n"
		"\"standard\"  \"ro quiet\"\nlinux /k \\\n  ro\n";
	static const char after[] =
		"menuentry x {\n\tlinux\t/vmlinuz ro a=b\r\n\tinitrd /i\n"
		"}\n\"standard\"  \"ro quiet a=b\"\nlinux /k \\\n  ro\n";
	struct boot_parameters want = parameters("a=b", NULL);
	struct boot_text text = text_of(before);
	const char *why = NULL;

	(void)state;
	assert_int_equal(boot_text_edit_line(&text, 2, 2, &want, &why), 0);
	assert_int_equal(boot_text_edit_quoted(&text, 5, 1, &want), 0);
	assert_string_equal(text.bytes, after);
	assert_int_equal(boot_text_edit_line(&text, 6, 2, &want, &why), -EINVAL);
	assert_non_null(why);
	assert_int_equal(boot_text_edit_line(&text, 9, 0, &want, &why), -ENOENT);
	assert_int_equal(boot_text_edit_line(&text, 0, 0, &want, &why), -ENOENT);
	assert_int_equal(boot_text_edit_quoted(&text, 5, 2, &want), -ENOENT);
	assert_string_equal(text.bytes, after);
	boot_text_free(&text);
	boot_parameters_free(&want);
}

static void a_line_without_parameters_gets_its_first(void **state)
{
	static const char before[] = "linux /k\noptions\nlinux\nlinux /k \n\n";
	struct boot_parameters want = parameters("a=1", NULL);
	struct boot_parameters none = parameters(NULL, "b");
	struct boot_text text = text_of(before);
	const char *why = NULL;

	(void)state;
	assert_int_equal(boot_text_edit_line(&text, 1, 2, &none, &why), 0);
	assert_string_equal(text.bytes, before);
	assert_int_equal(boot_text_edit_line(&text, 1, 2, &want, &why), 0);
	assert_int_equal(boot_text_edit_line(&text, 2, 1, &want, &why), 0);
	assert_int_equal(boot_text_edit_line(&text, 3, 2, &want, &why), -ENOENT);
	assert_int_equal(boot_text_edit_line(&text, 4, 2, &want, &why), 0);
	assert_int_equal(boot_text_edit_line(&text, 5, 0, &want, &why), 0);
	assert_string_equal(text.bytes,
			    "linux /k a=1\noptions a=1\nlinux\nlinux /k a=1\na=1\n");
	boot_text_free(&text);
	boot_parameters_free(&want);
	boot_parameters_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_and_go_and_the_rest_stays),
		cmocka_unit_test(a_word_is_written_in_the_place_of_another),
		cmocka_unit_test(items_of_a_list_go_and_the_line_stays),
		cmocka_unit_test(a_word_comes_once_though_another_becomes_it),
		cmocka_unit_test(a_line_goes_with_what_it_goes_on_in),
		cmocka_unit_test(a_variable_is_changed_in_its_own_way_of_writing),
		cmocka_unit_test(a_value_that_only_a_shell_can_tell_is_left_alone),
		cmocka_unit_test(a_line_is_changed_behind_its_command),
		cmocka_unit_test(a_line_without_parameters_gets_its_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
