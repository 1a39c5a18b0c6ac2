/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/rom.h"

enum {
	OPTION_FORCE = 1,
	OPTION_TRIM,
	OPTION_FOR,
	OPTION_WAKE,
	OPTION_IN_USE,
	OPTION_VFCT
};

static int check_request(const struct rom_request *request, struct error *err)
{
	bool is_file = rom_is_file(request->argument);
	const char *wrong = request->wake     ? "--wake"
			    : request->in_use ? "--in-use"
			    : request->vfct   ? "--vfct"
					      : NULL;

	if (is_file && wrong)
		return error_usage(err, wrong, "it goes with a DEVICE, not with a FILE");
	if (!is_file && request->meant)
		return error_usage(err, "--for",
				   "it goes with a FILE, not with a DEVICE");
	if (request->output && !strcmp(request->output, "-"))
		return error_usage(err, "-o",
				   "\"-\" is no FILE here, and standard output"
				   " has the report");
	if (!request->output && (request->trim || request->force))
		return error_usage(err, request->trim ? "--trim" : "--force",
				   "it goes with -o FILE");
	return 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct rom_request *request,
		 struct error *err)
{
	static const struct option own[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ "trim", no_argument, NULL, OPTION_TRIM },
		{ "for", required_argument, NULL, OPTION_FOR },
		{ "wake", no_argument, NULL, OPTION_WAKE },
		{ "in-use", no_argument, NULL, OPTION_IN_USE },
		{ "vfct", no_argument, NULL, OPTION_VFCT },
		{ 0 },
	};
	int value;

	while ((value = cli_next_option(cli, argc, argv, own, err)) != -1) {
		if (value < 0)
			return value;
		if (value == 'o')
			request->output = optarg;
		if (value == OPTION_FOR)
			request->meant = optarg;
		request->force |= value == OPTION_FORCE;
		request->trim |= value == OPTION_TRIM;
		request->wake |= value == OPTION_WAKE;
		request->in_use |= value == OPTION_IN_USE;
		request->vfct |= value == OPTION_VFCT;
	}
	if (optind + 1 != argc) {
		error_usage(err, "", "rom needs one DEVICE or FILE");
		error_hint(err, "pciferry list shows what devices there are");
		return -EINVAL;
	}
	request->argument = argv[optind];
	return check_request(request, err);
}

/* A FILE that is for nobody in particular needs no host at all. */
static int find(const struct cli *cli, struct cli_view *view,
		const struct rom_request *request, struct rom_found *found,
		struct error *err)
{
	const char *device =
		rom_is_file(request->argument) ? request->meant : request->argument;
	int r = 0;

	if (rom_is_file(request->argument))
		r = rom_read_file(request->argument, found, err);
	if (r == 0 && device)
		r = cli_view_open(cli, view, 0, err);
	if (r == 0 && device)
		r = rom_find_device(view, device, &found->device, err);
	if (r == 0 && !rom_is_file(request->argument))
		r = rom_read_device(cli, view, request, found, err);
	return r;
}

static int tell_no_rom(const struct rom_request *request, const struct rom_found *found,
		       struct error *err)
{
	bool is_blank = pci_rom_is_blank(found->bytes, found->len);

	error_set(err, EINVAL, request->argument, "%s",
		  !found->len ? "it is empty"
		  : is_blank
			  ? "no option ROM: all its bytes are the same, as where nothing"
			    " answers"
			  : "no option ROM: it has no image (0xaa55, and a PCIR) in it");
	error_hint(
		err, "%s",
		is_blank
			? "it was read while the card slept or hid its ROM: read it again"
			: "firmware of a board (bios.bin) and drivers are none");
	return -EINVAL;
}

static int write_out(const struct cli *cli, const struct rom_request *request,
		     const struct rom_found *found, const struct pci_rom *rom,
		     struct error *err)
{
	const char *bytes = found->bytes + (request->trim ? rom->start : 0);
	size_t len = request->trim ? rom->size : found->len;
	struct pci_rom trimmed;
	int r;

