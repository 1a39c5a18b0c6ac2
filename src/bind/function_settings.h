/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BIND_FUNCTION_SETTINGS_H
#define PCIFERRY_BIND_FUNCTION_SETTINGS_H

/*
 * What is to be set of virtual functions, in the words of a user and of the tab:
 *
 *	vf0.mac=52:54:00:00:00:01
 *	vf0.vlan=100		or 100:3, with its priority; 0: none
 *	vf0.trust=on		or off
 *	vf0.spoofchk=off	or on
 *
 * "vf*" is each of them. The names are those of ip-link(8).
 */
#include "host/links.h"

struct error;

struct bind_function_settings {
	struct host_function *items; /* by index, one for each function */
	size_t count;
	struct host_function all; /* of each of them */
};
void bind_function_settings_free(
	struct bind_function_settings *settings); /* takes NULL */

/*
 * Adds "vf0.mac=...". ERROR_USAGE where it is none, or where the same is set already.
 * Returns 0, -EINVAL or -ENOMEM.
 */
int bind_function_settings_add(struct bind_function_settings *settings, const char *text,
			       struct error *err);

/* Whether a word of the tab's set line is for virtual functions: "vf0." and more. */
bool bind_is_function_setting(const char *word);

/*
 * Those of a set line, which has one blank between two, that are for virtual functions.
 * Adds to *settings; errors as above.
 */
int bind_function_settings_add_words(struct bind_function_settings *settings,
				     const char *words, struct error *err);

/*
 * The same for a device that has `count` functions: "vf*" is spelled out. ERROR_USAGE for
 * a function that there is not. For bind_function_settings_free(). Returns 0 or -errno.
 */
int bind_function_settings_spread(const struct bind_function_settings *settings,
				  unsigned int count,
				  struct bind_function_settings *ret_settings,
				  struct error *err);

/* Takes what `settings` says over from it; what it does not say stays. 0 or -ENOMEM. */
int bind_function_settings_merge(struct bind_function_settings *into,
				 const struct bind_function_settings *settings);

/* Of functions below `count`, as words with one blank between two; the caller frees it.
 */
char *bind_function_settings_write(const struct bind_function_settings *settings,
				   unsigned int count);

#endif
