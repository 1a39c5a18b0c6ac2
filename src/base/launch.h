/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_LAUNCH_H
#define PCIFERRY_BASE_LAUNCH_H

/* Starting a program that has this one's terminal and environment: a guest. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct keeper;

/* A user whom root becomes. */
struct launch_user {
	char *name; /* as initgroups(3) wants it; NULL: nobody, all stays as it is */
	uid_t uid;
	gid_t gid;
	const char *home; /* for $HOME of what he runs; NULL: it stays */
};

/* In a child, for good. Returns 0 or -errno. */
int launch_become(const struct launch_user *user);

/*
 * Gives a thread these processors of the host, and no others. 0: this one. Returns 0 or
 * -errno; -EINVAL: none of them is there for it.
 */
int launch_pin(pid_t thread, const unsigned int *cpus, size_t count);

struct launch {
	char *const *argv; /* ended by NULL; argv[0] is looked up in $PATH */
	struct launch_user user;
	uint64_t locked_bytes;	     /* what that user may lock in memory */
	const struct keeper *keeper; /* that is told of it; NULL: none */

	const int *kept; /* descriptors that it finds under their numbers; or < 0 */
	size_t n_kept;
	const unsigned int *cpus; /* of the host, where it runs; n_cpus 0: anywhere */
	size_t n_cpus;
	bool is_apart; /* in a session of its own: Ctrl-C is not for it */
};

/* Returns 0 when the program runs, with no signal blocked; or what kept it from that. */
int launch_start(const struct launch *launch, pid_t *ret_pid);

#endif
