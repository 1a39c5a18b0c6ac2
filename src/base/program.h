/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_PROGRAM_H
#define PCIFERRY_BASE_PROGRAM_H

/* Running another program, and reading what it writes. */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct program {
	int root_fd;		 /* its "/": a folder; -1: ours */
	const char *path;	 /* absolute, beneath that root */
	char *const *argv;	 /* ended by NULL; argv[0] is its name */
	const sigset_t *signals; /* what it finds blocked; NULL: what is blocked here */
	unsigned int deadline_s; /* after which it is killed, with its children */

	/* Some of its output, standard error among it. */
	void (*output)(const char *bytes, size_t len, void *argument);

	/* It has run for so long; called at least once a second. May be NULL. */
	void (*tick)(unsigned int seconds, void *argument);
	void *argument;
};

/* The status of what is not there, and of what cannot be started; as a shell has them. */
enum { PROGRAM_NOT_STARTED = 126, PROGRAM_NOT_THERE = 127 };

/*
 * For a child: becomes the program, in a plain environment, whatever the person's shell
 * has in it; or ends with one of these.
 */
void program_execute(const char *path, char *const *argv) __attribute__((noreturn));

/* How it ended. */
struct program_end {
	bool in_time;
	int status; /* as of waitpid(2) */
};

/*
 * Runs it to its end, in a session of its own, with a plain environment and nothing on
 * its standard input. What it leaves running goes on, with nobody at its output. When
 * this process dies, it gets SIGTERM. Returns 0 and *ret_end, or -errno when no process
 * could be made.
 */
int program_run(const struct program *program, struct program_end *ret_end);

#endif
