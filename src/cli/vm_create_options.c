/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_create_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/vm_create_parts.h"
#include "cli/vm_options.h"

#define DEVICE_HELP                                                                    \
	"  --mdev UUID[,display][,rom=FILE]  a slice, perhaps as the guest's screen\n" \
	"  --rom DEVICE=FILE  an option ROM instead of the device's own\n"             \
	"  --mac DEVICE=MAC[,VLAN]  of a network card's virtual function\n"            \
	"  --hand-over      pciferry's hook binds the devices, not libvirt\n"          \
	"  --all-matching   IDs may mean several devices\n"

const char vm_xml_help[] = DEVICE_HELP;

const char vm_create_help[] =
	"  --memory SIZE    2048M or 4G; all of it is locked in memory (4G)\n"
	"  --cpus N         virtual CPUs (2)\n"
	"  --tune[=NODE]    its processors and memory where the devices are\n"
	"  --hugepages      with --tune: huge pages, also where too few are free yet\n"
	"  --isolate        with --tune: the host's tasks are off its cores as it runs\n"
	"  --disk FILE      a disk of the guest, raw or *.qcow2, or a block device;\n"
	"                   FILE,size=20G makes it\n"
	"  --cdrom FILE     a CD, such as an installer\n"
	"  --network NAME   a network of libvirt's, or bridge:br0 (none)\n"
	"  --screen WHICH   vnc, spice or none (vnc), for this host alone\n"
	"  --usb WHICH      a device of the host's USB, by IDs (046d:c52b) or port (1-4)\n"
	"  --evdev NODE     a keyboard or mouse; both Ctrl keys take it back\n"
	"  --share DIR[=TAG]  a folder of the host's, by virtiofs\n"
	"  --looking-glass[=WIDTHxHEIGHT]  memory for the guest's picture (1920x1080)\n"
	"  --tpm            a TPM 2.0, by swtpm\n"
	"  --bios           boot by BIOS instead of UEFI; or --secure-boot\n"
	"  --kernel FILE    boot it; with --initrd FILE, --append TEXT\n"
	"  --windows        what QEMU can do for Windows: timers, Hyper-V's interfaces\n"
	"  --hide           hide that it is a guest; drivers seldom want that now\n"
	"  --battery FILE   an ACPI table with a battery, for laptops' graphics cards\n" DEVICE_HELP
	"  --tcg            without KVM: QEMU emulates the processor\n"
	"  --connect URI    another libvirt (qemu:///system)\n"
	"  --xml            print the definition, define nothing\n"
	"  --start          start the guest\n";

enum {
	OPTION_MEMORY = 1,
	OPTION_CPUS,
	OPTION_TUNE,
	OPTION_HUGEPAGES,
	OPTION_ISOLATE,
	OPTION_DISK,
	OPTION_CDROM,
	OPTION_NETWORK,
	OPTION_SCREEN,
	OPTION_USB,
	OPTION_EVDEV,
	OPTION_SHARE,
	OPTION_LOOKING_GLASS,
	OPTION_TPM,
	OPTION_BIOS,
	OPTION_SECURE_BOOT,
	OPTION_WINDOWS,
	OPTION_HIDE,
	OPTION_BATTERY,
	OPTION_KERNEL,
	OPTION_INITRD,
	OPTION_APPEND,
	OPTION_MDEV,
	OPTION_ROM,
	OPTION_MAC,
	OPTION_HAND_OVER,
	OPTION_TCG,
	OPTION_ALL_MATCHING,
	OPTION_CONNECT,
	OPTION_XML,
	OPTION_START,
};

static const struct option create_options[] = {
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "tune", optional_argument, NULL, OPTION_TUNE },
	{ "hugepages", no_argument, NULL, OPTION_HUGEPAGES },
	{ "isolate", no_argument, NULL, OPTION_ISOLATE },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "cdrom", required_argument, NULL, OPTION_CDROM },
	{ "network", required_argument, NULL, OPTION_NETWORK },
	{ "screen", required_argument, NULL, OPTION_SCREEN },
	{ "usb", required_argument, NULL, OPTION_USB },
	{ "evdev", required_argument, NULL, OPTION_EVDEV },
	{ "share", required_argument, NULL, OPTION_SHARE },
	{ "looking-glass", optional_argument, NULL, OPTION_LOOKING_GLASS },
	{ "tpm", no_argument, NULL, OPTION_TPM },
	{ "bios", no_argument, NULL, OPTION_BIOS },
	{ "secure-boot", no_argument, NULL, OPTION_SECURE_BOOT },
	{ "windows", no_argument, NULL, OPTION_WINDOWS },
	{ "hide", no_argument, NULL, OPTION_HIDE },
	{ "kernel", required_argument, NULL, OPTION_KERNEL },
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "append", required_argument, NULL, OPTION_APPEND },
	{ "battery", required_argument, NULL, OPTION_BATTERY },
	{ "mdev", required_argument, NULL, OPTION_MDEV },
	{ "rom", required_argument, NULL, OPTION_ROM },
	{ "mac", required_argument, NULL, OPTION_MAC },
	{ "hand-over", no_argument, NULL, OPTION_HAND_OVER },
	{ "tcg", no_argument, NULL, OPTION_TCG },
	{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
	{ "connect", required_argument, NULL, OPTION_CONNECT },
	{ "xml", no_argument, NULL, OPTION_XML },
	{ "start", no_argument, NULL, OPTION_START },
	{ 0 },
};

