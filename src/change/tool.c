/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a tool of the distribution: its output is kept, its last line told. */
#include "change/tool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/atomicfile.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/program.h"
#include "change/internal.h"

/* An initramfs for each of ten kernels, on a slow machine. */
enum { DEADLINE_S = 3600, LINE_MAX_LEN = 200, OUTPUT_MAX = 16 << 20 };

/* Of one that failed so many lines are told. */
enum { LINES_TOLD = 20 };

struct run {
	const struct change_edit *edit;
	const struct change_watcher *watcher;
	int output; /* where it is kept */
	size_t kept;
	char line[LINE_MAX_LEN + 1]; /* the last one */
	size_t len;
	bool ended; /* the next character begins another one */
	bool kept_line;
	char lines[LINES_TOLD][LINE_MAX_LEN + 1]; /* the last ones, in a ring */
	size_t n_lines;
};

static void keep_line(struct run *run)
{
	if (run->len && !run->kept_line)
		memcpy(run->lines[run->n_lines++ % LINES_TOLD], run->line,
		       sizeof(run->line));
	run->kept_line = true;
}

static void take_output(const char *bytes, size_t len, void *argument)
{
	struct run *run = argument;

	/* Of a full disk the tool itself will tell; it must not be what fills it. */
	if (run->kept < OUTPUT_MAX && write_all(run->output, bytes, len) == 0)
		run->kept += len;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			keep_line(run);
		/* What ends with a CR is written over: how far it is. */
		if (bytes[i] == '\n' || bytes[i] == '\r') {
			run->ended = true;
			continue;
		}
		if (run->ended) {
			run->len = 0;
			run->kept_line = false;
		}
		run->ended = false;
		if (run->len < LINE_MAX_LEN)
			run->line[run->len++] = bytes[i];
		run->line[run->len] = '\0';
	}
}

static void tick(unsigned int seconds, void *argument)
{
	const struct run *run = argument;

	if (run->watcher && run->watcher->tool)
		run->watcher->tool(run->edit, seconds, run->line, run->watcher->argument);
}

/* What it wrote last; the very last line is a part of the message. */
static void tell_lines(struct run *run, struct error *err)
{
	size_t first;

	keep_line(run);
	first = run->n_lines > LINES_TOLD ? run->n_lines - LINES_TOLD : 0;
	if (run->n_lines < 2)
		return;
	error_evidence(err, "what it wrote last:");
	for (size_t i = first; i < run->n_lines; i++)
		error_evidence(err, "  %s", run->lines[i % LINES_TOLD]);
}

static int explain(const struct run *run, const struct program_end *end,
		   struct error *err)
{
	const char *colon = run->line[0] ? ": " : "";
	char subject[ERROR_SUBJECT_SIZE];
	int status = end->status;

	change_subject(run->edit->path, subject);
	if (!end->in_time)
		return error_set(err, ETIMEDOUT, subject,
				 "it did not end within %d minutes", DEADLINE_S / 60);
	if (WIFSIGNALED(status))
		return error_set(err, EIO, subject, "it was ended by signal %d%s%s",
				 WTERMSIG(status), colon, run->line);
	if (WEXITSTATUS(status) == PROGRAM_NOT_THERE && !run->line[0])
		return error_set(err, ENOENT, subject,
				 "it is not there, or what it needs is not");
	if (WEXITSTATUS(status) == PROGRAM_NOT_STARTED && !run->line[0])
		return error_set(err, ENOEXEC, subject, "it cannot be started");
	if (WEXITSTATUS(status))
		return error_set(err, EIO, subject, "it failed with status %d%s%s",
				 WEXITSTATUS(status), colon, run->line);
	return 0;
}

int change_run_tool(struct change *change, const struct change_edit *edit, int output,
		    const struct change_watcher *watcher, struct error *err)
{
	_cleanup_free_ char **argv = NULL;
	struct run run = { .edit = edit, .watcher = watcher, .output = output };
	char path[PATH_MAX];
	struct program program = {
		.root_fd = host_is_live(change->host) ? -1 : host_root_fd(change->host),
		.path = path,
		.signals = &change->old_signals,
		.deadline_s = DEADLINE_S,
		.output = take_output,
		.tick = tick,
		.argument = &run,
	};
	struct program_end end;
	int r;

	snprintf(path, sizeof(path), "/%s", edit->path);
	argv = calloc(edit->arguments.count + 2, sizeof(*argv));
	if (!argv)
		return error_oom(err);
	argv[0] = path;
	for (size_t i = 0; i < edit->arguments.count; i++)
		argv[i + 1] = edit->arguments.items[i];
	program.argv = argv;
	r = program_run(&program, &end);
	if (r < 0)
		return change_explain_path(edit->path, r, err);
	r = explain(&run, &end, err);
	if (r < 0)
		tell_lines(&run, err);
	return r;
}
