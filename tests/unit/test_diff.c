/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "change/edit.h"

enum { ROUNDS = 250, TEXT_MAX = 4096 };

static int run(const struct tree *tree, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", tree->path, command);
	return system(line);
}

static char *read_back(const struct tree *tree, const char *name, size_t *ret_len)
{
	char path[128], *bytes = calloc(1, 64 * TEXT_MAX);
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", tree->path, name);
	stream = fopen(path, "r");
	assert_non_null(stream);
	*ret_len = fread(bytes, 1, 64 * TEXT_MAX - 1, stream);
	fclose(stream);
	return bytes;
}

/* Few different lines, so that there are many ways to pair them; some texts end without a
 * newline. */
static size_t make_text(char *text)
{
	static const char *const lines[] = { "", "a", "b", "-- c", "++ d", "\\ e" };
	int count = rand() % 14;
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += (size_t)sprintf(
			text + len, "%s\n",
			lines[rand() % (int)(sizeof(lines) / sizeof(lines[0]))]);
	return len && rand() % 4 == 0 ? len - 1 : len;
}

/* Sometimes an edit of the other one, as a person makes it, sometimes all new. */
static size_t change_text(const char *before, size_t before_len, char *after)
{
	size_t at = before_len ? (size_t)rand() % before_len : 0, drop, len;

	if (rand() % 3 == 0)
		return make_text(after);
	drop = before_len ? (size_t)rand() % (before_len - at + 1) % 6 : 0;
	memcpy(after, before, at);
	len = at + (rand() % 2 ? make_text(after + at) : 0);
	memcpy(after + len, before + at + drop, before_len - at - drop);
	return len + before_len - at - drop;
}

/* How many lines begin with one of the marks, behind the header. */
static unsigned int count_marked(const char *diff)
{
	unsigned int count = 0, line = 0;

	for (; diff && *diff; diff = strchr(diff, '\n') + 1, line++)
		count += line >= 2 && (*diff == '-' || *diff == '+');
	return count;
}

static void assert_is_patch(const struct tree *tree, const char *before,
			    size_t before_len, const char *after, size_t after_len)
{
	char *diff = change_diff("etc/file", before, before_len, after, after_len);
	char *patched, *real;
	size_t len;

	assert_non_null(diff);
	tree_bytes(tree, "before", before, before_len);
	tree_bytes(tree, "after", after, after_len);
	tree_file(tree, "diff", diff);
	if (*diff) {
		assert_int_equal(run(tree, "patch -s -o patched before <diff"), 0);
		patched = read_back(tree, "patched", &len);
		assert_int_equal(len, after_len);
		assert_memory_equal(patched, after, len);
		free(patched);
	}
	/* As short as it can be made. */
	assert_int_equal(run(tree, "diff -u -d before after >real || [ $? = 1 ]"), 0);
	real = read_back(tree, "real", &len);
	assert_int_equal(*diff == '\0', *real == '\0');
	assert_true(count_marked(diff) <= count_marked(real));
	free(real);
	free(diff);
}

static void a_difference_that_is_shown_is_the_whole_difference(void **state)
{
	const struct tree *tree = *state;
	static char before[4 * TEXT_MAX], after[4 * TEXT_MAX];

	if (system("patch -v >/dev/null 2>&1 && diff -v >/dev/null 2>&1") != 0)
		skip();
	srand(1);
	for (int i = 0; i < ROUNDS; i++) {
		size_t before_len = make_text(before);
		size_t after_len = change_text(before, before_len, after);

		assert_is_patch(tree, before, before_len, after, after_len);
	}
}

static void assert_diff(const char *before, const char *after, const char *expected)
{
	char *diff = change_diff("etc/x", before, before ? strlen(before) : 0, after,
				 after ? strlen(after) : 0);

	assert_string_equal(diff, expected);
	free(diff);
}

static void hunks_are_those_of_diff(void **state)
{
	(void)state;
	assert_diff("a\nb\n", "a\nb\n", "");
	assert_diff(NULL, "", "--- /dev/null\n+++ /etc/x\n");
	assert_diff("", NULL, "--- /etc/x\n+++ /dev/null\n");
	assert_diff(NULL, "a\n", "--- /dev/null\n+++ /etc/x\n@@ -0,0 +1 @@\n+a\n");
	assert_diff("a\nb", NULL,
		    "--- /etc/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n"
		    "\\ No newline at end of file\n");
	assert_diff("a", "a\n",
		    "--- /etc/x\n+++ /etc/x\n@@ -1 +1 @@\n-a\n"
		    "\\ No newline at end of file\n+a\n");
	/* Six lines between two changes belong to one hunk, seven do not. */
	assert_diff(
		"x\n1\n2\n3\n4\n5\n6\ny\n", "X\n1\n2\n3\n4\n5\n6\nY\n",
		"--- /etc/x\n+++ /etc/x\n@@ -1,8 +1,8 @@\n-x\n+X\n 1\n 2\n 3\n 4\n 5\n"
		" 6\n-y\n+Y\n");
	assert_diff("x\n1\n2\n3\n4\n5\n6\n7\ny\n", "X\n1\n2\n3\n4\n5\n6\n7\nY\n",
		    "--- /etc/x\n+++ /etc/x\n@@ -1,4 +1,4 @@\n-x\n+X\n 1\n 2\n 3\n"
		    "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-y\n+Y\n");
}

static void one_line_of_a_long_file_is_shown_as_one_line(void **state)
{
	enum { LINES = 20000 };
	char *before = malloc(LINES * 8), *after = malloc(LINES * 8), *diff;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < LINES; i++)
		len += (size_t)sprintf(before + len, "%06d\n", i);
	memcpy(after, before, len);
	after[7 * 12345] = 'X';
	diff = change_diff("etc/x", before, len, after, len);
	assert_string_equal(diff, "--- /etc/x\n+++ /etc/x\n@@ -12343,7 +12343,7 @@\n"
				  " 012342\n 012343\n 012344\n-012345\n+X12345\n"
				  " 012346\n 012347\n 012348\n");
	free(diff);
	/* All of it, of which no table can be made. */
	for (size_t i = 0; i < len; i += 7)
		after[i] = 'X';
	diff = change_diff("etc/x", before, len, after, len);
	assert_int_equal(count_marked(diff), 2 * LINES);
	free(diff);
	free(before);
	free(after);
}

static void bytes_that_are_no_text_are_not_shown_as_text(void **state)
{
	char *diff = change_diff("etc/x", "a\0b\n", 4, "a\0c\n", 4);

	(void)state;
	assert_string_equal(diff, "--- /etc/x\n+++ /etc/x\nBinary files differ\n");
	free(diff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_difference_that_is_shown_is_the_whole_difference, tree_setup,
			tree_teardown),
		cmocka_unit_test(hunks_are_those_of_diff),
		cmocka_unit_test(one_line_of_a_long_file_is_shown_as_one_line),
		cmocka_unit_test(bytes_that_are_no_text_are_not_shown_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
