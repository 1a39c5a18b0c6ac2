/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_CLOCK_H
#define PCIFERRY_BASE_CLOCK_H

#include <time.h>

/* Milliseconds of a clock that nobody sets (CLOCK_MONOTONIC), for deadlines. */
static inline long long clock_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* The same in seconds, a part of one left out. */
static inline long clock_now_s(void)
{
	return (long)(clock_now_ms() / 1000);
}

#endif
