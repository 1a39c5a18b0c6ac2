/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_H
#define PCIFERRY_CLI_VM_H

/* The commands of `vm`, named with it: "vm run". */
#include "cli/cli.h"

extern const struct cli_command cli_vm_create, cli_vm_attach, cli_vm_detach, cli_vm_lint,
	cli_vm_xml, cli_vm_run, cli_vm_hook;

#endif
