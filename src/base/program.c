/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { NOT_THERE = 127, NOT_STARTED = 126 };

static long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* What it finds is a plain environment, whatever the person's shell has in it. */
static void __attribute__((noreturn)) run_child(const struct program *program, int output)
{
	static char *environment[] = {
		(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
			"/bin",
		(char *)"LANG=C.UTF-8", (char *)"HOME=/root", (char *)"TERM=dumb", NULL
	};
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(NOT_STARTED);
	setsid();
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	if (program->signals)
		sigprocmask(SIG_SETMASK, program->signals, NULL);
	if (program->root_fd >= 0 && (fchdir(program->root_fd) < 0 || chroot(".") < 0))
		_exit(NOT_STARTED);
	if (chdir("/") < 0)
		_exit(NOT_STARTED);
	umask(022);
	execve(program->path, program->argv, environment);
	_exit(errno == ENOENT ? NOT_THERE : NOT_STARTED);
}

/* Until it closes its output. false: the deadline passed. */
static bool watch(const struct program *program, int input)
{
	long start = now();
	char bytes[4096];

	for (;;) {
		struct pollfd fd = { .fd = input, .events = POLLIN };
		int r = poll(&fd, 1, 1000);
		long seconds = now() - start;
		ssize_t n;

		if (seconds > (long)program->deadline_s)
			return false;
		if (program->tick)
			program->tick((unsigned int)seconds, program->argument);
		if (r <= 0)
			continue;
		n = read(input, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		program->output(bytes, (size_t)n, program->argument);
	}
}

int program_run(const struct program *program, struct program_end *ret_end)
{
	_cleanup_close_ int input = -1;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	input = ends[0];
	pid = fork();
	if (pid == 0)
		run_child(program, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return -errno;
	ret_end->in_time = watch(program, input);
	if (!ret_end->in_time)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &ret_end->status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}
