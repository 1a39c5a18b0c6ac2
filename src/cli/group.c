/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/group.h"

#include <errno.h>
#include <string.h>

#include "cli/output.h"

/* Without the first word. */
static const char *own_name(const struct cli_group *group,
			    const struct cli_command *command)
{
	return command->name + strlen(group->name) + 1;
}

int group_run(const struct cli_group *group, struct cli *cli, int argc, char **argv,
	      struct error *err)
{
	static const struct option none[] = { { 0 } };
	int r;

	for (size_t i = 0; argc > 1 && i < group->count; i++) {
		if (strcmp(argv[1], own_name(group, group->commands[i])) != 0)
			continue;
		cli->command = group->commands[i];
		return cli->command->run(cli, argc - 1, argv + 1, err);
	}
	if (argc > 1 && argv[1][0] != '-') {
		error_usage(err, argv[1], "%s has no such command", group->name);
	} else {
		r = cli_next_option(cli, argc, argv, none, err);
		if (r != -1)
			return r;
		error_usage(err, "", "%s needs a command", group->name);
	}
	error_hint(err, "pciferry %s --help lists them", group->name);
	return -EINVAL;
}

void group_print(const struct cli_group *group)
{
	for (size_t i = 0; i < group->count; i++)
		output_line("  %-8s %s", own_name(group, group->commands[i]),
			    group->commands[i]->summary);
	output_line("%s", "");
	output_line("pciferry %s COMMAND --help tells more about one of them.",
		    group->name);
	output_line("%s", "");
}
