/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/program.h"
#include "change/internal.h"

/* What it writes about a unit; of more, nothing here has use. */
struct answer {
	char *text;
	size_t size;
	FILE *stream;
};

/* Why an order failed is in systemd's journal. */
static void pass_over(const char *bytes, size_t len, void *argument)
{
	(void)bytes, (void)len, (void)argument;
}

static void take_answer(const char *bytes, size_t len, void *argument)
{
	struct answer *answer = argument;

	fwrite(bytes, 1, len, answer->stream);
}

static int run(const struct change *change, char *const *argv,
	       void (*output)(const char *bytes, size_t len, void *argument),
	       void *argument)
{
	struct program program = {
		.root_fd = -1, /* only a host that is this machine is changed so */
		.path = "/usr/bin/systemctl",
		.argv = argv,
		.signals = &change->old_signals,
		.deadline_s = change->options.deadline_ms / 1000,
		.output = output,
		.argument = argument,
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

int change_order_unit(const struct change *change, const char *order, const char *unit)
{
	char *const argv[] = { (char *)"systemctl", (char *)order, (char *)unit, NULL };

	return run(change, argv, pass_over, NULL);
}

int change_set_unit(const struct change *change, const char *unit, const char *assignment)
{
	char *const argv[] = { (char *)"systemctl",
			       (char *)"set-property",
			       (char *)"--runtime",
			       (char *)"--",
			       (char *)unit,
			       (char *)assignment,
			       NULL };

	return run(change, argv, pass_over, NULL);
}

/* Its line "PROPERTY=VALUE", which has no other beside it but complaints. */
static char *find_value(char *text, const char *property)
{
	size_t len = strlen(property);
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, property, len) && line[len] == '=')
			return strdup(line + len + 1);
	return NULL;
}

int change_read_unit(const struct change *change, const char *unit, const char *property,
		     char **ret_value)
{
	char *const argv[] = {
		(char *)"systemctl", (char *)"show", (char *)"-p", (char *)property,
		(char *)"--",	     (char *)unit,   NULL
	};
	struct answer answer = { 0 };
	_cleanup_free_ char *text = NULL;
	int r;

	answer.stream = open_memstream(&answer.text, &answer.size);
	if (!answer.stream)
		return -ENOMEM;
	r = run(change, argv, take_answer, &answer);
	if (fclose(answer.stream) != 0 && r == 0)
		r = -ENOMEM;
	text = answer.text;
	if (r < 0)
		return r;
	*ret_value = find_value(text, property);
	return *ret_value ? 0 : -ENODATA;
}
