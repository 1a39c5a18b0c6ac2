/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real processes: one that is killed, its guest, and the keeper that stays. */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
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

/* Begins a guest, tells its number, and waits to be killed, or ends as it should. */
static void run(int line, bool is_dismissed)
{
	char program[] = "sleep", seconds[] = "1000";
	char *words[] = { program, seconds, NULL };
	struct keeper keeper = { 0 };
	struct launch launch = { .argv = words, .keeper = &keeper };
	pid_t guest = 0;

	if (keeper_start(say_given_back, &line, &keeper) < 0 ||
	    launch_start(&launch, &guest) < 0 ||
	    write(line, &guest, sizeof(guest)) != sizeof(guest))
		_exit(1);
	if (!is_dismissed) {
		for (;;)
			pause();
	}
	kill(guest, SIGKILL);
	waitpid(guest, NULL, 0);
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

static pid_t start(bool is_dismissed, int *ret_line, pid_t *ret_guest)
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
	assert_int_equal(read(line[0], ret_guest, sizeof(*ret_guest)),
			 sizeof(*ret_guest));
	*ret_line = line[0];
	return pid;
}

static void what_is_killed_has_its_guest_ended_and_its_devices_given_back(void **state)
{
	struct pollfd process = { .events = POLLIN };
	pid_t guest, pid;
	int line;

	(void)state;
	pid = start(false, &line, &guest);
	process.fd = (int)syscall(SYS_pidfd_open, guest, 0);
	assert_true(process.fd >= 0);
	assert_int_equal(poll(&process, 1, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(poll(&process, 1, PATIENCE_MS), 1);
	assert_int_equal(read_byte(line), 'b');
	/* The keeper has ended as well. */
	assert_int_equal(read_byte(line), 0);
	close(process.fd);
	close(line);
}

static void what_ends_as_it_should_leaves_nothing_to_do(void **state)
{
	pid_t guest, pid;
	int line, status;

	(void)state;
	pid = start(true, &line, &guest);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_killed_has_its_guest_ended_and_its_devices_given_back),
		cmocka_unit_test(what_ends_as_it_should_leaves_nothing_to_do),
		cmocka_unit_test(a_program_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
