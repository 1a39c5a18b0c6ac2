/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void nothing_in_a_name_can_act_on_the_terminal(void **state)
{
	static const char *const cases[][2] = {
		{ "plain", "plain" },
		{ "Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f" },
		{ "\x1b[31mred", "\\x1b[31mred" },
		{ "two\nlines\r", "two\\x0alines\\x0d" },
		{ "\x7f", "\\x7f" },
		/* U+009B starts a sequence on an 8-bit terminal; so does the bare byte.
		 */
		{ "\xc2\x9b"
		  "2J",
		  "\\xc2\\x9b2J" },
		{ "\x9b"
		  "2J",
		  "\\x9b2J" },
		/* Overlong, surrogate, above U+10FFFF, cut short: not UTF-8. */
		{ "\xc0\x9b", "\\xc0\\x9b" },
		{ "\xe0\x80\x9b", "\\xe0\\x80\\x9b" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xe2\x82", "\\xe2\\x82" },
		/* U+202E turns the rest of the line round. */
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\xe2\\x80\\xaeb" },
		{ "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *escaped = text_escape(cases[i][0]);

		assert_string_equal(escaped, cases[i][1]);
		free(escaped);
	}
}

static void a_number_with_anything_else_in_it_is_no_number(void **state)
{
	uint64_t number = 7;
	uint32_t hex = 7;

	(void)state;
	assert_int_equal(text_parse_number("18446744073709551615", UINT64_MAX, &number),
			 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(text_parse_number("18446744073709551616", UINT64_MAX, &number),
			 -ERANGE);
	assert_int_equal(text_parse_number("11", 10, &number), -ERANGE);
	assert_int_equal(text_parse_number("", 10, &number), -EINVAL);
	assert_int_equal(text_parse_number("-1", 10, &number), -EINVAL);
	assert_int_equal(text_parse_number("1 ", 10, &number), -EINVAL);
	assert_true(number == UINT64_MAX);
	assert_int_equal(text_parse_hex("fFffffff", 8, &hex), 0);
	assert_int_equal(hex, 0xffffffff);
	assert_int_equal(text_parse_hex("0x10", 4, &hex), -EINVAL);
	assert_int_equal(text_parse_hex("123456789", 9, &hex), -EINVAL);
	assert_int_equal(text_parse_hex("", 0, &hex), -EINVAL);
	assert_int_equal(hex, 0xffffffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_a_name_can_act_on_the_terminal),
		cmocka_unit_test(a_number_with_anything_else_in_it_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
