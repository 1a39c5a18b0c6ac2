/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that runs beside, for as long as something is done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/companion.h"

static int start(const char *script, unsigned int deadline_ms,
		 struct companion *companion)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

	return companion_start("/bin/sh", argv, deadline_ms, companion);
}

static void nap(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static bool is_alive(pid_t pid)
{
	return kill(pid, 0) == 0;
}

static void it_runs_until_it_is_ended(void **state)
{
	struct companion companion = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(start("cat", 5000, &companion), 0);
	pid = companion.pid;
	nap(50);
	assert_true(is_alive(pid));
	companion_end(&companion, 5000);
	assert_false(is_alive(pid));
	assert_int_equal(companion.pid, 0);
	/* Ended twice is ended once. */
	companion_end(&companion, 5000);
}

static void it_is_there_only_when_it_answers(void **state)
{
	char *argv[] = { (char *)"nothing", NULL };
	struct companion companion = { 0 };

	(void)state;
	assert_int_equal(start("exit 0", 5000, &companion), -ECHILD);
	assert_int_equal(start("echo no logind >&2; exit 1", 5000, &companion), -ECHILD);
	assert_int_equal(companion_start("/bin/nothing", argv, 5000, &companion),
			 -ECHILD);
	assert_int_equal(start("exec sleep 60", 50, &companion), -ETIMEDOUT);
	assert_int_equal(companion.pid, 0);
	/* All of them are waited for. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void one_that_does_not_end_is_killed(void **state)
{
	struct companion companion = { 0 };
	pid_t pid;

	(void)state;
	assert_int_equal(start("trap '' TERM; head -c 1; sleep 60", 5000, &companion), 0);
	pid = companion.pid;
	companion_end(&companion, 50);
	assert_false(is_alive(pid));
}

/* This process may be killed at any instant. */
static void it_does_not_outlive_who_started_it(void **state)
{
	int ends[2];
	pid_t child, pid;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		struct companion companion = { 0 };

		if (start("cat", 5000, &companion) == 0)
			write(ends[1], &companion.pid, sizeof(companion.pid));
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_runs_until_it_is_ended),
		cmocka_unit_test(it_is_there_only_when_it_answers),
		cmocka_unit_test(one_that_does_not_end_is_killed),
		cmocka_unit_test(it_does_not_outlive_who_started_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
