/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_USES_H
#define PCIFERRY_CLI_VM_USES_H

/* What this host does with the functions that a guest is to have. */
#include "cli/cli.h"
#include "cli/vm_functions.h"

/* When the guest gets them, and so what of them may be in use now. */
enum vm_uses {
	VM_USES_HOOK,  /* by pciferry's hook, which looks again: anything */
	VM_USES_LATER, /* by libvirt, at some start, without a look: no disk */
	VM_USES_START, /* by libvirt, as it is started next: nothing */
	VM_USES_NOW,   /* while it runs: nothing */
};

/*
 * Tells of each use, or refuses; `name` is the guest's. The view has CLI_NEEDS_USAGE; of
 * the live host's disks the kernel is asked, too. Returns 0, -EBUSY or -ENOMEM.
 */
int vm_uses_look(const struct cli *cli, struct cli_view *view,
		 const struct vm_functions *functions, const char *name,
		 enum vm_uses when, struct error *err);

/* pciferry's hook, by which the option works: -ENOENT, it is not installed. */
int vm_uses_find_hook(const struct host *host, const char *subject, struct error *err);

/* vm_measure_window() of these; where it cannot be known 0, which is told. */
uint64_t vm_uses_measure_window(const struct cli *cli, const struct cli_view *view,
				const struct vm_functions *functions);

#endif
