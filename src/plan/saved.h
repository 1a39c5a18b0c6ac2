/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_SAVED_H
#define PCIFERRY_PLAN_SAVED_H

/*
 * A plan in a file, to be looked at, and carried out later or on a host that is alike.
 * The file says which devices were meant, and by sums what each file was like and what
 * would come of it. Nothing in it is ever carried out: the plan is made once more, and
 * has to come to the same.
 */
#include "base/sha256.h"
#include "plan/plan.h"

enum {
	PLAN_SAVED_MAX = 1 << 20,     /* bytes; more is no plan */
	PLAN_SAVED_ITEMS_MAX = 10000, /* devices, and edits */
};

struct plan_saved_edit {
	/* In hexadecimal; "": there was, or will be, no such file. */
	char place[SHA256_TEXT_SIZE]; /* of the kind, the path and the arguments */
	char before[SHA256_TEXT_SIZE], after[SHA256_TEXT_SIZE]; /* of its bytes */
};

struct plan_saved {
	struct plan_options options;
	struct plan_member *members;
	size_t count;
	struct plan_saved_edit *edits;
	size_t n_edits;
};

/*
 * `name` is the file's, for the error. Whatever is not as it would be written is refused
 * (ERROR_REFUSED). Returns 0 or -errno.
 */
int plan_saved_parse(const char *text, size_t len, const char *name,
		     struct plan_saved *ret_saved, struct error *err);

/* The caller frees *ret_text. Returns 0, -ENOMEM, or -ENOENT: a library is not there. */
int plan_saved_write(const struct plan *plan, const struct plan_options *options,
		     char **ret_text, size_t *ret_len, struct error *err);
void plan_saved_free(struct plan_saved *saved); /* takes NULL */

/* What an edit is in such a file. Returns 0 or -ENOMEM. */
int plan_saved_edit_of(const struct sha256 *sha, const struct change_edit *edit,
		       struct plan_saved_edit *ret_edit);

#endif
