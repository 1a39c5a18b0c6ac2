/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_CMDLINE_H
#define PCIFERRY_BOOTCFG_CMDLINE_H

/* A kernel's command line, taken apart as the kernel does it (next_arg() in
 * lib/cmdline.c). */
#include <stdbool.h>
#include <stddef.h>

#include "host/host.h"

struct bootcfg_parameter {
	char *name;  /* "vfio-pci.ids", as it was written */
	char *value; /* without the quotes around it; NULL: there is no "=" */
};

struct bootcfg_cmdline {
	struct bootcfg_parameter *items; /* in their order */
	size_t count;
};

/* Up to "--", behind which stand the arguments of init. Returns 0 or -ENOMEM. */
int bootcfg_cmdline_parse(const char *text, size_t len,
			  struct bootcfg_cmdline *ret_cmdline);
void bootcfg_cmdline_free(struct bootcfg_cmdline *cmdline); /* takes NULL */

/* That of the running kernel. */
enum fact bootcfg_cmdline_read(const struct host *host,
			       struct bootcfg_cmdline *ret_cmdline);

/* Whether two names are the same to the kernel: "-" and "_" are (parameq()). */
bool bootcfg_same_name(const char *a, const char *b);
int bootcfg_compare_names(const char *a, const char *b); /* as strcmp() */

/* The last one of that name, which decides for most parameters; NULL: none. */
const struct bootcfg_parameter *
bootcfg_find_parameter(const struct bootcfg_cmdline *cmdline, const char *name);

/* Whether one of a list's words, which commas part, is this one: "on,sm_on" has "on". */
bool bootcfg_value_has(const char *value, const char *word);

/*
 * What is asked of pciferry's early script, which looks at each word: "pciferry=off", and
 * what stands behind "pciferry=trial:" (NULL: nothing).
 */
bool bootcfg_is_disarmed(const struct bootcfg_cmdline *cmdline);
const char *bootcfg_trial_word(const struct bootcfg_cmdline *cmdline);

#endif
