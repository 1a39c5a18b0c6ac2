/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_CLI_H
#define PCIFERRY_CLI_CLI_H

/* The program: one file per command, each a row of the table in main.c. */
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/view.h"

/* What the global options say. */
struct cli {
	const struct cli_command *command;
	const char *host_path; /* NULL: this machine */
	const char *root_path; /* of a system that does not run; NULL: none was given */
	bool json;
	bool quiet;
	bool verbose;
	bool help;
};

struct cli_command {
	const char *name;
	const char *arguments; /* as usage shows them */
	const char *summary;   /* one line */
	const char *options;   /* the command's own, one line each; may be "" */

	void (*more_help)(void); /* prints what stands behind them; may be NULL */
	bool mends; /* it says itself what it does of an interrupted change */

	/* argv[0] is the command's name. Returns an exit status, or -errno with err set.
	 */
	int (*run)(struct cli *cli, int argc, char **argv, struct error *err);
};

extern const struct cli_command cli_check, cli_list, cli_show, cli_bind, cli_release,
	cli_vf, cli_mdev, cli_rom, cli_probe, cli_vm, cli_record, cli_plan, cli_apply,
	cli_verify, cli_commit, cli_undo, cli_history;

/* DESIGN: nothing else is ever returned to the shell. */
enum cli_status { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_REFUSED = 3 };

/*
 * getopt_long(3) for a command's options and the global ones, which may stand anywhere
 * before
 * "--". Returns the value of one of the command's own options, with optarg; -1 at the
 * end, with optind at the first argument; or -EINVAL with err set. `own` ends with an
 * all-zero row; a value that is a small letter is the option's short form, too.
 */
int cli_next_option(struct cli *cli, int argc, char **argv, const struct option *own,
		    struct error *err);

/* Also tells of a change that was interrupted, unless the command mends that. */
int cli_open_host(const struct cli *cli, struct host **ret_host, struct error *err);

/* One line, where a change was interrupted and the journal can be read. */
void cli_tell_interrupted(const struct cli *cli, const struct host *host);

/*
 * Finds the devices that one DEVICE argument means: an address, IDs, group:N, a device
 * node or net:INTERFACE; or, but for a node, one of these and the number of a virtual
 * function of it: "82:00.0/vf2". Adds them to *devices, each once, growing it; the
 * caller frees it. *ret_several tells whether the argument names a kind of device rather
 * than one. Returns 0 or -errno: ERROR_USAGE when malformed, -ENODEV when there is none.
 */
int cli_select(const struct cli_view *view, const char *argument,
	       struct pci_device ***devices, size_t *count, bool *ret_several,
	       struct error *err);

/*
 * The same for a command that changes something: IDs that several devices have are
 * refused, unless all of them are meant.
 */
int cli_select_to_change(const struct cli_view *view, const char *argument,
			 bool all_matching, struct pci_device ***devices, size_t *count,
			 struct error *err);

#endif
