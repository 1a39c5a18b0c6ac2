/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Who was first: the child with its answer, or the parent's deadline. Never both. */
enum outcome { OUTCOME_OPEN, OUTCOME_ANSWERED, OUTCOME_ABANDONED };

struct shared {
	atomic_int outcome;
	int result;
	struct child_answer answer;
};

static bool settle(struct shared *shared, enum outcome outcome)
{
	int open = OUTCOME_OPEN;

	return atomic_compare_exchange_strong(&shared->outcome, &open, outcome);
}

static void leave_the_parents_world(void)
{
	int null = open("/dev/null", O_RDWR);

	/* Not only Ctrl-C: the parent's caller may signal its whole process group. */
	setsid();
	if (null >= 0) {
		for (int fd = 0; fd <= 2; fd++)
			dup2(null, fd);
		if (null > 2)
			close(null);
	}
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
}

static void __attribute__((noreturn))
run_as_child(const struct child_task *task, struct shared *shared)
{
	leave_the_parents_world();
	shared->result =
		task->run(task->argument, shared->answer.bytes, &shared->answer.len);
	if (!settle(shared, OUTCOME_ANSWERED) && task->run_after_deadline)
		task->run_after_deadline(task->argument);
	_exit(0);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Whether the child ended, which closes its end of the pipe, before the deadline. */
static bool wait_for_end(int pipe_fd, unsigned int deadline_ms)
{
	long long end = now_ms() + deadline_ms;

	for (;;) {
		struct pollfd poll_fd = { .fd = pipe_fd, .events = POLLIN };
		long long left = end - now_ms();
		int r;

		if (left < 0)
			left = 0;
		r = poll(&poll_fd, 1, (int)left);
		if (r > 0)
			return true;
		if ((r == 0 && left == 0) || (r < 0 && errno != EINTR))
			return false;
	}
}

/* The child may be alive and writing: what stands below the length is complete. */
static void copy_answer(struct shared *shared, struct child_answer *ret_answer)
{
	if (!ret_answer)
		return;
	ret_answer->len = __atomic_load_n(&shared->answer.len, __ATOMIC_ACQUIRE);
	memcpy(ret_answer->bytes, shared->answer.bytes, ret_answer->len);
}

static int collect(struct shared *shared, pid_t pid, bool ended,
		   struct child_answer *ret_answer, pid_t *ret_pid)
{
	if (!ended && settle(shared, OUTCOME_ABANDONED)) {
		if (ret_pid)
			*ret_pid = pid;
		copy_answer(shared, ret_answer);
		return -ETIMEDOUT;
	}
	waitpid(pid, NULL, 0);
	if (atomic_load(&shared->outcome) != OUTCOME_ANSWERED)
		return -ECHILD;
	copy_answer(shared, ret_answer);
	return shared->result;
}

int child_run(const struct child_task *task, struct child_answer *ret_answer,
	      pid_t *ret_pid)
{
	_cleanup_close_ int read_end = -1;
	struct shared *shared;
	int fds[2], r;
	pid_t pid;

	if (ret_pid)
		*ret_pid = 0;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	if (pipe2(fds, O_CLOEXEC) < 0) {
		r = -errno;
		goto out;
	}
	read_end = fds[0];
	pid = fork();
	if (pid == 0) {
		close(read_end);
		run_as_child(task, shared);
	}
	r = pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r == 0) {
		bool ended = wait_for_end(read_end, task->deadline_ms);

		r = collect(shared, pid, ended, ret_answer, ret_pid);
	}
out:
	munmap(shared, sizeof(*shared));
	return r;
}
