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

int within_verify(const struct host *host, unsigned int seconds,
		  bool (*is_enough)(const struct plan_verification *, void *argument),
		  void *argument, struct plan_verification *ret_verification,
		  struct error *err)
{
	const struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };

	for (unsigned int looks = 0;; looks++) {
		int r = plan_verify(host, ret_verification, err);

		if (r < 0 || is_enough(ret_verification, argument) ||
		    ret_verification->disarmed || looks >= seconds * 1000 / EVERY_MS)
			return r;
		plan_verification_free(ret_verification);
		nanosleep(&pause, NULL);
	}
}
