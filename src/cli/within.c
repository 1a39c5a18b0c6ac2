/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/within.h"

#include <time.h>

#include "base/error.h"
#include "base/text.h"

enum { DEFAULT_S = 30, MAX_S = 3600, EVERY_MS = 250 };

int within_parse(const char *text, unsigned int *ret_seconds, struct error *err)
{
	uint64_t seconds = DEFAULT_S;

	if (text && text_parse_number(text, MAX_S, &seconds) < 0)
		return error_usage(err, "--wait", "%s is no number of seconds up to %d",
				   text, MAX_S);
	*ret_seconds = (unsigned int)seconds;
	return 0;
}

bool within_again(struct within *within)
{
	const struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };

	if (within->looks >= within->seconds * 1000 / EVERY_MS)
		return false;
	within->looks++;
	nanosleep(&pause, NULL);
	return true;
}
