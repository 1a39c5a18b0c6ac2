/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "host/anonymise.h"

/* Nothing that is put in a secret's place can be part of it. */
static const char secret[] = "WD-WCC4E5SD12X3";
static const char address[] = "9c:b6:d0:3f:5e:71";

static bool is_name(char c)
{
	return isalnum((unsigned char)c);
}

/* Whether it stands there as a word of its own. */
static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (!strncasecmp(text + i, word, n) && (!i || !is_name(text[i - 1])) &&
		    (i + n == len || !is_name(text[i + n])))
			return true;
	return false;
}

/* The same text becomes the same, however often it is asked. */
static void check_text(struct anonymiser *anonymiser, const char *text, size_t len)
{
	char *first = NULL, *second = NULL;
	size_t first_len = 0, second_len = 0;

	if (anonymiser_replace(anonymiser, text, len, &first, &first_len) == 0 &&
	    anonymiser_replace(anonymiser, text, len, &second, &second_len) == 0) {
		must(first_len == second_len && !memcmp(first, second, first_len));
		must(first[first_len] == '\0');
		must(!has_word(first, first_len, secret));
	}
	free(first);
	free(second);
}

/* Whatever was learnt or seen before, an address that stands alone is taken out whole. */
static void check_address(struct anonymiser *anonymiser)
{
	char *text = NULL;
	size_t len;

	if (anonymiser_replace(anonymiser, address, strlen(address), &text, &len) == 0) {
		must(strlen(text) == len && !strstr(text, ":5e:71"));
	}
	free(text);
}

/* The first line is the path of a file, the rest what is in it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct anonymiser *anonymiser = anonymiser_new();
	const char *text = (const char *)data;
	const char *newline = size ? memchr(text, '\n', size) : NULL;
	size_t head = newline ? (size_t)(newline - text) : 0;
	char *path = strndup(text, head);

	if (anonymiser && path &&
	    anonymiser_learn(anonymiser, "sys/x/serial", secret, strlen(secret)) == 0) {
		check_text(anonymiser, text, size);
		must(!newline || anonymiser_learn(anonymiser, path, newline + 1,
						  size - head - 1) != -EINVAL);
		check_text(anonymiser, text, size);
		check_address(anonymiser);
	}
	free(path);
	anonymiser_free(anonymiser);
	return 0;
}
