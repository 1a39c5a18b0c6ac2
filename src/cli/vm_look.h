/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_LOOK_H
#define PCIFERRY_CLI_VM_LOOK_H

/* Whether a guest of `vm run` could have what it is to have, looked at before any device
 * is touched for it. */
#include "cli/vm_options.h"

/*
 * Whether its programs are there, and whether it may open its files as whom it will run.
 * Returns 0 or -errno.
 */
int vm_look_at_files(const struct vm_request *request, struct error *err);

/* Whether there is a bridge, and this user can have the guest in it. 0 or -errno. */
int vm_look_at_network(const struct host *host, const struct vm_request *request,
		       struct error *err);

#endif
