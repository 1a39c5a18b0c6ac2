/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_SHELL_H
#define PCIFERRY_BOOTCFG_SHELL_H

/*
 * Files of settings that a shell reads: /etc/default/grub, /etc/os-release,
 * /etc/mkinitcpio.conf. An array's words are its value, with a space between them.
 */
#include "bootcfg/words.h"
#include "host/host.h"

struct bootcfg_shell {
	struct bootcfg_variables variables;
	bool uncertain; /* it includes another file, which may set any of them */
};

/*
 * Adds what a file sets to what those before it set, as `.` in one shell would. What
 * stands in a condition, or comes from a command, is uncertain. The file's name has to
 * stay. Returns 0 or -ENOMEM.
 */
int bootcfg_shell_parse(const char *text, size_t len, const char *file,
			struct bootcfg_shell *shell);

/* The same of a host's file. KNOWN, ABSENT or UNREADABLE; out of memory is the last. */
enum fact bootcfg_shell_read(const struct host *host, const char *path,
			     struct bootcfg_shell *shell);
void bootcfg_shell_free(struct bootcfg_shell *shell); /* takes NULL */

/* What a variable is set to; "" when it is not set. */
const char *bootcfg_shell_value(const struct bootcfg_shell *shell, const char *name);

#endif
