/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_options.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/vm_audio.h"

enum {
	OPTION_BIOS = 1,
	OPTION_KERNEL,
	OPTION_INITRD,
	OPTION_APPEND,
	OPTION_DISK,
	OPTION_CDROM,
	OPTION_NETWORK,
	OPTION_MDEV,
	OPTION_USB,
	OPTION_TPM,
	OPTION_AUDIO,
	OPTION_TUNE,
	OPTION_HUGEPAGES,
	OPTION_MONITOR,
	OPTION_USER,
	OPTION_NO_SANDBOX,
	OPTION_SCRIPT,
	OPTION_MEMORY,
	OPTION_CPUS,
	OPTION_NAME,
	OPTION_VARS,
	OPTION_DISPLAY,
	OPTION_ACCEL,
	OPTION_QEMU,
	OPTION_TIMEOUT,
	OPTION_ALL_MATCHING,
	OPTION_DRY_RUN,
};

static const struct option own_options[] = {
	{ "bios", no_argument, NULL, OPTION_BIOS },
	{ "kernel", required_argument, NULL, OPTION_KERNEL },
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "append", required_argument, NULL, OPTION_APPEND },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "cdrom", required_argument, NULL, OPTION_CDROM },
	{ "network", required_argument, NULL, OPTION_NETWORK },
	{ "mdev", required_argument, NULL, OPTION_MDEV },
	{ "usb", required_argument, NULL, OPTION_USB },
	{ "tpm", no_argument, NULL, OPTION_TPM },
	{ "audio", optional_argument, NULL, OPTION_AUDIO },
	{ "tune", optional_argument, NULL, OPTION_TUNE },
	{ "hugepages", no_argument, NULL, OPTION_HUGEPAGES },
	{ "monitor", required_argument, NULL, OPTION_MONITOR },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX },
	{ "script", no_argument, NULL, OPTION_SCRIPT },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "vars", required_argument, NULL, OPTION_VARS },
	{ "display", required_argument, NULL, OPTION_DISPLAY },
	{ "accel", required_argument, NULL, OPTION_ACCEL },
	{ "qemu", required_argument, NULL, OPTION_QEMU },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "all-matching", no_argument, NULL, OPTION_ALL_MATCHING },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ 0 },
};

int vm_parse_size(const char *text, size_t len, unsigned int *ret_mib)
{
	char number[16] = "";
	size_t digits = strspn(text, "0123456789");
	bool is_gib = digits + 1 == len && text[digits] == 'G';
	uint64_t value;

	if (digits > len)
		digits = len;
	if (digits >= sizeof(number) ||
	    !(digits == len || is_gib || (digits + 1 == len && text[digits] == 'M')))
		return -EINVAL;
	memcpy(number, text, digits);
	if (text_parse_number(number, 1 << 20, &value) < 0)
		return -EINVAL;
	*ret_mib = (unsigned int)(is_gib ? value << 10 : value);
	return 0;
}

int vm_parse_memory(const char *text, unsigned int *ret_mib, struct error *err)
{
	if (vm_parse_size(text, strlen(text), ret_mib) < 0 || *ret_mib < 64)
		return error_usage(err, "--memory", "%s is no size such as 2048M or 4G",
				   text);
	return 0;
}

/* More take an IOMMU of the guest's own, for its interrupts. */
enum { CPUS_MAX = 255 };

int vm_parse_cpus(const char *text, unsigned int *ret_cpus, struct error *err)
{
	uint64_t value;

	if (text_parse_number(text, CPUS_MAX, &value) < 0 || !value)
		return error_usage(err, "--cpus", "%s is no number from 1 to %d", text,
				   CPUS_MAX);
	*ret_cpus = (unsigned int)value;
	return 0;
}

/* What is looked at here, whether it is in use above all, says nothing of another host
 * (https://libvirt.org/uri.html: the server stands behind "://"). */
int vm_parse_uri(const char *text, const char **ret_uri, struct error *err)
{
	const char *server = strstr(text, "://");

	if (server && server[3] && server[3] != '/') {
		error_usage(err, "--connect",
			    "%s is another host, whose devices are not known here", text);
		error_hint(err, "run pciferry there; or use --xml, which takes no"
				" libvirt");
		return -EINVAL;
	}
	*ret_uri = text;
	return 0;
}

static int parse_accelerator(const char *text, enum vm_accelerator *ret,
			     struct error *err)
{
	if (strcmp(text, "kvm") != 0 && strcmp(text, "tcg") != 0)
		return error_usage(err, "--accel", "%s is neither kvm nor tcg", text);
	*ret = strcmp(text, "kvm") == 0 ? VM_KVM : VM_TCG;
	return 0;
}

/* Behind "tap:"; it has 15 bytes at most (IFNAMSIZ). NULL: it is none. */
static const char *interface_name(const char *text, const char *kind)
{
	const char *name = text + strlen(kind);

	return !strncmp(text, kind, strlen(kind)) && *name && strlen(name) < IFNAMSIZ &&
			       !strpbrk(name, ",/ ")
		       ? name
		       : NULL;
}

static int take_network(const char *text, struct vm_config *config, struct error *err)
{
	config->tap = interface_name(text, "tap:");
	config->bridge = interface_name(text, "bridge:");
	if (config->tap)
		config->network = VM_NETWORK_TAP;
	else if (config->bridge)
		config->network = VM_NETWORK_BRIDGE;
	else if (!strcmp(text, "user"))
		config->network = VM_NETWORK_USER;
	else if (!strcmp(text, "none"))
		config->network = VM_NETWORK_NONE;
	else
		return error_usage(err, "--network",
				   "%s is none of none, user, bridge:NAME and tap:NAME",
				   text);
	return 0;
}

