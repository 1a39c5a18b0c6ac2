/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "vm/tpm.h"

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
	output_line("[ -e %s ] || mkdir -p %s", to, quoted);
	output_line("[ -e %s ] || cp %s %s", to, from, to);
	return 0;
}

static int print_folder(const char *folder)
{
	_cleanup_free_ char *quoted = vm_shell_quote(folder);

	if (!quoted)
		return -ENOMEM;
	/* Two lines: of one, joined by &&, set -e does not see that the first fails. */
	output_line("mkdir -p %s", quoted);
	output_line("chmod 700 %s", quoted);
	return 0;
}

static int print_folder_of(const char *socket)
{
	_cleanup_free_ char *folder =
		strndup(socket, (size_t)(strrchr(socket, '/') - socket));

	return folder ? print_folder(folder) : -ENOMEM;
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

/* swtpm, in the background. */
static int print_tpm(const struct vm_config *config, const struct vm_files *files,
		     bool is_script)
{
	_cleanup_(string_list_free) struct string_list argv = { 0 };
	int r = 0;

	if (!config->tpm)
		return 0;
	r = print_folder(files->tpm);
	if (r == 0)
		r = vm_build_tpm_argv(files->tpm, config->tpm, files->tpm_pid, &argv);
	if (r == 0)
		r = print_words(&argv, is_script);
	if (r == 0 && is_script)
		output_line("has_tpm=1");
	return r;
}

/* The interface for it. QEMU finds one that stays: a shell cannot hand one over. */
static int print_tap(const struct vm_config *config, bool is_script)
{
	_cleanup_free_ char *bridge = NULL;

	if (config->network != VM_NETWORK_BRIDGE)
		return 0;
	bridge = vm_shell_quote(config->bridge);
	if (!bridge)
		return -ENOMEM;
	/* To ip it is no error that it is there. */
	if (is_script)
		output_line("[ ! -e /sys/class/net/%s ] ||"
			    " { echo %s is there already >&2; exit 1; }",
			    config->tap, config->tap);
	output_line("ip tuntap add dev %s mode tap", config->tap);
	if (is_script)
		output_line("has_tap=1");
	output_line("ip link set %s address fe%s mtu \"$(cat /sys/class/net/%s/mtu)\""
		    " master %s up",
		    config->tap, config->mac + 2, bridge, bridge);
	return 0;
}

/* What QEMU wants to find, and QEMU itself. */
static int print_commands(const struct vm_request *request, const struct vm_files *files,
			  const struct string_list *argv)
{
	const struct vm_config *config = &request->config;
	const char *socket = config->screen ? config->screen
			     : config->tpm  ? config->tpm->path
					    : NULL;
	int r = print_copy(config);

	if (r == 0 && socket && !request->script)
		r = print_folder_of(socket);
	if (r == 0)
		r = print_tpm(config, files, request->script);
	if (r == 0)
		r = print_tap(config, request->script);
	return r < 0 ? r : print_words(argv, request->script);
}

static void print_addresses(const char *before, const struct vm_config *config)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *stream = config->n_devices ? open_memstream(&text, &size) : NULL;

	if (!stream)
		return;
	for (size_t i = 0; i < config->n_devices; i++) {
		char address[PCI_ADDRESS_SIZE];

		fprintf(stream, " %s", pci_address_format(&config->devices[i], address));
	}
	if (fclose(stream) == 0)
		output_line("%s%s", before, text);
}

/* The lock is QEMU's, too, and gone with it. The folder is root's: so are the sockets. */
static int print_lock(const struct vm_request *request, const struct vm_files *files)
{
	_cleanup_free_ char *lock = vm_shell_quote(files->lock), *said = NULL,
			    *quoted = NULL;
	int r;

	if (!lock ||
	    asprintf(&said, "%s: the guest runs already", request->config.name) < 0)
		return -ENOMEM;
	quoted = vm_shell_quote(said);
	r = quoted ? print_folder_of(files->lock) : -ENOMEM;
	if (r < 0)
		return r;
	output_line("exec 9>%s", lock);
	output_line("flock -n 9 || { echo %s >&2; exit 1; }", quoted);
	output_line("%s", "");
	return 0;
}

/* As it ends, however it does: what it has made. swtpm ends by itself when QEMU has
 * spoken to it. */
static int print_ending(const struct vm_request *request, const struct vm_files *files)
{
	_cleanup_free_ char *pid_file = vm_shell_quote(files->tpm_pid);

	if (!pid_file)
		return -ENOMEM;
	output_line("has_tpm= has_tap=");
	output_line("%s", "give_back()");
	output_line("%s", "{");
	if (request->config.tpm)
		output_line("    [ -z \"$has_tpm\" ] || [ ! -e %s ] ||"
			    " kill \"$(cat %s)\" || :",
			    pid_file, pid_file);
	if (request->config.network == VM_NETWORK_BRIDGE)
		output_line("    [ -z \"$has_tap\" ] || ip link delete %s || :",
			    request->config.tap);
	print_addresses("    pciferry release", &request->config);
	/* A shell wants a command there. */
	if (!request->config.n_devices)
		output_line("    :");
	output_line("%s", "}");
	output_line("%s", "");
	return 0;
}

static int print_script(const struct vm_request *request, const struct vm_files *files,
			const struct string_list *argv)
{
	int r;

	output_line("#!/bin/sh");
	output_line("# The guest %s%s", request->config.name,
		    request->config.n_devices
			    ? ": its devices are bound, and given back as it ends."
			    : "");
	output_line("set -eu");
	output_line("%s", "");
	r = print_lock(request, files);
	if (r == 0)
		r = print_ending(request, files);
	print_addresses("pciferry bind", &request->config);
	output_line("trap give_back EXIT");
	output_line("trap 'exit 1' HUP INT TERM");
	output_line("%s", "");
	return r < 0 ? r : print_commands(request, files, argv);
}

int vm_script_print(const struct vm_request *request, const struct vm_files *files,
		    const struct string_list *argv)
{
	int r;

	if (request->script)
		return print_script(request, files, argv);
	r = print_commands(request, files, argv);
	if (request->config.network == VM_NETWORK_BRIDGE)
		output_line("ip link delete %s", request->config.tap);
	return r;
}
