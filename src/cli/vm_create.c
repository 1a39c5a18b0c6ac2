/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry vm create: a whole domain for libvirt. vm xml: only what names the devices. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "change/change.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/vm.h"
#include "cli/vm_create_parts.h"
#include "cli/vm_functions.h"
#include "cli/vm_uses.h"
#include "vm/connect.h"
#include "vm/isolate.h"
#include "vm/libvirt.h"
#include "vm/vm.h"

static void tell_functions(const struct cli *cli, const struct cli_view *view,
			   const struct vm_functions *functions)
{
	for (size_t i = 0; i < functions->count && !cli->quiet; i++) {
		const struct vm_function *function = &functions->items[i];
		const struct pci_device *device =
			pci_find(&view->devices, &function->host);
		char text[PCI_ADDRESS_SIZE], identity[PCI_IDENTITY_SIZE];

		output_talk("%s (%s) will be %02x:00.%u in the guest",
			    pci_address_format(&function->host, text),
			    pci_identity_format(device, identity), function->port,
			    function->function);
	}
}

/* What only pciferry's hook does. */
static int check_hook(const struct host *host, const struct vm_guest *guest,
		      struct error *err)
{
	int r = 0;

	if (guest->hands_over)
		r = vm_uses_find_hook(host, "--hand-over", err);
	if (r == 0 && guest->isolates)
		r = vm_uses_find_hook(host, "--isolate", err);
	return r == 0 && guest->isolates ? vm_isolate_check_host(host, err) : r;
}

/* Chooses them, and all that it takes to know how the guest can have them. */
static int prepare(const struct cli *cli, struct cli_view *view, int argc, char **argv,
		   struct vm_create_request *request, struct vm_functions *functions,
		   struct error *err)
{
	struct vm_guest *guest = &request->guest;
	int r = vm_functions_select(cli, view, argc, argv, request->all_matching,
				    functions, err);

	for (size_t i = 0; r == 0 && i < request->roms.count; i++)
		r = vm_functions_set_rom(view, functions, request->roms.items[i], err);
	for (size_t i = 0; r == 0 && i < request->macs.count; i++)
		r = vm_functions_set_mac(view, functions, request->macs.items[i], err);
	if (r == 0)
		r = vm_find_parts(view->host, request, err);
	if (r == 0)
		r = vm_slices_look(view->host, &request->slices, guest->has_kvm, err);
	if (r < 0)
		return r;
	guest->functions = functions->items;
	guest->n_functions = functions->count;
	guest->window = vm_uses_measure_window(cli, view, functions);
	r = check_hook(view->host, guest, err);
	if (r < 0)
		return r;
	return vm_uses_look(cli, view, functions, guest->name,
			    guest->hands_over ? VM_USES_HOOK
			    : request->start  ? VM_USES_START
					      : VM_USES_LATER,
			    err);
}

/*
 * What libvirt has refused needs no disks. Where the answer did not come, it may have the
 * domain.
 */
static void take_disks_back(const struct vm_guest *guest,
			    struct vm_connection *connection, int failure,
			    struct error *err)
{
	_cleanup_(vm_domain_texts_free) struct vm_domain_texts texts = { 0 };

	if (failure == -EEXIST ||
	    vm_read_domain(connection, guest->name, &texts, NULL) == -ENOENT) {
		vm_remove_made_disks(guest);
		return;
	}
	for (size_t i = 0; i < guest->n_disks; i++)
		if (guest->disks[i].size)
			error_evidence(err, "%s was made, and is left",
				       guest->disks[i].path);
}

static int define_and_start(const struct cli *cli,
			    const struct vm_create_request *request, const char *xml,
			    struct error *err)
{
	_cleanup_(vm_connection_cleanup) struct vm_connection *connection = NULL;
	const char *name = request->guest.name;
	int r = vm_connect(request->uri, &connection, err);

	if (r == 0)
		r = vm_make_disks(&request->guest, err);
	if (r < 0)
		return r;
	r = vm_define_domain(connection, name, xml, err);
	if (r < 0)
		take_disks_back(&request->guest, connection, r, err);
	if (r < 0 && request->guest.has_tpm)
		error_hint(err, "if it is the TPM that is not supported: install swtpm"
				" (Debian: swtpm-tools)");
	if (r < 0)
		return r;
	if (!request->start) {
		if (!cli->quiet)
			output_talk("%s is defined; virsh start %s starts it", name,
				    name);
		return 0;
	}
	r = vm_start_domain(connection, name, err);
	if (r == 0 && !cli->quiet)
		output_talk("%s is defined and has started", name);
	if (r < 0)
		error_evidence(err, "%s is defined: virsh undefine --nvram %s", name,
			       name);
	return r;
}

static void tell_unmade(const struct vm_disk *disk)
{
	_cleanup_free_ char *path = vm_shell_quote(disk->path);

	output_talk("%s is not made with --xml: qemu-img create -f %s %s %lluM",
		    disk->path, disk->is_qcow2 ? "qcow2" : "raw", path ? path : "FILE",
		    (unsigned long long)(disk->size >> 20));
}

/* Without what the guest does not start, sooner or later. */
static void tell_slices(const struct vm_create_request *request)
{
	const struct vm_slices *slices = &request->slices;

	for (size_t i = 0; i < slices->count; i++) {
		const char *uuid = slices->items[i].uuid;

		if (!slices->is_defined[i])
			output_talk("%s is there until the host boots; pciferry mdev"
				    " create PARENT TYPE %s --persist keeps it",
				    uuid, uuid);
		else if (!slices->is_there[i] && !request->guest.hands_over)
			output_talk("%s is not there now: with --hand-over it is made"
				    " when the guest starts",
				    uuid);
	}
}

