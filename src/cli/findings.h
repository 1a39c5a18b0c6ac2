/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_FINDINGS_H
#define PCIFERRY_CLI_FINDINGS_H

/* What checks found, as check and vm lint show it. */
#include "check/check.h"
#include "cli/cli.h"

/* Area by area, and a line of talk that counts them. */
void findings_print(const struct cli *cli, const struct check_findings *findings);

/* The object of that command. Returns 0 or -ENOMEM. */
int findings_print_json(const char *command, const struct check_findings *findings,
			struct error *err);

size_t findings_count(const struct check_findings *findings, enum check_status status);

#endif
