/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_GROUP_H
#define PCIFERRY_CLI_GROUP_H

/* Commands of two words: "vm create", "mdev types". */
#include "cli/cli.h"

struct cli_group {
	const char *name; /* the first word */
	const struct cli_command *const *commands;
	size_t count;
};

/* As a command's run(): finds the one that argv[1] names, and runs it. */
int group_run(const struct cli_group *group, struct cli *cli, int argc, char **argv,
	      struct error *err);

/* What stands in the help behind the group's own. */
void group_print(const struct cli_group *group);

#endif
