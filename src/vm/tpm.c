/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/tpm.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

/* It has nothing to do but to write its state, which it does at each change of it. */
enum { SEE_THE_END_MS = 500, END_MS = 5000, LOOK_EVERY_MS = 10 };

int vm_build_tpm_argv(const char *folder, const struct vm_line *line,
		      const char *pid_file, struct string_list *ret_argv)
{
	_cleanup_(string_list_free) struct string_list argv = { 0 };
	int r = string_list_add(&argv, VM_TPM_PROGRAM);

	if (r == 0)
		r = string_list_add(&argv, "socket");
	if (r == 0)
		r = string_list_add(&argv, "--tpm2");
	if (r == 0)
		r = string_list_add(&argv, "--tpmstate");
	if (r == 0)
		r = string_list_addf(&argv, "dir=%s,mode=0600", folder);
	if (r == 0)
		r = string_list_add(&argv, "--ctrl");
	if (r == 0 && line->path)
		r = string_list_addf(&argv, "type=unixio,path=%s,mode=0600", line->path);
	else if (r == 0)
		r = string_list_addf(&argv, "type=unixio,clientfd=%d", line->fd);
	/* With QEMU's end. */
	if (r == 0)
		r = string_list_add(&argv, "--terminate");
	if (r == 0 && line->path)
		r = string_list_add(&argv, "--daemon");
	if (r == 0 && line->path)
		r = string_list_add(&argv, "--pid");
	if (r == 0 && line->path)
		r = string_list_addf(&argv, "file=%s", pid_file);
	if (r < 0)
		return r;
	*ret_argv = argv;
	memset(&argv, 0, sizeof(argv));
	return 0;
}

/* line: swtpm's end. */
static int launch_at(const struct vm_line *line, const struct launch_user *user,
		     const struct keeper *keeper, const char *folder, pid_t *ret_pid)
{
	_cleanup_(string_list_free) struct string_list argv = { 0 };
	_cleanup_free_ char **vector = NULL;
	struct launch launch = {
		.user = *user,
		.keeper = keeper,
		.kept = &line->fd,
		.n_kept = 1,
		.is_apart = true,
	};

	if (vm_build_tpm_argv(folder, line, NULL, &argv) < 0)
		return -ENOMEM;
	vector = calloc(argv.count + 1, sizeof(*vector));
	if (!vector)
		return -ENOMEM;
	memcpy(vector, argv.items, argv.count * sizeof(*vector));
	launch.argv = vector;
	return launch_start(&launch, ret_pid);
}

int vm_tpm_start(const struct launch_user *user, const struct keeper *keeper,
		 const char *folder, struct vm_tpm *ret_tpm, struct error *err)
{
	_cleanup_close_ int its = -1;
	_cleanup_close_ int ours = -1;
	struct vm_line line = { 0 };
	int ends[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, VM_TPM_PROGRAM, "%s", strerror(errno));
	ours = ends[0];
	line.fd = its = ends[1];
	r = launch_at(&line, user, keeper, folder, &pid);
	if (r < 0)
		return error_set(err, -r, VM_TPM_PROGRAM, "%s", strerror(-r));
	*ret_tpm = (struct vm_tpm){ .pid = pid, .line.fd = steal_fd(&ours) };
	return 0;
}

static bool has_ended(pid_t pid, int timeout_ms)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
	long long until = clock_now_ms() + timeout_ms;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_now_ms() > until)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

void vm_tpm_end(struct vm_tpm *tpm)
{
	if (!tpm->pid)
		return;
	close(tpm->line.fd);
	/* Of a QEMU that has never spoken to it, it does not see the end. */
	if (!has_ended(tpm->pid, SEE_THE_END_MS)) {
		kill(tpm->pid, SIGTERM);
		if (!has_ended(tpm->pid, END_MS)) {
			kill(tpm->pid, SIGKILL);
			waitpid(tpm->pid, NULL, 0);
		}
	}
	tpm->pid = 0;
}
