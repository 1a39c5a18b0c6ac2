/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings as a shell reads them. What each case expects was asked of a shell. */
#include "tree.h"

#include <string.h>

#include "bootcfg/shell.h"

static struct bootcfg_shell parse(const char *text)
{
	struct bootcfg_shell shell = { 0 };

	assert_int_equal(bootcfg_shell_parse(text, strlen(text), "file", &shell), 0);
	return shell;
}

static void a_value_is_what_a_shell_makes_of_it(void **state)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{ "A=b", "b" },
		{ "A=", "" },
		{ "A=\"b c\"", "b c" },
		{ "A='b c'", "b c" },
		{ "A='b $c \\'", "b $c \\" },
		{ "A=b\\ c", "b c" },
		{ "A=\"b \\\"c\\\" \\d\"", "b \"c\" \\d" },
		{ "A=\"b\\\nc\"", "bc" },
		{ "A=\"b\nc\"", "b\nc" },
		{ "A=b'c'\"d\"", "bcd" },
		{ "A=b # c", "b" },
		{ "A=b#c", "b#c" },
		{ "  export A=b", "b" },
		{ "A=b;A=c", "c" },
		{ "A=b\nA+=c", "bc" },
		{ "A=b\nA=\"$A c\"", "b c" },
		{ "A=b\nA=\"${A} c\"", "b c" },
		{ "A=\"$B c\"", " c" },
		{ "A=b\r\n", "b" },
		{ "A=(b c)", "b c" },
		{ "A=( b\n # x\n  'c d' )", "b c d" },
		{ "A=()", "" },
		{ "echo A=c\nA=b", "b" },
		{ "A=b\n#A=c", "b" },
		{ "A=a$", "a$" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bootcfg_shell shell = parse(cases[i].text);
		const struct bootcfg_variable *variable =
			bootcfg_variable_find(&shell.variables, "A");

		assert_non_null(variable);
		assert_string_equal(variable->value, cases[i].value);
		assert_false(variable->uncertain);
		bootcfg_shell_free(&shell);
	}
}

static void what_only_running_would_tell_is_uncertain(void **state)
{
	static const char *const cases[] = {
		"A=$(cat file)",
		"A=\"b $(cat \"file)\" c\"",
		"A=`cat file`",
		"A=${B:-c}",
		"A=$1",
		"B=$(c)\nA=$B",
		"if [ -f x ]; then\n\tA=b\nfi",
		"[ -f x ] && A=b",
		"for a in b c; do A=$a; done",
		"case $x in\nb) A=b ;;\nesac",
		"A=b\n. /etc/other",
		"f() {\n\tA=b\n}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bootcfg_shell shell = parse(cases[i]);
		const struct bootcfg_variable *variable =
			bootcfg_variable_find(&shell.variables, "A");

		assert_non_null(variable);
		assert_true(variable->uncertain);
		bootcfg_shell_free(&shell);
	}
}

static void what_stands_behind_a_condition_is_certain_again(void **state)
{
	struct bootcfg_shell shell = parse("if true; then B=c; fi\n"
					   "case x in y) B=c;; esac\n"
					   "[ x ] && B=d\nA=b\n");

	(void)state;
	assert_false(bootcfg_variable_find(&shell.variables, "A")->uncertain);
	assert_true(bootcfg_variable_find(&shell.variables, "B")->uncertain);
	assert_false(shell.uncertain);
	bootcfg_shell_free(&shell);
}

static void a_variable_knows_its_place(void **state)
{
	struct bootcfg_shell shell = parse("# first\n\nA=\"b \\\nc\"\nB=d\n");

	(void)state;
	assert_int_equal(bootcfg_variable_find(&shell.variables, "A")->line, 3);
	assert_int_equal(bootcfg_variable_find(&shell.variables, "B")->line, 5);
	assert_int_equal(bootcfg_shell_parse("A+=e", 4, "drop-in", &shell), 0);
	assert_string_equal(bootcfg_shell_value(&shell, "A"), "b ce");
	assert_string_equal(bootcfg_variable_find(&shell.variables, "A")->file,
			    "drop-in");
	assert_string_equal(bootcfg_shell_value(&shell, "C"), "");
	bootcfg_shell_free(&shell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_what_a_shell_makes_of_it),
		cmocka_unit_test(what_only_running_would_tell_is_uncertain),
		cmocka_unit_test(what_stands_behind_a_condition_is_certain_again),
		cmocka_unit_test(a_variable_knows_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
