/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_KEEPER_H
#define PCIFERRY_BASE_KEEPER_H

/*
 * A process that stays beside this one, and, should this one be killed, ends the guest,
 * with what was begun for it, and does what was to be done at its end.
 */
#include <sys/types.h>

struct keeper {
	pid_t pid; /* 0: there is none */
	int line;  /* ends, as seen from the keeper, when this process does */
};

/*
 * Starts it. It waits with the signals that are blocked here blocked, in a session of its
 * own, with only standard error. When this process ends without keeper_dismiss(), it ends
 * what it was told of, the last one first, by SIGTERM and at last by SIGKILL, and calls
 * at_end(). Returns 0 or -errno.
 */
int keeper_start(void (*at_end)(void *argument), void *argument,
		 struct keeper *ret_keeper);

/*
 * This process, a child of the one that the keeper is beside, becomes the guest, or a
 * program that the guest needs, which comes before it. There are a few at most.
 */
void keeper_tell(const struct keeper *keeper);

/* All has been done: it ends. */
void keeper_dismiss(struct keeper *keeper);

#endif
