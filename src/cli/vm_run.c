/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/keeper.h"
#include "change/change.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/vm.h"
#include "cli/vm_audio.h"
#include "cli/vm_files.h"
#include "cli/vm_look.h"
#include "cli/vm_options.h"
#include "cli/vm_script.h"
#include "cli/vm_tune.h"
#include "cli/vm_usb.h"
#include "pci/slices.h"
#include "vfio/limit.h"
#include "vm/tpm.h"
#include "vm/vm.h"

/* Where it is to be, of the devices that are asked for; before one is touched. */
static int tune(const struct cli *cli, struct vm_request *request,
		const struct pci_address *asked, size_t n_asked, struct error *err)
{
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	_cleanup_free_ struct vm_function *functions =
		calloc(n_asked + 1, sizeof(*functions));
	struct vm_config *config = &request->config;
	struct vm_guest guest = {
		.has_kvm = config->accelerator == VM_KVM,
		.memory_mib = config->memory_mib,
		.cpus = config->cpus,
		.functions = functions,
		.n_functions = n_asked,
	};
	int r = functions ? cli_view_open(cli, &view, 0, err) : error_oom(err);

	for (size_t i = 0; r == 0 && i < n_asked; i++)
		functions[i].host = asked[i];
	if (r == 0)
		r = vm_tune_guest(cli, &view, &request->tune, &guest, &request->tuning,
				  err);
	if (r < 0)
		return r;
	config->tuning = &request->tuning;
	config->binds_memory = guest.binds_memory;
	config->page_kib = guest.page_kib;
	if (request->take.dry_run && !cli->quiet)
		output_talk("only vm run itself gives the processors to QEMU's threads,"
			    " once they are there; this command line does not");
	return 0;
}

/*
 * The functions that go to the guest: those asked for, and the others of their slots,
 * which are one card to the guest's driver as well. What else is in the group is only
 * taken along.
 */
static int choose_functions(const struct bind_plan *plan, const struct pci_address *asked,
			    size_t n_asked, struct pci_address **ret_devices,
			    size_t *ret_count)
{
	struct pci_address *devices = calloc(plan->count + 1, sizeof(*devices));
	size_t count = 0;

	if (!devices)
		return -ENOMEM;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pci_address *address = &plan->members[i].address;

		for (size_t j = 0; j < n_asked; j++) {
			if (!pci_address_same_slot(address, &asked[j]))
				continue;
			devices[count++] = *address;
			break;
		}
	}
	*ret_devices = devices;
	*ret_count = count;
	return 0;
}

/* To other programs, and the network. */
enum { LINES = 3 };

static int start(const struct cli *cli, const struct vm_request *request,
		 const struct keeper *keeper, struct vm_pins *pins,
		 const struct string_list *argv, struct error *err)
{
	_cleanup_free_ char **vector = calloc(argv->count + 1, sizeof(*vector));
	const struct vm_config *config = &request->config;
	const char *user = request->user.user.name;
	size_t count = config->n_devices + config->n_slices;
	int kept[LINES + VM_USB_MAX] = {
		config->tpm ? config->tpm->fd : -1,
		config->tap_fd ? config->tap_fd : -1,
		config->pins_fd ? config->pins_fd : -1,
	};
	struct launch launch = {
		.argv = vector,
		.kept = kept,
		.n_kept = LINES + config->n_usb,
		.cpus = request->tuning.others,
		.n_cpus = request->tuning.n_others,
		.user = request->user.user,
		.locked_bytes =
			((uint64_t)config->memory_mib << 20) + VFIO_LOCKED_BESIDES,
		.keeper = keeper,
	};
	int status = 0, r;

	if (!vector)
		return error_oom(err);
	for (size_t i = 0; i < config->n_usb; i++)
		kept[LINES + i] = config->usb_fds[i];
	memcpy(vector, argv->items, argv->count * sizeof(*vector));
	if (!cli->quiet)
		output_talk("starting the guest %s with %zu device%s%s%s", config->name,
			    count, count == 1 ? "" : "s", user ? ", as " : "",
			    user ? user : "");
	if (!cli->quiet && config->screen)
		output_talk("its screen: remote-viewer vnc+unix://%s", config->screen);
	r = vm_run(&launch, pins->tuning ? pins : NULL, &status, err);
	if (r < 0 || !status)
		return r;
	r = error_set(err, EIO, config->qemu, "ended with status %d", status);
	if (user)
		error_hint(err,
			   "what it may not open as %s it may with --user root; a QEMU"
			   " without seccomp wants --no-sandbox",
			   user);
	return r;
}

