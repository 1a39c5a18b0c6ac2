/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "vm/vm.h"

/* By which a person, or the system, ends what runs. */
static void signals_that_end(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGHUP);
	sigaddset(ret_set, SIGQUIT);
}

static int wait_and_pass_on(pid_t pid)
{
	bool is_asked = false;
	sigset_t set;
	int status;

	signals_that_end(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);
		int number;

		if (ended == pid)
			break;
		number = sigwaitinfo(&set, NULL);
		if (number > 0 && number != SIGCHLD) {
			kill(pid, SIGTERM);
			is_asked = true;
		}
	}
	/* Early, when it has no handler for it yet: it has ended as it was asked to. */
	if (is_asked && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		return 0;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The end of the line is only seen when QEMU's end is QEMU's alone. */
static int place_threads(struct vm_pins *pins, pid_t pid, struct error *err)
{
	sigset_t until;
	int r;

	if (!pins)
		return 0;
	close(pins->its);
	pins->its = -1;
	signals_that_end(&until);
	r = vm_pin(pins, pid, &until, err);
	/* Nobody reads what QEMU would go on to tell: it would keep all of it. */
	close(pins->ours);
	pins->ours = -1;
	if (r < 0)
		kill(pid, SIGTERM);
	return r;
}

int vm_run(const struct launch *launch, struct vm_pins *pins, int *ret_status,
	   struct error *err)
{
	/* Ignored, as a caller may have left it, it would not tell how the child ended.
	 */
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction before;
	sigset_t child_ended, old;
	int r, placed = 0;
	pid_t pid = 0;

	/* Blocked, a SIGCHLD that comes between waitpid and sigwaitinfo is not lost. */
	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ended, &old);
	sigaction(SIGCHLD, &usual, &before);
	r = launch_start(launch, &pid);
	if (r == 0) {
		placed = place_threads(pins, pid, err);
		*ret_status = wait_and_pass_on(pid);
	}
	sigaction(SIGCHLD, &before, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (r == -ENOENT) {
		error_set(err, ENOENT, launch->argv[0], "not found");
		error_hint(
			err,
			"install QEMU (package qemu-system-x86), or name it with --qemu");
	} else if (r < 0) {
		error_set(err, -r, launch->argv[0], "%s", strerror(-r));
	}
	return r < 0 ? r : placed;
}
