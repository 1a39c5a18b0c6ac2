/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/output.h"

static const struct cli_command *const commands[] = {
	&cli_check,  &cli_list, &cli_show,    &cli_plan, &cli_apply,   &cli_verify,
	&cli_commit, &cli_undo, &cli_history, &cli_bind, &cli_release, &cli_vf,
	&cli_mdev,   &cli_rom,	&cli_probe,   &cli_vm,	 &cli_record,
};

static const char global_help[] =
	"Options of every command:\n"
	"  --host FILE|DIR  look at a recording, or a copy of a /sys, not at this host\n"
	"  --json           print JSON\n"
	"  --color WHEN     auto, always or never\n"
	"  -q, --quiet      no talk, only data and errors\n"
	"  -v, --verbose    say each step\n"
	"  --help           this text\n"
	"  --version        print the version\n"
	"\n"
	"DEVICE is an address (82:00.0), IDs (10de:1b39), group:79, a device node\n"
	"(/dev/nvme0n1) or net:eth0; 82:00.0/vf2 is the third virtual function of one.\n"
	"Exit status: 0 done, 1 failed, 2 usage, 3 refused because it is unsafe.\n";

/* Values of the long options that have no short one. */
enum { OPTION_HOST = 1000, OPTION_JSON, OPTION_COLOR, OPTION_HELP, OPTION_VERSION };

static const struct option global_options[] = {
	{ "host", required_argument, NULL, OPTION_HOST },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "color", required_argument, NULL, OPTION_COLOR },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
};

static void print_help(const struct cli_command *command)
{
	if (command) {
		output_line("Usage: pciferry %s%s%s", command->name,
			    command->arguments[0] ? " " : "", command->arguments);
		output_line("%s", command->summary);
		output_line("%s", "");
		output_help(command->options);
		if (command->options[0])
			output_line("%s", "");
		if (command->more_help)
			command->more_help();
		output_help(global_help);
		return;
	}
	output_line("Usage: pciferry COMMAND [ARGUMENT...]");
	output_line("Hands PCI devices to virtual machines, and takes them back.");
	output_line("%s", "");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		output_line("  %-8s %s", commands[i]->name, commands[i]->summary);
	output_line("%s", "");
	output_line("pciferry COMMAND --help tells more about one command.");
	output_line("%s", "");
	output_help(global_help);
}

static int set_color(const char *when, struct error *err)
{
	static const struct {
		const char *name;
		enum output_color color;
	} modes[] = {
		{ "auto", OUTPUT_AUTO },
		{ "always", OUTPUT_ALWAYS },
		{ "never", OUTPUT_NEVER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, when) != 0)
			continue;
		output_set_color(modes[i].color);
		return 0;
	}
	return error_usage(err, "--color", "%s is none of auto, always, never", when);
}

/* Returns 1 when the option was a global one, 0 when it was not, or -EINVAL. */
static int take_global(struct cli *cli, int value, struct error *err)
{
	int r;

	switch (value) {
	case OPTION_HOST:
		cli->host_path = optarg;
		return 1;
	case OPTION_JSON:
		cli->json = true;
		return 1;
	case OPTION_COLOR:
		r = set_color(optarg, err);
		return r < 0 ? r : 1;
	case 'q':
		cli->quiet = true;
		return 1;
	case 'v':
		cli->verbose = true;
		return 1;
	case OPTION_HELP:
		cli->help = true;
		return 1;
	default:
		return 0;
	}
}

static int bad_option(const struct cli *cli, char **argv, int value, struct error *err)
{
	const char *word = argv[optind > 0 ? optind - 1 : 0];

	/* A short one is named by itself: it may stand in the middle of a word. */
	if (value == ':')
		error_usage(err, word, "the option needs a value");
	else if (optopt && optopt < OPTION_HOST)
		error_usage(err, "", "-%c: no such option", optopt);
	else
		error_usage(err, word, "no such option");
	error_hint(err, "pciferry%s%s --help shows the options", cli->command ? " " : "",
		   cli->command ? cli->command->name : "");
	return -EINVAL;
}

static size_t count_options(const struct option *options)
{
	size_t count = 0;

	while (options[count].name)
		count++;
	return count;
}

int cli_next_option(struct cli *cli, int argc, char **argv, const struct option *own,
		    struct error *err)
{
	static const char usual[] = "+:qv";
	size_t n = count_options(own);
	_cleanup_free_ struct option *all =
		calloc(n + ARRAY_SIZE(global_options) + 1, sizeof(*all));
	_cleanup_free_ char *letters = malloc(sizeof(usual) + 2 * n);
	char *letter;

	if (!all || !letters)
		return error_oom(err);
	letter = stpcpy(letters, usual);
	n = 0;
	/* A value that is a letter is the short form, too. */
	for (const struct option *option = own; option->name; option++) {
		all[n++] = *option;
		if (option->val < 'a' || option->val > 'z')
			continue;
		*letter++ = (char)option->val;
		if (option->has_arg == required_argument)
			*letter++ = ':';
	}
	*letter = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(global_options); i++)
		all[n++] = global_options[i];
	opterr = 0;
	for (;;) {
		int value = getopt_long(argc, argv, letters + (cli->command != NULL), all,
					NULL);
		int r;

		if (value == -1)
			return -1;
		if (value == '?' || value == ':')
			return bad_option(cli, argv, value, err);
		if (value == OPTION_VERSION) {
			output_line("pciferry %s", PCIFERRY_VERSION);
			cli->help = true;
			return -ECANCELED;
		}
		r = take_global(cli, value, err);
		if (r < 0)
			return r;
		if (r == 0)
			return value;
		if (cli->help) {
			print_help(cli->command);
			return -ECANCELED;
		}
	}
}

static int unknown_command(const char *name, struct error *err)
{
	error_usage(err, name, "no such command");
	error_hint(err, "pciferry --help lists them");
	return -EINVAL;
}

static int run(struct cli *cli, int argc, char **argv, struct error *err)
{
	static const struct option none[] = { { 0 } };
	int r = cli_next_option(cli, argc, argv, none, err);

	if (r != -1)
		return r;
	if (optind == argc) {
		error_usage(err, "", "a command is missing");
		error_hint(err, "pciferry --help lists them");
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i]->name, argv[optind]) != 0)
			continue;
		cli->command = commands[i];
		argc -= optind;
		argv += optind;
		optind = 0; /* glibc: begin anew, also with "+" given up */
		return cli->command->run(cli, argc, argv, err);
	}
	return unknown_command(argv[optind], err);
}

static int exit_status(int r, const struct error *err)
{
	if (r >= 0)
		return r;
	if (err->kind == ERROR_USAGE)
		return CLI_USAGE;
	return err->kind == ERROR_REFUSED ? CLI_REFUSED : CLI_FAILED;
}

int main(int argc, char **argv)
{
	_cleanup_(error_clear) struct error err = ERROR_INIT;
	struct cli cli = { 0 };
	int r;

	r = run(&cli, argc, argv, &err);
	if (cli.help && r == -ECANCELED)
		r = 0;
	if (r < 0)
		output_error(&err);
	if (output_finish() < 0 && r == 0) {
		error_set(&err, EIO, "standard output", "not all could be written");
		output_error(&err);
		r = -EIO;
	}
	return exit_status(r, &err);
}
