/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_HOOK_H
#define PCIFERRY_VM_HOOK_H

/* The hook by which libvirt calls pciferry: docs/design/hooks.md. */
#include "change/edit.h"
#include "host/host.h"

struct error;

#define VM_HOOK_FOLDER "etc/libvirt/hooks"
#define VM_HOOK	       VM_HOOK_FOLDER "/qemu.d/pciferry"

/*
 * The edits after which the hook is there, and calls the program with this path; none
 * where it is so already. Refused (ERROR_REFUSED) where others than root can write to the
 * program; -EACCES where AppArmor would not let a hook start it. Looked at
 * (change_edits_look()); for change_edits_free(). Returns 0 or -errno.
 */
int vm_hook_install(const struct host *host, const char *program,
		    struct change_edits *ret_edits, struct error *err);

/* The same for it to be gone. */
int vm_hook_remove(const struct host *host, struct change_edits *ret_edits,
		   struct error *err);

#endif
