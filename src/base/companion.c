/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/companion.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/program.h"

enum { LOOK_MS = 5 };

static void __attribute__((noreturn))
run_child(const char *path, char *const *argv, int line)
{
	int null = open("/dev/null", O_WRONLY);

	if (null < 0 || dup2(line, 0) < 0 || dup2(line, 1) < 0 || dup2(null, 2) < 0)
		_exit(PROGRAM_NOT_STARTED);
	/* What a terminal sends is not for it: it ends when this process does. */
	setsid();
	program_execute(path, argv);
}

/* Whether a byte comes back. Returns 0, -ECHILD or -ETIMEDOUT. */
static int ask(int line, unsigned int deadline_ms)
{
	struct pollfd fd = { .fd = line, .events = POLLIN };
	char byte = '\n';

	if (send(line, &byte, 1, MSG_NOSIGNAL) != 1)
		return -ECHILD;
	if (poll(&fd, 1, (int)deadline_ms) <= 0)
		return -ETIMEDOUT;
	return recv(line, &byte, 1, MSG_DONTWAIT) == 1 ? 0 : -ECHILD;
}

int companion_start(const char *path, char *const *argv, unsigned int deadline_ms,
		    struct companion *ret_companion)
{
	struct companion companion;
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	companion.line = ends[0];
	companion.pid = fork();
	if (companion.pid == 0)
		run_child(path, argv, ends[1]);
	r = companion.pid < 0 ? -errno : 0;
	close(ends[1]);
	if (r < 0) {
		close(companion.line);
		return r;
	}
	r = ask(companion.line, deadline_ms);
	if (r < 0) {
		companion_end(&companion, 0);
		return r;
	}
	*ret_companion = companion;
	return 0;
}

void companion_end(struct companion *companion, unsigned int deadline_ms)
{
	struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };

	if (!companion->pid)
		return;
	close(companion->line);
	for (unsigned int waited = 0; waited < deadline_ms; waited += LOOK_MS) {
		if (waitpid(companion->pid, NULL, WNOHANG) != 0) {
			companion->pid = 0;
			return;
		}
		nanosleep(&pause, NULL);
	}
	kill(-companion->pid, SIGKILL);
	while (waitpid(companion->pid, NULL, 0) < 0 && errno == EINTR)
		;
	companion->pid = 0;
}
