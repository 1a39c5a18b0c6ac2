/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/wait.h>

#include "base/program.h"
#include "change/internal.h"

/* Why it failed is in systemd's journal. */
static void pass_over(const char *bytes, size_t len, void *argument)
{
	(void)bytes, (void)len, (void)argument;
}

int change_order_unit(const struct change *change, const char *order, const char *unit)
{
	char *const argv[] = { (char *)"systemctl", (char *)order, (char *)unit, NULL };
	struct program program = {
		.root_fd = -1, /* only a host that is this machine is changed so */
		.path = "/usr/bin/systemctl",
		.argv = argv,
		.signals = &change->old_signals,
		.deadline_s = change->options.deadline_ms / 1000,
		.output = pass_over,
	};
	struct program_end end;
	int r = program_run(&program, &end);

	if (r == 0 && WIFEXITED(end.status) &&
	    WEXITSTATUS(end.status) == PROGRAM_NOT_THERE) {
		program.path = "/bin/systemctl";
		r = program_run(&program, &end);
	}
	if (r < 0)
		return r;
	if (!end.in_time)
		return -ETIMEDOUT;
	return end.status ? -EIO : 0;
}