static const struct option xml_options[] = {
	{ "mdev", required_argument, NULL, OPTION_MDEV },
	{ "rom", required_argument, NULL, OPTION_ROM },
	{ "mac", required_argument, NULL, OPTION_MAC },
	{ "hand-over", no_argument, NULL, OPTION_HAND_OVER },
	{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
	{ 0 },
};

/* QEMU's -acpitable takes several files, with a colon between them. */
static int take_battery(struct vm_create_request *request, const char *path,
			struct error *err)
{
	bool is_block;
	int r = vm_keep_path(request, path, &request->guest.battery, &is_block, err);

	if (r == 0 && strchr(request->guest.battery, ':'))
		return error_usage(err, "--battery", "%s: no colon may be in its path",
				   request->guest.battery);
	return r;
}

static int take_screen(const char *text, enum vm_screen *ret_screen, struct error *err)
{
	static const char *const names[] = {
		[VM_SCREEN_NONE] = "none",
		[VM_SCREEN_VNC] = "vnc",
		[VM_SCREEN_SPICE] = "spice",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(text, names[i])) {
			*ret_screen = (enum vm_screen)i;
			return 0;
		}
	return error_usage(err, "--screen", "%s is none of vnc, spice and none", text);
}

static void take_network(const char *text, struct vm_guest *guest)
{
	guest->bridge = NULL;
	guest->network = NULL;
	if (!strncmp(text, "bridge:", strlen("bridge:")))
		guest->bridge = text + strlen("bridge:");
	else if (strcmp(text, "none") != 0)
		guest->network = text;
}

static int take_flag(struct vm_create_request *request, int value)
{
	struct vm_guest *guest = &request->guest;

	switch (value) {
	case OPTION_TPM:
		guest->has_tpm = true;
		return 0;
	case OPTION_BIOS:
		request->bios = true;
		return 0;
	case OPTION_SECURE_BOOT:
		request->firmware_kind = VM_FIRMWARE_SECURE;
		return 0;
	case OPTION_WINDOWS:
		guest->is_windows = true;
		return 0;
	case OPTION_HIDE:
		guest->hides = true;
		return 0;
	case OPTION_HUGEPAGES:
		request->tune.wants_pages = true;
		return 0;
	case OPTION_ISOLATE:
		guest->isolates = true;
		return 0;
	case OPTION_HAND_OVER:
		guest->hands_over = true;
		return 0;
	case OPTION_TCG:
		guest->has_kvm = false;
		return 0;
	case OPTION_ALL_MATCHING:
		request->all_matching = true;
		return 0;
	case OPTION_XML:
		request->only_xml = true;
		return 0;
	case OPTION_START:
		request->start = true;
		return 0;
	default:
		return value;
	}
}

static int take_option(struct vm_create_request *request, int value, struct error *err)
{
	struct vm_guest *guest = &request->guest;
	bool is_block;

	switch (value) {
	case OPTION_MEMORY:
		return vm_parse_memory(optarg, &guest->memory_mib, err);
	case OPTION_CPUS:
		return vm_parse_cpus(optarg, &guest->cpus, err);
	case OPTION_TUNE:
		return vm_tune_take(optarg, &request->tune, err);
	case OPTION_DISK:
		return vm_take_disk(request, optarg, err);
	case OPTION_CDROM:
		return vm_take_cdrom(request, optarg, err);
	case OPTION_USB:
		return string_list_add(&request->usb_names, optarg) < 0 ? error_oom(err)
									: 0;
	case OPTION_EVDEV:
		return vm_take_evdev(request, optarg, err);
	case OPTION_SHARE:
		return vm_take_share(request, optarg, err);
	case OPTION_LOOKING_GLASS:
		return vm_take_looking_glass(request, optarg, err);
	case OPTION_KERNEL:
		return vm_keep_path(request, optarg, &guest->kernel, &is_block, err);
	case OPTION_INITRD:
		return vm_keep_path(request, optarg, &guest->initrd, &is_block, err);
	case OPTION_APPEND:
		guest->append = optarg;
		return 0;
	case OPTION_NETWORK:
		take_network(optarg, guest);
		return 0;
	case OPTION_SCREEN:
		request->screen_is_chosen = true;
		return take_screen(optarg, &guest->screen, err);
	case OPTION_BATTERY:
		return take_battery(request, optarg, err);
	case OPTION_MDEV:
		return vm_slices_take(&request->slices, optarg, err);
	case OPTION_ROM:
		return string_list_add(&request->roms, optarg) < 0 ? error_oom(err) : 0;
	case OPTION_MAC:
		return string_list_add(&request->macs, optarg) < 0 ? error_oom(err) : 0;
	case OPTION_CONNECT:
		return vm_parse_uri(optarg, &request->uri, err);
	default:
		return take_flag(request, value);
	}
}

static int parse(struct cli *cli, int argc, char **argv, const struct option *options,
		 struct vm_create_request *request, struct error *err)
{
	int value, r = 0;

	*request = (struct vm_create_request){
		.guest = {
			.has_kvm = true,
			.memory_mib = 4096,
			.cpus = 2,
			.screen = VM_SCREEN_VNC,
		},
	};
	while (r == 0 && (value = cli_next_option(cli, argc, argv, options, err)) != -1)
		r = take_option(request, value, err);
	request->guest.slices = request->slices.items;
	request->guest.n_slices = request->slices.count;
	/* Looking Glass's program for the host sends keys by SPICE. */
	if (request->guest.picture_mib && !request->screen_is_chosen)
		request->guest.screen = VM_SCREEN_SPICE;
	return r;
}

void vm_create_request_free(struct vm_create_request *request)
{
	free(request->disks);
	free(request->usb);
	free(request->inputs);
	free(request->shares);
	vm_slices_free(&request->slices);
	string_list_free(&request->usb_names);
	string_list_free(&request->roms);
	string_list_free(&request->macs);
	string_list_free(&request->made);
}

static int need_device(const char *command, struct error *err)
{
	error_usage(err, "", "%s needs a DEVICE", command);
	error_hint(err, "pciferry list shows what there is");
	return -EINVAL;
}

/* It becomes the name of files (libvirt: virDomainDefPostParse...; no "/", no newline).
 */
static int check_name(const char *name, struct error *err)
{
	for (const char *at = name; *at; at++)
		if (*at == '/' || iscntrl((unsigned char)*at))
			return error_usage(err, name, "not a name for a guest");
	return *name ? 0 : error_usage(err, name, "not a name for a guest");
}

int vm_create_request_parse(struct cli *cli, int argc, char **argv,
			    struct vm_create_request *ret_request, struct error *err)
{
	int r = parse(cli, argc, argv, create_options, ret_request, err);

	if (r < 0)
		return r;
	if (optind >= argc)
		return error_usage(err, "", "vm create needs a NAME for the guest");
	ret_request->guest.name = argv[optind];
	if (optind + 1 >= argc && !ret_request->slices.count)
		return need_device("vm create", err);
	if (vm_shown_slice(ret_request->slices.items, ret_request->slices.count) &&
	    ret_request->guest.screen == VM_SCREEN_NONE)
		return error_usage(err, "--screen", "none shows no slice's picture");
	if (ret_request->bios && ret_request->firmware_kind == VM_FIRMWARE_SECURE)
		return error_usage(err, "--secure-boot", "it takes UEFI, not --bios");
	if ((ret_request->guest.initrd || ret_request->guest.append) &&
	    !ret_request->guest.kernel)
		return error_usage(err, "", "--initrd and --append go with --kernel");
	if (ret_request->tune.wants_pages && !ret_request->tune.is_wanted)
		return error_usage(err, "--hugepages", "it goes with --tune");
	if (ret_request->guest.isolates && !ret_request->tune.is_wanted)
		return error_usage(err, "--isolate", "it goes with --tune");
	if (ret_request->start && ret_request->only_xml)
		return error_usage(err, "--start", "--xml defines nothing to start");
	return check_name(ret_request->guest.name, err);
}

int vm_xml_request_parse(struct cli *cli, int argc, char **argv,
			 struct vm_create_request *ret_request, struct error *err)
{
	int r = parse(cli, argc, argv, xml_options, ret_request, err);

	ret_request->guest.name = "the guest";
	return r == 0 && optind >= argc && !ret_request->slices.count
		       ? need_device("vm xml", err)
		       : r;
}
