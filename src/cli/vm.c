/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm.h"

#include "base/cleanup.h"
#include "cli/group.h"

static const struct cli_command *const commands[] = {
	&cli_vm_create, &cli_vm_attach, &cli_vm_detach, &cli_vm_lint,
	&cli_vm_xml,	&cli_vm_run,	&cli_vm_hook,
};

static const struct cli_group group = { "vm", commands, ARRAY_SIZE(commands) };

static int run_vm(struct cli *cli, int argc, char **argv, struct error *err)
{
	return group_run(&group, cli, argc, argv, err);
}

static void print_commands(void)
{
	group_print(&group);
}

const struct cli_command cli_vm = {
	.name = "vm",
	.arguments = "COMMAND [ARGUMENT...]",
	.summary = "make and run guests that get devices of this host",
	.options = "",
	.more_help = print_commands,
	.run = run_vm,
};
