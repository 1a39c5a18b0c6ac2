/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_HOOK_H
#define PCIFERRY_CLI_VM_HOOK_H

/* `vm hook`: docs/design/hooks.md. */
#include "cli/cli.h"

/* argv[0] is "run". What libvirt's hook calls; it writes nothing on standard output. */
int vm_hook_run(struct cli *cli, int argc, char **argv, struct error *err);

#endif
