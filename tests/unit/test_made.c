/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real: the child and its deadline. Not real: the kernel that does not answer. */
#include "tree.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/host.h"

enum { LARGE = 300000, SHORT_MS = 100, LONG_MS = 60000 };

static int answer_much(void *argument, char **ret_bytes, size_t *ret_len)
{
	char *bytes = malloc(LARGE);

	if (!bytes)
		return -ENOMEM;
	memset(bytes, *(const char *)argument, LARGE);
	*ret_bytes = bytes;
	*ret_len = LARGE;
	return 0;
}

static int answer_nothing(void *argument, char **ret_bytes, size_t *ret_len)
{
	(void)argument;
	*ret_bytes = NULL;
	*ret_len = 0;
	return 0;
}

static int refuse(void *argument, char **ret_bytes, size_t *ret_len)
{
	(void)argument, (void)ret_bytes, (void)ret_len;
	return -ENODEV;
}

static int hang(void *argument, char **ret_bytes, size_t *ret_len)
{
	pause();
	return answer_nothing(argument, ret_bytes, ret_len);
}

static int ask(unsigned int deadline_ms, int (*make)(void *, char **, size_t *),
	       void *argument, char **ret_bytes, size_t *ret_len)
{
	struct host *host;
	int r;

	assert_int_equal(host_open_live(&host, NULL), 0);
	r = host_read_made_within(host, "pciferry/none-such", deadline_ms, make, argument,
				  ret_bytes, ret_len);
	host_free(host);
	return r;
}

static void an_answer_of_any_size_is_whole(void **state)
{
	char letter = 'x', *bytes = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(ask(LONG_MS, answer_much, &letter, &bytes, &len), 0);
	assert_int_equal(len, LARGE);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], 'x');
	/* As behind what is read from a file. */
	assert_int_equal(bytes[len], '\0');
	free(bytes);
	assert_int_equal(ask(LONG_MS, answer_nothing, NULL, &bytes, &len), 0);
	assert_int_equal(len, 0);
	assert_string_equal(bytes, "");
	free(bytes);
}

static void a_question_without_an_answer_does_not_hang_the_program(void **state)
{
	long long began = clock_now_ms();
	char *bytes = NULL;
	size_t len = 0;
	int status;

	(void)state;
	assert_int_equal(ask(SHORT_MS, hang, NULL, &bytes, &len), -ETIMEDOUT);
	assert_null(bytes);
	assert_true(clock_now_ms() - began >= SHORT_MS);
	/* Nor does who asked go on for ever: it may be busy with it. */
	assert_true(wait(&status) > 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_refusal_is_told_as_it_is(void **state)
{
	char *bytes = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(ask(LONG_MS, refuse, NULL, &bytes, &len), -ENODEV);
	assert_null(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_of_any_size_is_whole),
		cmocka_unit_test(a_question_without_an_answer_does_not_hang_the_program),
		cmocka_unit_test(a_refusal_is_told_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
