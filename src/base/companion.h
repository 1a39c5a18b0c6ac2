/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_COMPANION_H
#define PCIFERRY_BASE_COMPANION_H

/*
 * Another program that runs beside this one for as long as it does something: the shell's
 * "cat" behind it, whose end of the line is held here. When this process ends, in
 * whichever way, the line ends, and so does the companion.
 */
#include <sys/types.h>

struct companion {
	pid_t pid; /* 0: there is none */
	int line;
};

/*
 * Starts a program that sooner or later becomes, or starts, "cat" on its standard input
 * and output. Returns 0 when that answers within deadline_ms; -ECHILD when it ended
 * instead; -ETIMEDOUT when it did neither, and was killed; or -errno. Then there is
 * nothing to end.
 */
int companion_start(const char *path, char *const *argv, unsigned int deadline_ms,
		    struct companion *ret_companion);

/* Ends the line, and waits at most deadline_ms for the end of it; then kills it. */
void companion_end(struct companion *companion, unsigned int deadline_ms);

#endif
