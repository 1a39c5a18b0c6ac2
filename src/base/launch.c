/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/keeper.h"
#include "base/program.h"

int launch_become(const struct launch_user *user)
{
	if (!user->name)
		return 0;
	if (initgroups(user->name, user->gid) < 0 ||
	    setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	return 0;
}

/* What a program finds there is root's, or that of his session, which is not this one. */
static int set_environment(const struct launch_user *user)
{
	static const char *const roots[] = { "TMPDIR",		"XDG_CACHE_HOME",
					     "XDG_CONFIG_HOME", "XDG_DATA_HOME",
					     "XDG_RUNTIME_DIR", "XDG_STATE_HOME" };
	char runtime[64];

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		unsetenv(roots[i]);
	snprintf(runtime, sizeof(runtime), "/run/user/%u", (unsigned int)user->uid);
	if ((user->home && setenv("HOME", user->home, 1) < 0) ||
	    setenv("USER", user->name, 1) < 0 || setenv("LOGNAME", user->name, 1) < 0 ||
	    setenv("XDG_RUNTIME_DIR", runtime, 1) < 0)
		return -errno;
	return 0;
}

static int become(const struct launch *launch)
{
	struct rlimit limit = {
		.rlim_cur = launch->locked_bytes,
		.rlim_max = launch->locked_bytes,
	};
	int r;

	if (!launch->user.name)
		return 0;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return -errno;
	r = launch_become(&launch->user);
	return r < 0 ? r : set_environment(&launch->user);
}

int launch_pin(pid_t thread, const unsigned int *cpus, size_t count)
{
	unsigned int max = 0;
	cpu_set_t *set;
	size_t size;
	int r;

	for (size_t i = 0; i < count; i++)
		if (cpus[i] > max)
			max = cpus[i];
	size = CPU_ALLOC_SIZE(max + 1);
	set = CPU_ALLOC(max + 1);
	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	for (size_t i = 0; i < count; i++)
		CPU_SET_S(cpus[i], size, set);
	r = sched_setaffinity(thread, size, set) < 0 ? -errno : 0;
	CPU_FREE(set);
	return r;
}

/* It is this process's copy alone that an exec no longer closes. */
static int keep_descriptors(const struct launch *launch)
{
	for (size_t i = 0; i < launch->n_kept; i++)
		if (launch->kept[i] >= 0 && fcntl(launch->kept[i], F_SETFD, 0) < 0)
			return -errno;
	return 0;
}

/* Ends in the program, or tells why not. */
static void __attribute__((noreturn)) run_child(const struct launch *launch, int line)
{
	sigset_t none;
	int r;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The caller may ignore it; a program expects its default. */
	signal(SIGPIPE, SIG_DFL);
	if (launch->keeper)
		keeper_tell(launch->keeper);
	if (launch->is_apart)
		setsid();
	r = keep_descriptors(launch);
	if (r == 0 && launch->n_cpus)
		r = launch_pin(0, launch->cpus, launch->n_cpus);
	if (r == 0)
		r = become(launch);
	if (r == 0) {
		execvp(launch->argv[0], launch->argv);
		r = -errno;
	}
	if (write(line, &r, sizeof(r)) != sizeof(r))
		_exit(PROGRAM_NOT_THERE);
	_exit(PROGRAM_NOT_STARTED);
}

int launch_start(const struct launch *launch, pid_t *ret_pid)
{
	int line[2], failure, r = 0;
	ssize_t n = 0;

	/* Ends when the program has begun. */
	if (pipe2(line, O_CLOEXEC) < 0)
		return -errno;
	*ret_pid = fork();
	if (*ret_pid == 0)
		run_child(launch, line[1]);
	if (*ret_pid < 0)
		r = -errno;
	close(line[1]);
	do
		n = r == 0 ? read(line[0], &failure, sizeof(failure)) : 0;
	while (n < 0 && errno == EINTR);
	close(line[0]);
	if (n != sizeof(failure))
		return r;
	waitpid(*ret_pid, NULL, 0);
	return failure;
}
