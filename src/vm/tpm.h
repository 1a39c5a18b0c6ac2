/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_TPM_H
#define PCIFERRY_VM_TPM_H

/*
 * A TPM 2.0 for a guest: swtpm(8), a process beside QEMU, which ends when QEMU does. What
 * the guest has sealed in it is in a folder of its own.
 */
#include <sys/types.h>

#include "vm/vm.h"

#define VM_TPM_PROGRAM "swtpm"

/*
 * swtpm's argument vector. Where the line is a path, it leaves the shell alone, and its
 * number is at pid_file. Returns 0 or -ENOMEM.
 */
int vm_build_tpm_argv(const char *folder, const struct vm_line *line,
		      const char *pid_file, struct string_list *ret_argv);

struct vm_tpm {
	pid_t pid;	     /* 0: there is none */
	struct vm_line line; /* QEMU's end of it */
};

/* Starts it as that user, whose folder it is. For vm_tpm_end(). Returns 0 or -errno. */
int vm_tpm_start(const struct launch_user *user, const struct keeper *keeper,
		 const char *folder, struct vm_tpm *ret_tpm, struct error *err);

/* After QEMU: waits for its end, and sees to it. */
void vm_tpm_end(struct vm_tpm *tpm);

#endif
