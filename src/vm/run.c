/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/vm.h"

extern char **environ;

static int spawn(char *const *argv, pid_t *ret_pid)
{
	posix_spawnattr_t attributes;
	sigset_t none, pipe;
	int r;

	r = posix_spawnattr_init(&attributes);
	if (r)
		return -r;
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	/* The caller may ignore it; a program expects its default. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &pipe);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawnp(ret_pid, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

static int wait_and_pass_on(pid_t pid)
{
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);
		int number;

		if (ended == pid)
			break;
		number = sigwaitinfo(&set, NULL);
		if (number > 0 && number != SIGCHLD)
			kill(pid, SIGTERM);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int vm_run(const struct string_list *argv, int *ret_status, struct error *err)
{
	_cleanup_free_ char **vector = calloc(argv->count + 1, sizeof(*vector));
	/* Ignored, as a caller may have left it, it would not tell how the child ended.
	 */
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction before;
	sigset_t child_ended, old;
	pid_t pid;
	int r;

	if (!vector)
		return error_oom(err);
	memcpy(vector, argv->items, argv->count * sizeof(*vector));
	/* Blocked, a SIGCHLD that comes between waitpid and sigwaitinfo is not lost. */
	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ended, &old);
	sigaction(SIGCHLD, &usual, &before);
	r = spawn(vector, &pid);
	if (r == 0)
		*ret_status = wait_and_pass_on(pid);
	sigaction(SIGCHLD, &before, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (r == -ENOENT) {
		error_set(err, ENOENT, vector[0], "not found");
		error_hint(
			err,
			"install QEMU (package qemu-system-x86), or name it with --qemu");
	} else if (r < 0) {
		error_set(err, -r, vector[0], "%s", strerror(-r));
	}
	return r;
}
