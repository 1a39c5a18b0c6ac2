/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"

static const struct cli_command *const commands[] = {
	&cli_vm_create, &cli_vm_attach, &cli_vm_detach, &cli_vm_lint,
	&cli_vm_xml,	&cli_vm_run,	&cli_vm_hook,
};

/* Without "vm ". */
static const char *own_name(const struct cli_command *command)
{
	return command->name + strlen("vm ");
}

static int run_vm(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option none[] = { { 0 } };
	int r;

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], own_name(commands[i])) != 0)
			continue;
		cli->command = commands[i];
		return cli->command->run(cli, argc - 1, argv + 1, err);
	}
	if (argc > 1 && argv[1][0] != '-') {
		error_usage(err, argv[1], "vm has no such command");
	} else {
		r = cli_next_option(cli, argc, argv, none, err);
		if (r != -1)
			return r;
		error_usage(err, "", "vm needs a command");
	}
	error_hint(err, "pciferry vm --help lists them");
	return -EINVAL;
}

static void print_commands(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		output_line("  %-8s %s", own_name(commands[i]), commands[i]->summary);
	output_line("%s", "");
	output_line("pciferry vm COMMAND --help tells more about one of them.");
	output_line("%s", "");
}

const struct cli_command cli_vm = {
	.name = "vm",
	.arguments = "COMMAND [ARGUMENT...]",
	.summary = "make and run guests that get devices of this host",
	.options = "",
	.more_help = print_commands,
	.run = run_vm,
};
