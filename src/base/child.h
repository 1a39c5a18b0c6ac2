/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_CHILD_H
#define PCIFERRY_BASE_CHILD_H

/*
 * Work done by a child process with a deadline.
 *
 * For system calls that may sleep in the kernel without end and cannot be interrupted,
 * such as a write to a driver's unbind attribute while a process holds the device. Not a
 * thread: a process whose thread sleeps so cannot end, and whoever waits for it hangs as
 * well.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

struct child_task {
	/*
	 * Runs in the child. Returns 0 or -errno. May write an answer of at most
	 * CHILD_ANSWER_MAX bytes to `answer`, and its length so far with child_publish().
	 */
	int (*run)(void *argument, char *answer, size_t *ret_len);

	/*
	 * May be NULL. Runs in the child when run() returned after the parent had stopped
	 * waiting: the place to undo what came too late.
	 */
	void (*run_after_deadline)(void *argument);

	void *argument;
	unsigned int deadline_ms; /* since run() began, or the last child_go_on() */

	/*
	 * It changes nothing, and is killed at the deadline: what it waits for may keep
	 * it busy instead of asleep (restart_syscall() in the kernel).
	 */
	bool only_looks;
};

enum { CHILD_ANSWER_MAX = 4096 };

struct child_answer {
	char bytes[CHILD_ANSWER_MAX];
	size_t len;
};

/* Makes the first len bytes of the answer the parent's, even if a deadline comes now. */
static inline void child_publish(size_t *ret_len, size_t len)
{
	__atomic_store_n(ret_len, len, __ATOMIC_RELEASE);
}

/*
 * For run(), between two pieces of work that each have the whole deadline: begins it
 * anew. false: the parent has stopped waiting, or is no more, and no further piece is to
 * be begun.
 */
bool child_go_on(void);

/*
 * Runs the task in a child of its own session, whose standard streams are /dev/null (else
 * a pipeline would wait for a child that hangs).
 *
 * Returns what run() returned; -ETIMEDOUT when the deadline passed, in which case
 * *ret_pid is the child that is left behind (else 0); -ECHILD when the child died before
 * run() returned; in both the answer is what was published so far; or -errno when no
 * child could be made. ret_answer and ret_pid may be NULL.
 */
int child_run(const struct child_task *task, struct child_answer *ret_answer,
	      pid_t *ret_pid);

/*
 * The same in two parts, for several at a time: child_start() returns 0 or -errno, and
 * child_join() waits, returns what child_run() would, and frees the child. The task must
 * stay until then.
 */
struct child;
int child_start(const struct child_task *task, struct child **ret_child);
int child_join(struct child *child, struct child_answer *ret_answer, pid_t *ret_pid);

#endif