/* What QEMU is started with, beside files. */
static int begin_lines(const struct host *host, const struct keeper *keeper,
		       struct vm_request *request, const struct vm_files *files,
		       struct vm_tpm *tpm, struct vm_pins *pins, struct error *err)
{
	struct vm_config *config = &request->config;
	unsigned char mac[HOST_MAC_LEN];
	int r = 0;

	if (config->network == VM_NETWORK_BRIDGE && host_mac_parse(config->mac, mac) == 0)
		r = change_make_tap(host, config->bridge, config->tap, mac,
				    &config->tap_fd, err);
	if (r == 0 && config->tuning) {
		r = vm_pins_open(config->tuning, pins, err);
		config->pins_fd = pins->its;
	}
	if (r == 0)
		r = vm_usb_begin(host, request, err);
	if (r < 0 || !request->has_tpm)
		return r;
	r = vm_tpm_start(&request->user.user, keeper, files->tpm, tpm, err);
	config->tpm = &tpm->line;
	return r;
}

/* Builds the command line for these devices, and prints it or runs it. */
static int run_guest(const struct cli *cli, struct host *host,
		     const struct keeper *keeper, struct vm_request *request,
		     struct error *err)
{
	_cleanup_(string_list_free) struct string_list argv = { 0 };
	struct vm_config *config = &request->config;
	bool runs = !request->take.dry_run;
	struct vm_files files = { 0 };
	struct vm_pins pins = { 0 };
	struct vm_tpm tpm = { 0 };
	int r = vm_files_prepare(cli, host, request, &files, err);

	if (r == 0 && runs)
		r = begin_lines(host, keeper, request, &files, &tpm, &pins, err);
	if (r == 0 && vm_build_argv(config, &argv) < 0)
		r = error_oom(err);
	if (r == 0 && runs)
		r = start(cli, request, keeper, &pins, &argv, err);
	else if (r == 0)
		r = vm_script_print(request, &files, &argv) < 0 ? error_oom(err) : 0;
	vm_pins_close(&pins);
	vm_tpm_end(&tpm);
	vm_usb_end(request);
	if (config->tap_fd)
		close(config->tap_fd);
	vm_files_end(host, request, &files);
	return r;
}

/* What is to be given back when the guest has ended. */
struct ending {
	const struct cli *cli;
	const struct host *host;
	const struct vm_request *request;
	const struct bind_plan *plan;
	struct pci_address *moved;
	size_t n_moved;
};

/* What was moved, and then the slices, whether or not it could be. */
static int give_back(const struct ending *ending, struct error *err)
{
	_cleanup_(bind_plan_free) struct bind_plan back = { 0 };
	const struct take_options *take = &ending->request->take;
	struct error one = ERROR_INIT;
	int r = 0, second;

	if (ending->n_moved)
		r = take_carry_out(ending->cli, ending->host, take, ending->moved,
				   ending->n_moved, GIVE_BACK_ALONE, &back, err);
	second = vm_slices_end(ending->cli, ending->host, take, &ending->request->slices,
			       &one);
	return error_gather(r, second, &one, err);
}

/* In the keeper. */
static void give_back_instead(void *argument)
{
	_cleanup_(error_clear) struct error err = ERROR_INIT;
	const struct ending *ending = argument;

	vm_usb_end_instead(ending->host, ending->request);
	vm_files_end_instead(ending->host, ending->request);
	if (give_back(ending, &err) < 0)
		output_error(&err);
	else if (!ending->cli->quiet)
		output_talk("pciferry was killed; the guest is ended, and its devices"
			    " are back");
}