/* libvirt knows such a driver by the function's vfio-dev folder since about 9.9
 * (virPCIDeviceGetCurrentDriverNameAndType()). */
static void tell_staying(const struct host *host, const struct vm_guest *guest)
{
	struct vm_libvirt libvirt;

	vm_libvirt_read(host, &libvirt);
	if (libvirt.version_fact != FACT_KNOWN || libvirt.major > 9 ||
	    (libvirt.major == 9 && libvirt.minor >= 9))
		return;
	for (size_t i = 0; i < guest->n_functions; i++) {
		char text[PCI_ADDRESS_SIZE];

		if (guest->functions[i].stays)
			output_talk("%s stays on its driver, from which libvirt takes it"
				    " since about 9.9: this one, %u.%u, may not start the"
				    " guest",
				    pci_address_format(&guest->functions[i].host, text),
				    libvirt.major, libvirt.minor);
	}
}

/* What else is to be known before it is used. */
static void tell_parts(const struct cli *cli, const struct host *host,
		       const struct vm_create_request *request)
{
	const struct vm_guest *guest = &request->guest;
	bool keyboard = !guest->n_inputs;

	if (cli->quiet)
		return;
	for (size_t i = 0; i < guest->n_inputs; i++)
		keyboard |= guest->inputs[i].is_keyboard;
	if (!keyboard)
		output_talk("none of --evdev is a keyboard, which would switch them: the"
			    " guest keeps them until it ends");
	for (size_t i = 0; i < guest->n_usb; i++)
		if (!guest->usb[i].is_any)
			output_talk("%s is known by its number, and only until it is"
				    " plugged in anew or the host boots",
				    request->usb_names.items[i]);
	tell_slices(request);
	tell_staying(host, guest);
	for (size_t i = 0; request->only_xml && i < guest->n_disks; i++)
		if (guest->disks[i].size)
			tell_unmade(&guest->disks[i]);
}

static int run_create(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(vm_create_request_free) struct vm_create_request request = { 0 };
	_cleanup_(vm_firmware_free) struct vm_firmware firmware = { 0 };
	_cleanup_(vm_functions_free) struct vm_functions functions = { 0 };
	_cleanup_(vm_tuning_free) struct vm_tuning tuning = { 0 };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	_cleanup_free_ char *xml = NULL;
	int r = vm_create_request_parse(cli, argc, argv, &request, err);

	if (r == 0)
		r = prepare(cli, &view, argc - optind - 1, argv + optind + 1, &request,
			    &functions, err);
	if (r == 0 && !request.bios) {
		r = vm_find_firmware(view.host, request.firmware_kind, &firmware, err);
		request.guest.firmware = &firmware;
	}
	if (r == 0 && request.tune.is_wanted)
		r = vm_tune_guest(cli, &view, &request.tune, &request.guest, &tuning,
				  err);
	if (r == 0)
		r = vm_define(&request.guest, &xml, err);
	if (r < 0)
		return r;
	tell_parts(cli, view.host, &request);
	if (request.only_xml) {
		output_lines(xml);
		return 0;
	}
	r = change_check_host(view.host, err);
	if (r < 0)
		return r;
	tell_functions(cli, &view, &functions);
	return define_and_start(cli, &request, xml, err);
}

/* Beside the elements of devices. */
static void tell_elements(const struct cli *cli, const struct vm_create_request *request)
{
	const struct vm_guest *guest = &request->guest;
	const struct vm_slice *shown = vm_shown_slice(guest->slices, guest->n_slices);
	bool is_overridden = false;

	if (cli->quiet)
		return;
	tell_slices(request);
	for (size_t i = 0; i < guest->n_slices; i++)
		is_overridden |= guest->slices[i].is_intels || guest->slices[i].rom;
	if (is_overridden)
		output_talk("<qemu:override> goes beneath <domain>, behind <devices>");
	if (shown)
		output_talk("for its picture the domain takes <graphics>%s, and <model"
			    " type='none'/> as its only <video>",
			    shown->is_intels ? " with OpenGL (a second one of type"
					       " egl-headless, or SPICE with <gl>)"
					     : "");
}

static int run_xml(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(vm_create_request_free) struct vm_create_request request = { 0 };
	_cleanup_(vm_functions_free) struct vm_functions functions = { 0 };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	_cleanup_free_ char *xml = NULL;
	int r = vm_xml_request_parse(cli, argc, argv, &request, err);

	if (r == 0)
		r = prepare(cli, &view, argc - optind, argv + optind, &request,
			    &functions, err);
	if (r < 0)
		return r;
	vm_unplace_single_functions(functions.items, functions.count);
	r = vm_define_functions(&request.guest, &xml, err);
	if (r < 0)
		return r;
	tell_elements(cli, &request);
	output_lines(xml);
	return 0;
}

const struct cli_command cli_vm_create = {
	.name = "vm create",
	.arguments = "NAME DEVICE... [OPTION...]",
	.summary = "define a guest that has the devices, for libvirt",
	.options = vm_create_help,
	.run = run_create,
};

const struct cli_command cli_vm_xml = {
	.name = "vm xml",
	.arguments = "DEVICE... [OPTION...]",
	.summary = "print what gives the devices to a guest, for virsh edit",
	.options = vm_xml_help,
	.run = run_xml,
};
