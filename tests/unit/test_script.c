/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt waits for in a hook's script. */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/script.h"

/* What is found, as "LINE KIND COMMAND", with commas between. */
static char *read_script(const char *text)
{
	static const char *const kinds[] = { "background", "libvirt", "waits" };
	struct check_script_notes notes = { 0 };
	char *found = calloc(1, 1024), *copy = malloc(strlen(text));

	/* Nothing behind the last byte is read. */
	memcpy(copy, text, strlen(text));
	assert_int_equal(check_script_read(copy, strlen(text), &notes), 0);
	for (size_t i = 0; i < notes.count; i++)
		snprintf(found + strlen(found), 1024 - strlen(found), "%s%u %s %s",
			 i ? ", " : "", notes.items[i].line, kinds[notes.items[i].kind],
			 notes.items[i].command);
	check_script_free(&notes);
	free(copy);
	return found;
}

struct example {
	const char *text, *expected;
};

static void assert_all(const struct example *examples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *found = read_script(examples[i].text);

		if (strcmp(found, examples[i].expected) != 0)
			fail_msg("%s: found %s instead of %s", examples[i].text, found,
				 examples[i].expected);
		free(found);
	}
}

static void a_child_that_keeps_an_output_is_found(void **state)
{
	static const struct example examples[] = {
		{ "a &", "1 background a" },
		{ "\n\n/usr/bin/a -x >/dev/null &\n", "3 background a" },
		{ "a 2>/dev/null &", "1 background a" },
		{ "a 2>&1 >log &", "1 background a" },
		{ "a >&2 &", "1 background a" },
		{ "a >/dev/stdout 2>log &", "1 background a" },
		{ "nohup a &", "1 background nohup" },
		{ "(a >log 2>&1) &", "1 background (...)" },
		{ "{ a; } >log &", "1 background (...)" },
		{ "a >log 2>&1 && b >log 2>&1 &", "1 background b" },
		{ "a | b >log 2>&1 &", "1 background b" },
		{ "while a; do\n b\ndone &", "1 background (...)" },
		{ "if a; then b & fi", "1 background b" },
		{ "f() { a & }", "1 background a" },
		{ "case $1 in\na | b) c & ;;\n(d) e >l 2>&1 & ;;\nesac",
		  "2 background c" },
		{ "a > >(tee log) 2>&1 &", "1 background a" },
		{ "x=1 y=(1 2) a &", "1 background a" },
		{ "a \\\n -b &", "1 background a" },
	};

	(void)state;
	assert_all(examples, sizeof(examples) / sizeof(examples[0]));
}

static void one_that_lets_go_of_both_is_none(void **state)
{
	static const struct example examples[] = {
		{ "a >/dev/null 2>&1 &", "" },
		{ "a &>log &", "" },
		{ "a &>>log &", "" },
		{ "a >&log &", "" },
		{ "a >>log 2>&- &", "" },
		{ "nohup a </dev/null >log 2>&1 &", "" },
		{ "(sleep 5; virsh start b) >/dev/null 2>&1 &", "" },
		{ "{ a & b & } >log 2>&1", "" },
		{ "a 2>&1 | b >log 2>&1 &", "" },
		{ "a |& b >log 2>&1 &", "" },
		{ "exec >log 2>&1\na &\n(b) &", "" },
		{ "(exec >log 2>&1; a; b) &", "" },
		{ "x=$(a & b)", "" },
	};

	(void)state;
	assert_all(examples, sizeof(examples) / sizeof(examples[0]));
}

static void a_call_of_libvirt_is_found_wherever_it_stands(void **state)
{
	static const struct example examples[] = {
		{ "virsh list", "1 libvirt virsh" },
		{ "if /usr/bin/virsh -q list | grep a; then b; fi", "1 libvirt virsh" },
		{ "x=$(virsh list)", "1 libvirt virsh" },
		{ "echo \"it's\n$(timeout 5 virsh list)\"", "2 libvirt virsh" },
		{ "while read a; do b; done < <(virsh list)", "1 libvirt virsh" },
		{ "sudo virsh list &", "1 libvirt virsh, 1 background virsh" },
		{ "[ -e a ] && virsh list || sleep 3", "1 libvirt virsh, 1 waits sleep" },
		{ "sleep 1", "1 waits sleep" },
	};

	(void)state;
	assert_all(examples, sizeof(examples) / sizeof(examples[0]));
}