/* Runs the guest, and gives back what was moved for it. */
static int run_and_give_back(const struct ending *ending, struct host *host,
			     struct vm_request *request, struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	struct ending instead = *ending;
	struct keeper keeper = { 0 };
	int r = keeper_start(give_back_instead, &instead, &keeper);

	if (r < 0)
		error_set(err, -r, "", "a process for the end of the guest: %s",
			  strerror(-r));
	if (r == 0)
		r = vm_user_give_nodes(ending->cli, host, &request->take, ending->plan,
				       ending->moved, ending->n_moved, &request->user,
				       err);
	if (r == 0)
		r = vm_slices_begin(ending->cli, host, &request->take, &request->slices,
				    &request->user, err);
	if (r == 0)
		r = run_guest(ending->cli, host, &keeper, request, err);
	if (give_back(ending, &failure) < 0) {
		output_error(&failure);
		if (r == 0)
			r = error_set(err, EIO, "",
				      "the guest has ended, but not all of its devices"
				      " could be given back");
	} else if (!ending->cli->quiet) {
		output_talk(ending->n_moved ? "the guest has ended; its devices are back"
					    : "the guest has ended");
	}
	keeper_dismiss(&keeper);
	return r;
}

static int run_with_devices(const struct cli *cli, struct host *host,
			    struct vm_request *request, const struct pci_address *asked,
			    size_t n_asked, struct error *err)
{
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	_cleanup_free_ struct pci_address *devices = NULL, *moved = NULL;
	struct ending ending = { cli, host, request, &plan, NULL, 0 };
	int r = 0;

	/* A user who was given the group can run a guest with it, and changes nothing. */
	if (n_asked && !take_is_done(host, &request->take, asked, n_asked, &plan))
		r = take_carry_out(cli, host, &request->take, asked, n_asked, TAKE, &plan,
				   err);
	if (r < 0)
		return r;
	moved = take_moved(&plan, &ending.n_moved);
	ending.moved = moved;
	if (!moved || choose_functions(&plan, asked, n_asked, &devices,
				       &request->config.n_devices) < 0) {
		if (moved && !request->take.dry_run)
			give_back(&ending, NULL);
		return error_oom(err);
	}
	request->config.devices = devices;
	if (!request->take.dry_run && (ending.n_moved || request->slices.count))
		return run_and_give_back(&ending, host, request, err);
	if (!request->take.dry_run)
		r = vm_user_give_nodes(cli, host, &request->take, &plan, NULL, 0,
				       &request->user, err);
	return r < 0 ? r : run_guest(cli, host, NULL, request, err);
}

static int look_at_slices(const struct host *host, struct vm_request *request,
			  struct error *err)
{
	const struct vm_config *config = &request->config;
	int r = vm_slices_look(host, &request->slices, config->accelerator == VM_KVM,
			       err);
	const struct vm_slice *shown = vm_shown_slice(config->slices, config->n_slices);

	/* vfio_display_dmabuf_init() in QEMU's hw/vfio/display.c */
	if (r == 0 && shown && shown->is_intels && config->display &&
	    !strcmp(config->display, "none"))
		return error_usage(err, "--display",
				   "none cannot take the picture of GVT-g's slice");
	for (size_t i = 0; r == 0 && request->take.dry_run && i < request->slices.count;
	     i++)
		if (!request->slices.is_there[i]) {
			error_set(err, ENODEV, request->slices.items[i].uuid,
				  "it is not there now, and a shell does not make it");
			error_hint(err, "pciferry mdev create makes it first");
			r = -ENODEV;
		}
	return r;
}

/* NVIDIA's vGPU without mediated devices. */
static int refuse_vendors(const struct host *host, const struct pci_address *addresses,
			  size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		char text[PCI_ADDRESS_SIZE];
		long long type;

		if (pci_slice_vendor_type(host, &addresses[i], &type) == FACT_ABSENT)
			continue;
		error_refuse(err, pci_address_format(&addresses[i], text),
			     "its driver hands it to guests itself, which vm run does"
			     " not know how to do");
		error_hint(err,
			   "pciferry vm create NAME %s defines a guest that has it, for"
			   " libvirt from about 9.9 on",
			   text);
		return -EBUSY;
	}
	return 0;
}