	if (request->trim &&
	    (pci_rom_parse(bytes, len, &trimmed) < 0 || trimmed.count != rom->count ||
	     trimmed.images[0].has_pcir != rom->images[0].has_pcir)) {
		error_set(err, EINVAL, request->argument,
			  "without what is around the ROM it is another: an image points"
			  " behind its own end");
		error_hint(err, "write all of it: without --trim");
		return -EINVAL;
	}
	/* No secret, and the user that QEMU runs as has to read it. */
	r = file_write(request->output, bytes, len, request->force, true, err);
	if (r == 0 && !cli->quiet && !cli->json)
		output_talk("%s: %zu bytes written", request->output, len);
	return r;
}

static int tell_unread(const struct cli *cli, const struct cli_view *view,
		       const struct rom_request *request, const struct rom_found *found,
		       struct error *err)
{
	if (request->output) {
		error_set(err, ENODATA, request->argument,
			  "the bytes of its ROM are not in %s", host_name(view->host));
		error_hint(err, "read it on that host: pciferry rom DEVICE -o FILE");
		return -ENODATA;
	}
	if (cli->json)
		return rom_tell_json(found, NULL, NULL, NULL);
	rom_tell_unread(view, found);
	return 0;
}

static int run_rom(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	_cleanup_(rom_found_free) struct rom_found found = { 0 };
	_cleanup_(check_rom_free) struct check_rom verdict = { 0 };
	struct rom_request request = { 0 };
	struct check_rom_request asked;
	struct pci_rom rom;
	int r = parse(cli, argc, argv, &request, err);

	if (r == 0)
		r = find(cli, &view, &request, &found, err);
	if (r < 0)
		return r;
	if (found.source == CHECK_ROM_UNREAD)
		return tell_unread(cli, &view, &request, &found, err);
	if (pci_rom_parse(found.bytes, found.len, &rom) < 0)
		return tell_no_rom(&request, &found, err);
	asked = (struct check_rom_request){
		.rom = &rom,
		.bytes = found.bytes,
		.len = found.len,
		.device = found.device,
		.source = found.source,
		.bar_size = found.bar_size,
	};
	if (check_rom_judge(&asked, &verdict) < 0)
		return error_oom(err);
	if (request.output)
		r = write_out(cli, &request, &found, &rom, err);
	if (r < 0)
		return r;
	if (cli->json)
		return rom_tell_json(&found, &rom, &verdict, request.output);
	rom_tell(&view, &found, &rom, &verdict);
	return 0;
}

const struct cli_command cli_rom = {
	.name = "rom",
	.arguments = "DEVICE|FILE [-o FILE [--trim] [--force]] [--for DEVICE]",
	.summary = "an option ROM: what is in it, and which guest can use it",
	.options =
		"  -o, --output FILE  write its bytes to FILE\n"
		"  --trim           without what a vendor's tool has put around the ROM: what a\n"
		"                   guest needs (--rom DEVICE=/FILE of vm create and vm attach)\n"
		"  --force          over a FILE that is there\n"
		"  --for DEVICE     the device that a FILE is meant for: compare the IDs\n"
		"  --wake           wake a device that sleeps, for as long as it is read\n"
		"  --in-use         read it although this host uses the device; never while a\n"
		"                   guest may have it\n"
		"  --vfct           the copy in the firmware's table of ACPI (graphics of AMD's)\n"
		"\n"
		"The ROM of a device is opened, read and closed again, as root. Without -o nothing\n"
		"is kept of it. An argument without a colon, or that begins with / or ., is a FILE.\n"
		"The exit status is 0 whatever the ROM is worth: that is in what is printed, and in\n"
		"uefi_guest and bios_guest of --json.\n",
	.run = run_rom,
};
