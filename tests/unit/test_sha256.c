/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <string.h>

#include "base/sha256.h"

static void sums_are_those_of_the_standard(void **state)
{
	/* The examples of FIPS 180-4; the others as sha256sum(1) has them. */
	static const struct {
		const char *text, *sum;
	} cases[] = {
		{ "",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};

	struct sha256 sha;

	(void)state;
	assert_int_equal(sha256_load(&sha, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buffer[SHA256_TEXT_SIZE];

		assert_string_equal(sha256_text(&sha, cases[i].text,
						strlen(cases[i].text), buffer),
				    cases[i].sum);
	}
}

/* As plan files have of a file that is there and empty. */
static void nothing_has_a_sum(void **state)
{
	char buffer[SHA256_TEXT_SIZE], other[SHA256_TEXT_SIZE];
	struct sha256 sha;

	(void)state;
	assert_int_equal(sha256_load(&sha, NULL), 0);
	assert_string_equal(sha256_text(&sha, NULL, 0, buffer),
			    sha256_text(&sha, "", 0, other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_the_standard),
		cmocka_unit_test(nothing_has_a_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