static int run(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(vm_request_free) struct vm_request request;
	_cleanup_free_ struct pci_address *addresses = NULL;
	_cleanup_(host_cleanup) struct host *host = NULL;
	size_t count = 0;
	int words, r;

	r = vm_request_parse(cli, argc, argv, &request, &words, err);
	if (r == 0 && words == optind && request.slices.count)
		r = cli_open_host(cli, &host, err);
	else if (r == 0)
		r = take_select(cli, &request.take, words - optind, argv + optind, &host,
				&addresses, &count, err);
	if (r == 0)
		r = refuse_vendors(host, addresses, count, err);
	if (r == 0)
		r = look_at_slices(host, &request, err);
	if (r < 0)
		return r;
	r = vm_look_at_network(host, &request, err);
	if (r == 0)
		r = vm_audio_look(host, &request, addresses, count, err);
	if (r == 0)
		r = vm_usb_look(cli, host, &request, err);
	if (r == 0 && request.tune.is_wanted)
		r = tune(cli, &request, addresses, count, err);
	if (r < 0)
		return r;
	/* What the recorded host had prepared for a guest, this machine has not. */
	if (!request.take.dry_run)
		r = change_check_host(host, err);
	if (!request.take.dry_run && r == 0)
		r = vm_look_at_files(&request, err);
	if (!request.take.dry_run && r == 0)
		r = vm_slices_foresee(cli, host, &request.take, &request.slices, err);
	if (r < 0)
		return r;
	/* vm_run() passes them on to QEMU. */
	take_block_signals();
	return run_with_devices(cli, host, &request, addresses, count, err);
}

const struct cli_command cli_vm_run = {
	.name = "vm run",
	.arguments = "DEVICE...|--mdev UUID [OPTION...] [-- QEMU-OPTION...]",
	.summary = "run a guest by QEMU alone, and give the devices back when it ends",
	.options =
		"  --disk FILE      a disk of the guest, raw or *.qcow2; repeatable\n"
		"  --cdrom FILE     a CD, such as an installer; repeatable\n"
		"  --network WHICH  user, by QEMU itself; bridge:NAME; tap:NAME, an\n"
		"                   interface that is there; none (none)\n"
		"  --memory SIZE    2048M or 4G; all of it is locked in memory (2048M)\n"
		"  --cpus N         virtual CPUs (1)\n"
		"  --kernel FILE    boot it; with --initrd FILE, --append TEXT\n"
		"  --bios           boot by BIOS instead of UEFI\n"
		"  --vars FILE      the guest's UEFI variables, made when not there\n"
		"  --tune[=NODE]    its processors and memory where the devices are\n"
		"  --hugepages      with --tune: huge pages, or no guest\n"
		"  --mdev UUID[,display][,rom=FILE]  a slice, made for the guest where it is only\n"
		"                   defined; perhaps as its screen\n"
		"  --usb WHICH      a device of the host's USB, by IDs (046d:c52b) or port (1-4)\n"
		"  --audio[=WHICH]  a sound card, heard by pa, the sound server of the user's\n"
		"                   session (PipeWire, PulseAudio), or alsa (pa where it runs)\n"
		"  --tpm            a TPM 2.0, by swtpm, with a state of its own\n"
		"  --name NAME      what the guest is called\n"
		"  --display TYPE   QEMU's -display; vnc, at a socket of yours; none (vnc where\n"
		"                   no graphics card goes, and no console=ttyS)\n"
		"  --accel WHICH    kvm or tcg (kvm)\n"
		"  --monitor PATH   a socket that speaks QMP\n"
		"  --qemu PROGRAM   another qemu-system-x86_64\n"
		"  --user USER      as whom QEMU runs (who called sudo)\n"
		"  --no-sandbox     QEMU keeps the system calls that it does not need\n"
		"  --dry-run        print the command line for a shell, change nothing\n"
		"  --script         the same as a script that binds and gives back\n"
		"  --all-matching   IDs may mean several devices\n"
		"  --timeout SEC    give a step of binding up after SEC seconds (30)\n",
	.run = run,
};
