/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Who was first: the child with its answer, or the parent's deadline. Never both. */
enum outcome { OUTCOME_OPEN, OUTCOME_ANSWERED, OUTCOME_ABANDONED };

/* For `since`: the parent has stopped waiting. */
enum { GIVEN_UP = -1 };

/* For a child to begin: on a busy machine its pages have to be read first. */
enum { START_MS = 10000, LOOK_EVERY_MS = 20 };

struct shared {
	atomic_int outcome;
	atomic_llong since; /* when the deadline began, in ms of CLOCK_MONOTONIC */
	pid_t parent;
	int result;
	struct child_answer answer;
};

struct child {
	struct shared *shared;
	unsigned int deadline_ms;
	int read_end; /* of a pipe that ends when the child does */
	pid_t pid;
	bool only_looks;
};

/* In a child: what it shares with its parent. */
static struct shared *own;

/* Only the parent changes it besides, and only once. */
bool child_go_on(void)
{
	long long since = atomic_load(&own->since);

	return since != GIVEN_UP && getppid() == own->parent &&
	       atomic_compare_exchange_strong(&own->since, &since, clock_now_ms());
}

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
	own = shared;
	leave_the_parents_world();
	if (!child_go_on())
		_exit(0);
	shared->result =
		task->run(task->argument, shared->answer.bytes, &shared->answer.len);
	if (!settle(shared, OUTCOME_ANSWERED) && task->run_after_deadline)
		task->run_after_deadline(task->argument);
	_exit(0);
}

/* Whether the child ended, which closes its end of the pipe, before it was given up. */
static bool wait_for_end(const struct child *child)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = child->read_end, .events = POLLIN };
		long long since = atomic_load(&child->shared->since);
		long long left = since + child->deadline_ms - clock_now_ms();
		int r;

		/* It has not begun: when it does, there is less left. */
		if (left > child->deadline_ms)
			left = LOOK_EVERY_MS;
		r = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
		if (r > 0)
			return true;
		if (r < 0 && errno == EINTR)
			continue;
		/* It may have begun another piece of its work meanwhile. */
		if (since + child->deadline_ms <= clock_now_ms() &&
		    atomic_compare_exchange_strong(&child->shared->since, &since,
						   GIVEN_UP))
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

static int collect(const struct child *child, bool ended, struct child_answer *ret_answer,
		   pid_t *ret_pid)
{
	if (!ended && settle(child->shared, OUTCOME_ABANDONED)) {
		if (child->only_looks)
			kill(child->pid, SIGKILL);
		if (ret_pid)
			*ret_pid = child->pid;
		copy_answer(child->shared, ret_answer);
		return -ETIMEDOUT;
	}
	waitpid(child->pid, NULL, 0);
	copy_answer(child->shared, ret_answer);
	return atomic_load(&child->shared->outcome) == OUTCOME_ANSWERED
		       ? child->shared->result
		       : -ECHILD;
}

static int share(struct shared **ret_shared)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return -errno;
	atomic_store(&shared->since, clock_now_ms() + START_MS);
	shared->parent = getpid();
	*ret_shared = shared;
	return 0;
}

static int start(const struct child_task *task, struct child *child)
{
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	child->pid = fork();
	if (child->pid == 0) {
		close(fds[0]);
		run_as_child(task, child->shared);
	}
	r = child->pid < 0 ? -errno : 0;
	close(fds[1]);
	if (r < 0)
		close(fds[0]);
	child->read_end = fds[0];
	return r;
}

int child_start(const struct child_task *task, struct child **ret_child)
{
	struct child *child = calloc(1, sizeof(*child));
	int r = child ? share(&child->shared) : -ENOMEM;

	if (r == 0) {
		child->deadline_ms = task->deadline_ms;
		child->only_looks = task->only_looks;
		r = start(task, child);
		if (r < 0)
			munmap(child->shared, sizeof(*child->shared));
	}
	if (r < 0) {
		free(child);
		return r;
	}
	*ret_child = child;
	return 0;
}

int child_join(struct child *child, struct child_answer *ret_answer, pid_t *ret_pid)
{
	int r;

	if (ret_pid)
		*ret_pid = 0;
	r = collect(child, wait_for_end(child), ret_answer, ret_pid);
	close(child->read_end);
	munmap(child->shared, sizeof(*child->shared));
	free(child);
	return r;
}

int child_run(const struct child_task *task, struct child_answer *ret_answer,
	      pid_t *ret_pid)
{
	struct child *child;
	int r = child_start(task, &child);

	if (ret_pid)
		*ret_pid = 0;
	return r < 0 ? r : child_join(child, ret_answer, ret_pid);
}
