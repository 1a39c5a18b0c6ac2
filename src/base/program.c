/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* How often its end is looked for, and what a pipe may hold of it then (pipe(7)). */
enum { LOOK_MS = 100, LOOK_SOON_MS = 5, PIPE_BYTES = 65536 };

void program_execute(const char *path, char *const *argv)
{
	static char *environment[] = {
		(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
			"/bin",
		(char *)"LANG=C.UTF-8", (char *)"HOME=/root", (char *)"TERM=dumb", NULL
	};

	execve(path, argv, environment);
	_exit(errno == ENOENT ? PROGRAM_NOT_THERE : PROGRAM_NOT_STARTED);
}

static void __attribute__((noreturn))
run_child(const struct program *program, int output, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(PROGRAM_NOT_STARTED);
	setsid();
	/* It must not go on beside the one that is started to repair what this one left.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(PROGRAM_NOT_STARTED);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	if (program->signals)
		sigprocmask(SIG_SETMASK, program->signals, NULL);
	if (program->root_fd >= 0 && (fchdir(program->root_fd) < 0 || chroot(".") < 0))
		_exit(PROGRAM_NOT_STARTED);
	if (chdir("/") < 0)
		_exit(PROGRAM_NOT_STARTED);
	umask(022);
	program_execute(program->path, program->argv);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

/* Takes what there is of its output, after at most wait_ms. Returns how much that was. */
static size_t take(const struct program *program, struct pollfd *input, int wait_ms)
{
	char bytes[4096];
	ssize_t n;

	if (poll(input, 1, wait_ms) <= 0)
		return 0;
	n = read(input->fd, bytes, sizeof(bytes));
	if (n < 0 && errno == EINTR)
		return 0;
	/* It may well go on without. */
	if (n <= 0)
		input->fd = -1;
	else
		program->output(bytes, (size_t)n, program->argument);
	return n < 0 ? 0 : (size_t)n;
}

/*
 * Until it ends, and not until its output is closed: it may have left a process behind
 * that holds it open, or have closed it long before. false: the deadline passed.
 */
static bool watch(const struct program *program, pid_t pid, int input)
{
	struct pollfd fd = { .fd = input, .events = POLLIN };
	size_t behind_end = 0;
	long start = clock_now_s();

	for (;;) {
		/* Asked first, so that what it wrote last is taken. */
		bool ended = has_ended(pid);
		size_t n = take(program, &fd,
				ended	    ? 0
				: fd.fd < 0 ? LOOK_SOON_MS
					    : LOOK_MS);
		long seconds = clock_now_s() - start;

		behind_end += ended ? n : 0;
		if (ended && (!n || behind_end >= PIPE_BYTES))
			return true;
		if (seconds > (long)program->deadline_s)
			return false;
		if (program->tick)
			program->tick((unsigned int)seconds, program->argument);
	}
}

int program_run(const struct program *program, struct program_end *ret_end)
{
	_cleanup_close_ int input = -1;
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	input = ends[0];
	pid = fork();
	if (pid == 0)
		run_child(program, ends[1], parent);
	close(ends[1]);
	if (pid < 0)
		return -errno;
	ret_end->in_time = watch(program, pid, input);
	if (!ret_end->in_time)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &ret_end->status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}
