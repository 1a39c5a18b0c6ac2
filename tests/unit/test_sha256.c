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

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buffer[SHA256_TEXT_SIZE];
		struct sha256 sha;

		sha256_begin(&sha);
		sha256_add(&sha, cases[i].text, strlen(cases[i].text));
		assert_string_equal(sha256_end(&sha, buffer), cases[i].sum);
	}
}

/* A million letters "a", in pieces of each size. */
static void it_is_the_same_in_any_pieces(void **state)
{
	static char letters[1000];

	(void)state;
	memset(letters, 'a', sizeof(letters));
	for (size_t piece = 1; piece <= 200; piece += 33) {
		size_t left = 1000000;
		char buffer[SHA256_TEXT_SIZE];
		struct sha256 sha;

		sha256_begin(&sha);
		while (left) {
			size_t n = left < piece ? left : piece;

			sha256_add(&sha, letters, n);
			left -= n;
		}
		assert_string_equal(
			sha256_end(&sha, buffer),
			"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_the_standard),
		cmocka_unit_test(it_is_the_same_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
