/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BASE_ERROR_H
#define PCIFERRY_BASE_ERROR_H

/*
 * What went wrong, for a person. docs/design/error-handling.md is the page on it.
 *
 * A function that can fail returns 0 or exactly -errno, and takes a struct error as its
 * last parameter, which may be NULL. The first failure fills it; callers on the way up
 * may add a hint where they know the way out. Nothing in here fails: texts too long for
 * their place are cut, never lost whole.
 */
#include <stdbool.h>

/* What the failure means to the person who asked; it decides the exit status. */
enum error_kind {
	ERROR_FAILED,  /* it was tried, or could not be tried; also: no such device */
	ERROR_USAGE,   /* what was asked for is malformed */
	ERROR_REFUSED, /* it would be unsafe; the evidence says why */
};

enum { ERROR_SUBJECT_SIZE = 160, ERROR_MESSAGE_SIZE = 512, ERROR_HINT_SIZE = 320 };

struct error {
	enum error_kind kind;
	int code;			  /* positive errno; 0: no error */
	char subject[ERROR_SUBJECT_SIZE]; /* an address, a path, an option; may be "" */
	char message[ERROR_MESSAGE_SIZE]; /* one line, no full stop */
	char hint[ERROR_HINT_SIZE];	  /* the way out, one line; may be "" */
	char **evidence;		  /* lines, NULL-terminated; NULL: none. Owned. */
};

#define ERROR_INIT                   \
	{                            \
		.kind = ERROR_FAILED \
	}

/* Each sets the error (where err is not NULL) and returns -code. */
int error_set(struct error *err, int code, const char *subject, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int error_usage(struct error *err, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_refuse(struct error *err, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* -ENOMEM, with the words for it. */
int error_oom(struct error *err);

/* Sets the way out, unless a deeper place, which knows better, has set one. */
void error_hint(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds one line of evidence. A line that finds no memory is dropped. */
void error_evidence(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

bool error_is_set(const struct error *err);

/*
 * For parts of which none waits for another's success, with `result` so far and one more
 * that returned r: the first failure is the error, each other one evidence of it. `one`
 * is empty afterwards. Returns the result of all.
 */
int error_gather(int result, int r, struct error *one, struct error *err);

/* Releases the evidence and makes the error empty; takes NULL. */
void error_clear(struct error *err);

#endif
