/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real processes: one that is killed, its guest, and the keeper that stays. */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/keeper.h"
#include "base/launch.h"

/* For a process to end: much longer than it takes, also on a busy machine. */
enum { PATIENCE_MS = 60000 };

static void say_given_back(void *argument)
{
	const int *line = argument;

	assert_int_equal(write(*line, "b", 1), 1);
}

/* Of the guest, and of a program that it needs. */
struct begun {
	pid_t guest, beside;
};

/* Begins both, tells their numbers, and waits to be killed, or ends as it should. */
static void run(int line, bool is_dismissed)
{
	char program[] = "sleep", seconds[] = "1000";
	char *words[] = { program, seconds, NULL };
	struct keeper keeper = { 0 };
	struct launch launch = { .argv = words, .keeper = &keeper };
	struct launch before = { .argv = words, .keeper = &keeper, .is_apart = true };
	struct begun begun = { 0 };

	if (keeper_start(say_given_back, &line, &keeper) < 0 ||
	    launch_start(&before, &begun.beside) < 0 ||
	    launch_start(&launch, &begun.guest) < 0 ||
	    write(line, &begun, sizeof(begun)) != sizeof(begun))
		_exit(1);
	if (!is_dismissed) {
		for (;;)
			pause();
	}
	kill(begun.guest, SIGKILL);
	kill(begun.beside, SIGKILL);
	waitpid(begun.guest, NULL, 0);
	waitpid(begun.beside, NULL, 0);
	keeper_dismiss(&keeper);
	_exit(0);
}

/* A byte; or 0 when all who could write one have ended. */
static char read_byte(int fd)
{
	struct pollfd line = { .fd = fd, .events = POLLIN };
	char byte = 0;

	assert_int_equal(poll(&line, 1, PATIENCE_MS), 1);
	return read(fd, &byte, 1) == 1 ? byte : 0;
}

static pid_t start(bool is_dismissed, int *ret_line, struct begun *ret_begun)
{
	int line[2];
	pid_t pid;

	assert_int_equal(pipe2(line, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(line[0]);
		run(line[1], is_dismissed);
	}
	close(line[1]);
	assert_int_equal(read(line[0], ret_begun, sizeof(*ret_begun)),
			 sizeof(*ret_begun));
	*ret_line = line[0];
	return pid;
}

static void what_is_killed_has_its_guest_ended_and_its_devices_given_back(void **state)
{
	struct pollfd guest = { .events = POLLIN }, beside = { .events = POLLIN };
	struct begun begun;
	pid_t pid;
	int line;

	(void)state;
	pid = start(false, &line, &begun);
	guest.fd = (int)syscall(SYS_pidfd_open, begun.guest, 0);
	beside.fd = (int)syscall(SYS_pidfd_open, begun.beside, 0);
	assert_true(guest.fd >= 0 && beside.fd >= 0);
	assert_int_equal(poll(&guest, 1, 0), 0);
	assert_int_equal(poll(&beside, 1, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(poll(&guest, 1, PATIENCE_MS), 1);
	assert_int_equal(poll(&beside, 1, PATIENCE_MS), 1);
	assert_int_equal(read_byte(line), 'b');
	/* The keeper has ended as well. */
	assert_int_equal(read_byte(line), 0);
	close(guest.fd);
	close(beside.fd);
	close(line);
}

static void what_ends_as_it_should_leaves_nothing_to_do(void **state)
{
	struct begun begun;
	int line, status;
	pid_t pid;

	(void)state;
	pid = start(true, &line, &begun);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read_byte(line), 0);
	close(line);
}

static void a_program_that_is_not_there_is_told(void **state)
{
	char program[] = "/nonexistent/qemu";
	char *words[] = { program, NULL };
	struct launch launch = { .argv = words };
	pid_t pid;

	(void)state;
	assert_int_equal(launch_start(&launch, &pid), -ENOENT);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

/* The lowest that a shell cannot have by itself. */
static int above_others(int fd)
{
	int above = fcntl(fd, F_DUPFD_CLOEXEC, 7);

	assert_in_range(above, 7, 9);
	return above;
}

static void a_program_has_the_descriptors_that_it_was_to_have_and_no_others(void **state)
{
	char shell[] = "sh", option[] = "-c", text[64];
	char *words[] = { shell, option, text, NULL };
	int line[2], kept, lost, status;
	struct launch launch = { .argv = words, .kept = &kept, .n_kept = 1 };
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(line, O_CLOEXEC), 0);
	lost = above_others(line[1]);
	kept = above_others(line[1]);
	snprintf(text, sizeof(text), "echo k >&%d; { echo l >&%d; } 2>&-", kept, lost);
	assert_int_equal(launch_start(&launch, &pid), 0);
	close(lost);
	close(kept);
	close(line[1]);
	assert_int_equal(read_byte(line[0]), 'k');
	assert_int_equal(read_byte(line[0]), '\n');
	assert_int_equal(read_byte(line[0]), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(line[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_killed_has_its_guest_ended_and_its_devices_given_back),
		cmocka_unit_test(what_ends_as_it_should_leaves_nothing_to_do),
		cmocka_unit_test(a_program_that_is_not_there_is_told),
		cmocka_unit_test(
			a_program_has_the_descriptors_that_it_was_to_have_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