/* A call has its own outputs, and can be in the background. */
static void what_a_function_does_holds_as_it_is_called(void **state)
{
	static const struct example examples[] = {
		{ "f() { a & }\nf >log 2>&1", "" },
		{ "f() { a & }\nf >log 2>&1 &", "" },
		{ "f()\n{\n a &\n}\n(f) >log 2>&1 &", "" },
		{ "f() { a & }\n{ b; f; } &>log &", "" },
		{ "function f { a & }\nf &>log", "" },
		{ "function f() { a & }\nf &>log", "" },
		{ "f() (a &)\nexec >log 2>&1\nf", "" },
		{ "f() { virsh b; sleep 1; }\nf >log 2>&1 &", "" },
		{ "f() { a & }\ng() { f; }\ng >log 2>&1", "" },
		{ "g() { f; }\nf() { a & f; }\ng >log 2>&1 &", "" },
		{ "f() { a & }\nx=$(f)", "" },
		/* One call is enough, and so is a way to it that is not seen. */
		{ "f() { a & }\nf >log 2>&1\nf", "1 background a" },
		{ "f() { a & }\nf >log", "1 background a" },
		{ "f() { a & }\nf >log &", "1 background a, 2 background f" },
		{ "f() { a & }\n{ f; } >log &", "1 background a, 2 background (...)" },
		{ "f() { a & }\nf 2>&1 | b", "1 background a" },
		{ "f() { a & }\ntrap f EXIT", "1 background a" },
		{ "f() { a & f; }", "1 background a" },
		{ "f() { virsh b; }\nf >log 2>&1", "1 libvirt virsh" },
		{ "f() { virsh b; }\nf >log 2>&1 &\nif f; then c; fi",
		  "1 libvirt virsh" },
		{ "g() { f; }\nf() { a & }\ng >log 2>&1\ng", "2 background a" },
		{ "f() { a >log 2>&1 & }\nf", "" },
		/* Of two bodies the shell takes the later one. */
		{ "f() { a & }\nf() { b & }\nf", "1 background a, 2 background b" },
	};

	(void)state;
	assert_all(examples, sizeof(examples) / sizeof(examples[0]));
}

/* Else they would hold for the first functions alone. */
static void of_too_many_functions_none_is_passed_over(void **state)
{
	char text[4096] = "";
	char *found;

	(void)state;
	for (int i = 0; i < 70; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "f%d() { a & }\nf%d >log 2>&1\n", i, i);
	found = read_script(text);
	assert_string_equal(found,
			    "129 background a, 131 background a, 133 background a, "
			    "135 background a, 137 background a, 139 background a");
	free(found);
}

/* Else nobody would believe the others. */
static void words_that_are_no_commands_are_none(void **state)
{
	static const struct example examples[] = {
		{ "", "" },
		{ "# virsh list &", "" },
		{ "echo 'virsh list &' \"a & b\" a\\&b", "" },
		{ "echo virsh sleep", "" },
		{ "cat <<END\nvirsh list\na &\nEND\n", "" },
		{ "cat <<-'DONE' <<F\n\tvirsh list\n\tDONE\nsleep 1\nF\n", "" },
		{ "x=$((1 & 2)); ((a & 1)); [[ a && b ]]", "" },
		{ "cat <<<'a &'", "" },
		{ "a && b || c; a | b; ${a:-b & c}", "" },
		{ "\"$HOOKPATH\" \"$@\" <<< \"$STDIN\"", "" },
		{ "for f in virsh sleep; do echo $f; done", "" },
	};

	(void)state;
	assert_all(examples, sizeof(examples) / sizeof(examples[0]));
}

static void a_script_that_never_ends_is_read_all_the_same(void **state)
{
	static const char *const texts[] = { "'",   "\"$(", "`",	 "<<",
					     ">",   "&>",   "case a in", "(",
					     "${",  ")",    "\\",	 "2>",
					     "a=(", "<<<",  "esac",	 "} } fi done &",
					     "$((", ">(",   "<(" };
	char deep[400];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(read_script(texts[i]));
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	free(read_script(deep));
	for (size_t i = 0; i + 2 < sizeof(deep); i += 2)
		memcpy(deep + i, "$(", 2);
	free(read_script(deep));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_that_keeps_an_output_is_found),
		cmocka_unit_test(one_that_lets_go_of_both_is_none),
		cmocka_unit_test(a_call_of_libvirt_is_found_wherever_it_stands),
		cmocka_unit_test(what_a_function_does_holds_as_it_is_called),
		cmocka_unit_test(of_too_many_functions_none_is_passed_over),
		cmocka_unit_test(words_that_are_no_commands_are_none),
		cmocka_unit_test(a_script_that_never_ends_is_read_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
