/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* With the first one comes a descriptor of the process. */
enum message { PROCESS_BEGINS, NOTHING_LEFT_TO_DO };

enum { PROCESSES_MAX = 4 };

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
static void end_process(int process)
{
	if (has_ended(process, 0))
		return;
	syscall(SYS_pidfd_send_signal, process, SIGTERM, NULL, 0);
	if (has_ended(process, END_MS))
		return;
	syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
	has_ended(process, END_MS);
}

/* Of a message: its descriptor, or -1. Returns its length, 0 at the end of the line. */
static ssize_t receive(int line, enum message *ret_message, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = ret_message, .iov_len = sizeof(*ret_message) };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	const struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(line, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	*ret_fd = -1;
	if (header && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
	return n;
}

static void __attribute__((noreturn))
keep(int line, void (*at_end)(void *argument), void *argument)
{
	int processes[PROCESSES_MAX], begun;
	enum message message;
	size_t count = 0;

	leave_the_others_world();
	while (receive(line, &message, &begun) == sizeof(message)) {
		if (message == NOTHING_LEFT_TO_DO)
			_exit(0);
		if (begun >= 0 && count < PROCESSES_MAX)
			processes[count++] = begun;
	}
	while (count)
		end_process(processes[--count]);
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
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	enum message word = PROCESS_BEGINS;
	struct iovec part = { .iov_base = &word, .iov_len = sizeof(word) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int process = (int)syscall(SYS_pidfd_open, getpid(), 0);

	/* Without one (before Linux 5.3) the keeper can only give back. */
	if (process < 0)
		return;
	message.msg_control = control.room;
	message.msg_controllen = sizeof(control.room);
	control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&control.header), &process, sizeof(int));
	sendmsg(keeper->line, &message, MSG_NOSIGNAL);
	close(process);
}

void keeper_dismiss(struct keeper *keeper)
{
	enum message word = NOTHING_LEFT_TO_DO;

	if (!keeper->pid)
		return;
	send(keeper->line, &word, sizeof(word), MSG_NOSIGNAL);
	close(keeper->line);
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	keeper->pid = 0;
}
