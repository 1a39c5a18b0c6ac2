/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_FILES_H
#define PCIFERRY_CLI_VM_FILES_H

/* The name of a guest of `vm run`, and the files, sockets and addresses that it has by
 * its name. */
#include <limits.h>
#include <net/if.h>

#include "cli/vm_options.h"
#include "host/links.h"

struct vm_files {
	struct vm_firmware firmware;
	char name[64];
	char vars[PATH_MAX];
	char screen[PATH_MAX];

	/* Of swtpm: its folder; and for a shell, its socket and where its number is. */
	char tpm[PATH_MAX], tpm_socket[PATH_MAX], tpm_pid[PATH_MAX];
	struct vm_line tpm_line;

	char lock[PATH_MAX]; /* of a script, while it runs */

	/* Of a network card: its address, and the interface of the host's for it. */
	char mac[HOST_MAC_SIZE], tap[IFNAMSIZ];
};

/*
 * Chooses them for the request, whose devices are known, and, but for a dry run, makes
 * what QEMU wants to find. The request's config points at *ret_files, for
 * vm_files_end(), also on failure. Returns 0 or -errno.
 */
int vm_files_prepare(const struct cli *cli, const struct host *host,
		     struct vm_request *request, struct vm_files *ret_files,
		     struct error *err);

/* The guest has ended: takes away what nobody needs any more. */
void vm_files_end(const struct host *host, const struct vm_request *request,
		  struct vm_files *files);

/* The same of what stays, by another process, whose request has no files yet. */
void vm_files_end_instead(const struct host *host, const struct vm_request *request);

#endif
