/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_SCRIPT_H
#define PCIFERRY_CHECK_SCRIPT_H

/*
 * What a shell's script does that makes libvirt wait for it: libvirt reads both outputs
 * of a hook to their ends, which come when the last child that has them is gone
 * (virCommandRun() in src/util/vircommand.c).
 *
 * A script is not run, and not parsed as strictly as a shell does (POSIX.1-2017, Shell
 * Command Language): what is not understood gives no note.
 */
#include <stddef.h>

enum check_script_kind {
	SCRIPT_BACKGROUND, /* a child in the background that keeps an output */
	SCRIPT_LIBVIRT,	   /* a program that talks to libvirt */
	SCRIPT_WAITS,	   /* sleep */
};

struct check_script_note {
	enum check_script_kind kind;
	unsigned int line; /* from 1 on */
	char command[48];  /* its first word, cut; "(...)" for one in brackets */
};

struct check_script_notes {
	struct check_script_note *items; /* not sorted */
	size_t count;
};
void check_script_free(struct check_script_notes *notes); /* takes NULL */

/* Returns 0 or -ENOMEM. */
int check_script_read(const char *text, size_t len, struct check_script_notes *ret_notes);

#endif
