/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_error(struct error *err, enum error_kind kind, int code,
		     const char *subject, const char *format, va_list args)
	__attribute__((format(printf, 5, 0)));

static int set_error(struct error *err, enum error_kind kind, int code,
		     const char *subject, const char *format, va_list args)
{
	if (!err)
		return -code;
	error_clear(err);
	err->kind = kind;
	err->code = code;
	snprintf(err->subject, sizeof(err->subject), "%s", subject ? subject : "");
	vsnprintf(err->message, sizeof(err->message), format, args);
	return -code;
}

int error_set(struct error *err, int code, const char *subject, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = set_error(err, ERROR_FAILED, code, subject, format, args);
	va_end(args);
	return r;
}

int error_usage(struct error *err, const char *subject, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = set_error(err, ERROR_USAGE, EINVAL, subject, format, args);
	va_end(args);
	return r;
}

int error_refuse(struct error *err, const char *subject, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = set_error(err, ERROR_REFUSED, EBUSY, subject, format, args);
	va_end(args);
	return r;
}

int error_oom(struct error *err)
{
	return error_set(err, ENOMEM, "", "out of memory");
}

void error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	if (!err || err->hint[0])
		return;
	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}

void error_evidence(struct error *err, const char *format, ...)
{
	va_list args;
	char *line, **lines;
	size_t n = 0;
	int r;

	if (!err)
		return;
	va_start(args, format);
	r = vasprintf(&line, format, args);
	va_end(args);
	if (r < 0)
		return;
	while (err->evidence && err->evidence[n])
		n++;
	lines = reallocarray(err->evidence, n + 2, sizeof(*lines));
	if (!lines) {
		free(line);
		return;
	}
	lines[n] = line;
	lines[n + 1] = NULL;
	err->evidence = lines;
}

bool error_is_set(const struct error *err)
{
	return err && err->code;
}

int error_gather(int result, int r, struct error *one, struct error *err)
{
	if (r < 0 && result == 0 && err) {
		error_clear(err);
		*err = *one;
		*one = (struct error)ERROR_INIT;
	} else if (r < 0 && result < 0) {
		error_evidence(err, "%s: %s", one->subject, one->message);
	}
	error_clear(one);
	return result < 0 ? result : r;
}

void error_clear(struct error *err)
{
	if (!err)
		return;
	for (char **line = err->evidence; line && *line; line++)
		free(*line);
	free(err->evidence);
	memset(err, 0, sizeof(*err));
}
