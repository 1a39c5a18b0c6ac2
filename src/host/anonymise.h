/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_HOST_ANONYMISE_H
#define PCIFERRY_HOST_ANONYMISE_H

/*
 * Takes out of texts what tells whose machine it was: MAC and IP addresses, UUIDs, serial
 * numbers, the host's name. The same original becomes the same replacement everywhere in
 * one recording, so that what belonged together still does; replacements are numbered,
 * and nothing leads back from them.
 */
#include <stdbool.h>
#include <stddef.h>

struct anonymiser;

/* NULL: out of memory. */
struct anonymiser *anonymiser_new(void);
void anonymiser_free(struct anonymiser *anonymiser); /* takes NULL */

/*
 * Learns what is secret by where it stands: a serial number is known by its file's name
 * alone. To be called for all files before the first text is changed. 0 or -ENOMEM.
 */
int anonymiser_learn(struct anonymiser *anonymiser, const char *path, const char *bytes,
		     size_t len);

/* The text without them, which the caller frees. Returns 0 or -ENOMEM. */
int anonymiser_replace(struct anonymiser *anonymiser, const char *text, size_t len,
		       char **ret_text, size_t *ret_len);

/*
 * The same for the path of a file or a link's target, which keeps the host's name: in it,
 * that word is a driver's or a class's, and the path would not be found again.
 */
int anonymiser_replace_path(struct anonymiser *anonymiser, const char *text, size_t len,
			    char **ret_text, size_t *ret_len);

#endif
