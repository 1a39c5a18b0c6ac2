/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_WITHIN_H
#define PCIFERRY_CLI_WITHIN_H

/* --wait: looking again until something is so, for a time. */
#include <stdbool.h>

struct error;

/* The value of --wait, NULL where it has none. Returns 0 or -EINVAL. */
int within_parse(const char *text, unsigned int *ret_seconds, struct error *err);

/* Of a time that began when it was initialised: { .seconds = 30 }. */
struct within {
	unsigned int seconds, looks;
};

/* Sleeps until it is time to look again. false: the time is over. */
bool within_again(struct within *within);

#define WITHIN_HELP "  --wait[=SEC]     look again for SEC seconds (30) until all is so\n"

#endif