static int take_flag(struct vm_request *request, int value)
{
	switch (value) {
	case OPTION_BIOS:
		request->bios = true;
		return 0;
	case OPTION_TPM:
		request->has_tpm = true;
		return 0;
	case OPTION_HUGEPAGES:
		request->tune.wants_pages = true;
		return 0;
	case OPTION_NO_SANDBOX:
		request->config.sandbox = VM_SANDBOX_NONE;
		return 0;
	case OPTION_SCRIPT:
		request->script = true;
		request->take.dry_run = true;
		return 0;
	case OPTION_ALL_MATCHING:
		request->take.all_matching = true;
		return 0;
	case OPTION_DRY_RUN:
		request->take.dry_run = true;
		return 0;
	default:
		return value;
	}
}

/* Where a text goes as it is; NULL: this option's is to be understood. */
static const char **place_of_text(struct vm_request *request, int value)
{
	switch (value) {
	case OPTION_KERNEL:
		return &request->config.kernel;
	case OPTION_INITRD:
		return &request->config.initrd;
	case OPTION_APPEND:
		return &request->config.append;
	case OPTION_NAME:
		return &request->config.name;
	case OPTION_VARS:
		return &request->vars;
	case OPTION_DISPLAY:
		return &request->config.display;
	case OPTION_MONITOR:
		return &request->config.monitor;
	case OPTION_QEMU:
		return &request->config.qemu;
	default:
		return NULL;
	}
}

static int take_option(struct vm_request *request, int value, struct error *err)
{
	struct vm_config *config = &request->config;
	const char **text = place_of_text(request, value);

	if (text) {
		*text = optarg;
		return 0;
	}
	switch (value) {
	case OPTION_DISK:
		return string_list_add(&request->disks, optarg) < 0 ? error_oom(err) : 0;
	case OPTION_CDROM:
		return string_list_add(&request->cdroms, optarg) < 0 ? error_oom(err) : 0;
	case OPTION_MDEV:
		return vm_slices_take(&request->slices, optarg, err);
	case OPTION_USB:
		return string_list_add(&request->usb_names, optarg) < 0 ? error_oom(err)
									: 0;
	case OPTION_NETWORK:
		return take_network(optarg, config, err);
	case OPTION_USER:
		return take_parse_user(optarg, &request->take, err);
	case OPTION_MEMORY:
		return vm_parse_memory(optarg, &config->memory_mib, err);
	case OPTION_CPUS:
		return vm_parse_cpus(optarg, &config->cpus, err);
	case OPTION_AUDIO:
		return vm_audio_take(optarg, request, err);
	case OPTION_TUNE:
		return vm_tune_take(optarg, &request->tune, err);
	case OPTION_ACCEL:
		return parse_accelerator(optarg, &config->accelerator, err);
	case OPTION_TIMEOUT:
		return take_parse_timeout(optarg, &request->take, err);
	default:
		return take_flag(request, value);
	}
}

void vm_request_free(struct vm_request *request)
{
	string_list_free(&request->disks);
	string_list_free(&request->cdroms);
	string_list_free(&request->usb_names);
	free(request->usb);
	free(request->usb_fds);
	vm_tuning_free(&request->tuning);
	vm_slices_free(&request->slices);
	vm_user_free(&request->user);
}

static int check(const struct vm_request *request, struct error *err)
{
	const char *name = request->config.name;

	if (name && (!*name || *name == '.' || strpbrk(name, "/,")))
		return error_usage(err, "--name", "%s is no name of a file", name);
	if (request->usb_names.count > VM_USB_MAX)
		return error_usage(err, "--usb", "a guest has %d of them at most",
				   VM_USB_MAX);
	if (request->tune.wants_pages && !request->tune.is_wanted)
		return error_usage(err, "--hugepages", "it goes with --tune");
	if (request->tune.is_wanted && request->script)
		return error_usage(err, "--script",
				   "it does not go with --tune: a script cannot ask QEMU"
				   " which threads are the guest's processors");
	return 0;
}

int vm_request_parse(struct cli *cli, int argc, char **argv,
		     struct vm_request *ret_request, int *ret_words, struct error *err)
{
	struct vm_config *config = &ret_request->config;
	int value, r = 0;

	*ret_request = (struct vm_request){
		.take = TAKE_OPTIONS_INIT,
		.tune.starts_now = true,
		.config = {
			.qemu = "qemu-system-x86_64",
			.memory_mib = 2048,
			.cpus = 1,
			.serial_monitor = isatty(STDIN_FILENO),
			.sandbox = VM_SANDBOX_FULL,
		},
	};
	*ret_words = argc;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		config->extra = argv + i + 1;
		*ret_words = i;
		break;
	}
	while (r == 0 &&
	       (value = cli_next_option(cli, *ret_words, argv, own_options, err)) != -1)
		r = take_option(ret_request, value, err);
	if (r == 0)
		r = check(ret_request, err);
	if (config->extra && config->sandbox == VM_SANDBOX_FULL)
		config->sandbox = VM_SANDBOX_USUAL;
	if (r == 0)
		r = vm_user_choose(&ret_request->take, &ret_request->user, err);
	config->cdroms = (const char *const *)ret_request->cdroms.items;
	config->n_cdroms = ret_request->cdroms.count;
	config->disks = (const char *const *)ret_request->disks.items;
	config->n_disks = ret_request->disks.count;
	config->slices = ret_request->slices.items;
	config->n_slices = ret_request->slices.count;
	return r;
}
