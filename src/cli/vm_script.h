/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_SCRIPT_H
#define PCIFERRY_CLI_VM_SCRIPT_H

/* What `vm run` would do, for a shell. */
#include "cli/vm_files.h"
#include "cli/vm_options.h"

/*
 * The command line, on one line, behind those for what it wants to find; or, where
 * the request is for a script, one in the manner people keep by hand: binds, runs,
 * gives back. Returns 0 or -ENOMEM.
 */
int vm_script_print(const struct vm_request *request, const struct vm_files *files,
		    const struct string_list *argv);

#endif
