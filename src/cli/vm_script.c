/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"

/* Once: what the guest has written there stays. */
static int print_copy(const struct vm_config *config)
{
	_cleanup_free_ char *from = NULL, *to = NULL, *folder = NULL, *quoted = NULL;
	const char *slash = config->firmware ? strrchr(config->vars, '/') : NULL;

	if (!config->firmware)
		return 0;
	folder = slash && slash > config->vars
			 ? strndup(config->vars, (size_t)(slash - config->vars))
			 : strdup("/");
	from = vm_shell_quote(config->firmware->vars_template);
	to = vm_shell_quote(config->vars);
	quoted = folder ? vm_shell_quote(folder) : NULL;
	if (!from || !to || !quoted)
		return -ENOMEM;
	output_line("[ -e %s ] || { mkdir -p %s && cp %s %s; }", to, quoted, from, to);
	return 0;
}

/* That of a socket. */
static int print_folder(const char *socket)
{
	_cleanup_free_ char *folder = NULL, *quoted = NULL;

	if (!socket)
		return 0;
	folder = strndup(socket, (size_t)(strrchr(socket, '/') - socket));
	quoted = folder ? vm_shell_quote(folder) : NULL;
	if (!quoted)
		return -ENOMEM;
	output_line("mkdir -p %s && chmod 700 %s", quoted, quoted);
	return 0;
}

/* What QEMU wants to find. */
static int print_preparations(const struct vm_config *config)
{
	int r = print_copy(config);

	return r < 0 ? r : print_folder(config->screen);
}

/* Of a script each option has a line of its own, with its value. */
static int print_words(const struct string_list *argv, bool is_script)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&line, &size);

	if (!stream)
		return -ENOMEM;
	for (size_t i = 0; i < argv->count; i++) {
		_cleanup_free_ char *word = vm_shell_quote(argv->items[i]);
		bool begins = is_script && argv->items[i][0] == '-';

		if (word)
			fprintf(stream, "%s%s",
				!i	 ? ""
				: begins ? " \\\n    "
					 : " ",
				word);
	}
	if (fclose(stream) != 0)
		return -ENOMEM;
	output_lines(line);
	return 0;
}

static void print_addresses(const char *before, const struct vm_config *config,
			    const char *after)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return;
	for (size_t i = 0; i < config->n_devices; i++) {
		char address[PCI_ADDRESS_SIZE];

		fprintf(stream, " %s", pci_address_format(&config->devices[i], address));
	}
	if (fclose(stream) == 0)
		output_line("%s%s%s", before, text, after);
}

static int print_script(const struct vm_request *request, const struct string_list *argv)
{
	int r;

	output_line("#!/bin/sh");
	output_line("# The guest %s: its devices are bound, and given back as it ends.",
		    request->config.name);
	output_line("set -eu");
	output_line("%s", "");
	print_addresses("pciferry bind", &request->config, "");
	print_addresses("trap 'pciferry release", &request->config, "' EXIT");
	output_line("trap 'exit 1' HUP INT TERM");
	output_line("%s", "");
	r = print_preparations(&request->config);
	return r < 0 ? r : print_words(argv, true);
}

int vm_script_print(const struct vm_request *request, const struct string_list *argv)
{
	int r;

	if (request->script)
		return print_script(request, argv);
	r = print_preparations(&request->config);
	return r < 0 ? r : print_words(argv, false);
}
