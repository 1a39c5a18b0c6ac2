/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The guest's process, or, of no process, that nothing is left to do. */
struct message {
	pid_t guest;
};

/* QEMU ends at once when it is asked to; one that hangs in the kernel does not. */
enum { END_MS = 30000 };

static void leave_the_others_world(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	/* Whoever reads what the guest writes is to see its end. */
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
}

static bool has_ended(int process, int timeout_ms)
{
	struct pollfd fd = { .fd = process, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

/* By its descriptor: its number may be another's by now. */
static void end_guest(int process)
{
	if (process < 0 || has_ended(process, 0))
		return;
	syscall(SYS_pidfd_send_signal, process, SIGTERM, NULL, 0);
	if (has_ended(process, END_MS))
		return;
	syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
	has_ended(process, END_MS);
}

static void __attribute__((noreturn))
keep(int line, void (*at_end)(void *argument), void *argument)
{
	_cleanup_close_ int process = -1;
	struct message message;
	ssize_t n;

	leave_the_others_world();
	for (;;) {
		n = recv(line, &message, sizeof(message), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof(message))
			break;
		if (!message.guest)
			_exit(0);
		process = (int)syscall(SYS_pidfd_open, message.guest, 0);
	}
	end_guest(process);
	at_end(argument);
	_exit(0);
}

int keeper_start(void (*at_end)(void *argument), void *argument,
		 struct keeper *ret_keeper)
{
	struct keeper keeper;
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	keeper.line = ends[0];
	keeper.pid = fork();
	if (keeper.pid == 0) {
		close(ends[0]);
		keep(ends[1], at_end, argument);
	}
	r = keeper.pid < 0 ? -errno : 0;
	close(ends[1]);
	if (r < 0)
		close(keeper.line);
	else
		*ret_keeper = keeper;
	return r;
}

void keeper_tell(const struct keeper *keeper)
{
	struct message message = { .guest = getpid() };

	send(keeper->line, &message, sizeof(message), MSG_NOSIGNAL);
}

void keeper_dismiss(struct keeper *keeper)
{
	struct message message = { 0 };

	if (!keeper->pid)
		return;
	send(keeper->line, &message, sizeof(message), MSG_NOSIGNAL);
	close(keeper->line);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	keeper->pid = 0;
}
