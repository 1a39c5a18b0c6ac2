/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "vm/guest.h"
#include "vm/tune.h"
#include "vm/vm.h"

char *vm_double_commas(const char *text)
{
	char *doubled = malloc(strlen(text) * 2 + 1), *out = doubled;

	if (!doubled)
		return NULL;
	for (; *text; text++) {
		*out++ = *text;
		if (*text == ',')
			*out++ = ',';
	}
	*out = '\0';
	return doubled;
}

/* Adds "-option", and "value" where there is one. */
static int add(struct string_list *argv, const char *option, const char *value)
{
	int r = string_list_addf(argv, "-%s", option);

	return r == 0 && value ? string_list_add(argv, value) : r;
}

/* As many threads of a core, and caches, as the host's processors have that it gets
 * (vm/tune.h). */
static int add_processors(const struct vm_config *config, struct string_list *argv)
{
	const struct vm_tuning *tuning = config->tuning;
	bool has_kvm = config->accelerator == VM_KVM;
	int r = add(argv, "cpu", NULL);

	if (r == 0)
		r = string_list_addf(
			argv, "%s%s", has_kvm ? "host" : "max",
			has_kvm && tuning && tuning->needs_topoext ? ",topoext=on" : "");
	if (r == 0)
		r = add(argv, "smp", NULL);
	if (r < 0 || !tuning)
		return r < 0 ? r : string_list_addf(argv, "%u", config->cpus);
	return string_list_addf(argv, "%u,sockets=1,dies=%u,cores=%u,threads=%u",
				config->cpus, tuning->dies,
				config->cpus / tuning->threads / tuning->dies,
				tuning->threads);
}

/* Whether QEMU is told where the guest's memory comes from. */
static bool places_memory(const struct vm_config *config)
{
	return config->tuning && (config->page_kib || config->binds_memory);
}

/* What is not there is missing at the start, not when the guest first writes there. */
static int add_memory(const struct vm_config *config, struct string_list *argv)
{
	char pages[64] = "", node[64] = "";
	int r;

	if (!places_memory(config))
		return 0;
	if (config->page_kib)
		snprintf(pages, sizeof(pages), ",hugetlb=on,hugetlbsize=%uK,prealloc=on",
			 config->page_kib);
	if (config->binds_memory)
		snprintf(node, sizeof(node), ",host-nodes=%u,policy=bind",
			 config->tuning->node);
	r = add(argv, "object", NULL);
	return r < 0 ? r
		     : string_list_addf(argv, "memory-backend-%s,id=ram,size=%uM%s%s",
					config->page_kib ? "memfd" : "ram",
					config->memory_mib, pages, node);
}

/* For pciferry alone, as long as it takes to ask which threads the processors are. */
static int add_pins(const struct vm_config *config, struct string_list *argv)
{
	int r;

	if (!config->pins_fd)
		return 0;
	r = add(argv, "chardev", NULL);
	if (r == 0)
		r = string_list_addf(argv, "socket,id=pins,fd=%d", config->pins_fd);
	return r < 0 ? r : add(argv, "mon", "chardev=pins,mode=control");
}

static int add_machine(const struct vm_config *config, struct string_list *argv)
{
	int r = string_list_add(argv, config->qemu);

	if (r == 0)
		r = add(argv, "name", NULL);
	/* So that who looks sees which threads are the guest's processors. */
	if (r == 0)
		r = string_list_addf(argv, "%s%s", config->name,
				     config->tuning ? ",debug-threads=on" : "");
	if (r == 0)
		r = add(argv, "machine",
			places_memory(config) ? "q35,memory-backend=ram" : "q35");
	if (r == 0)
		r = add(argv, "accel", config->accelerator == VM_KVM ? "kvm" : "tcg");
	if (r == 0)
		r = add_processors(config, argv);
	if (r == 0)
		r = add(argv, "m", NULL);
	if (r == 0)
		r = string_list_addf(argv, "%uM", config->memory_mib);
	if (r == 0)
		r = add_memory(config, argv);
	/* No default NIC, CD or card: the guest has what was asked for. */
	if (r == 0)
		r = add(argv, "nodefaults", NULL);
	if (r == 0)
		r = add(argv, "no-user-config", NULL);
	return r;
}

static const struct vm_slice *shown_slice(const struct vm_config *config)
{
	return vm_shown_slice(config->slices, config->n_slices);
}

static const char *display_of(const struct vm_config *config)
{
	const struct vm_slice *shown = shown_slice(config);

	if (config->display)
		return config->display;
	return config->screen && shown && shown->is_intels ? "egl-headless" : "none";
}

static int add_console(const struct vm_config *config, struct string_list *argv)
{
	const char *display = display_of(config);
	_cleanup_free_ char *screen =
		config->screen ? vm_double_commas(config->screen) : NULL;
	int r = config->screen && !screen ? -ENOMEM : add(argv, "display", display);

	if (r == 0 && screen)
		r = add(argv, "vnc", NULL);
	if (r == 0 && screen)
		r = string_list_addf(argv, "unix:%s", screen);
	if (r == 0)
		r = add(argv, "vga",
			!screen && strcmp(display, "none") != 0 && !shown_slice(config)
				? "std"
				: "none");
	if (r == 0 && screen && !shown_slice(config))
		r = add(argv, "device", "VGA,id=ferry-vga,addr=0x1e");
	if (r == 0)
		r = add(argv, "serial", config->serial_monitor ? "mon:stdio" : "stdio");
	if (r == 0 && !config->serial_monitor)
		r = add(argv, "monitor", "none");
	return r;
}

static int add_firmware(const struct vm_config *config, struct string_list *argv)
{
	_cleanup_free_ char *code = NULL, *vars = NULL;
	int r;

	if (!config->firmware)
		return 0;
	code = vm_double_commas(config->firmware->code);
	vars = vm_double_commas(config->vars);
	if (!code || !vars)
		return -ENOMEM;
	r = add(argv, "drive", NULL);
	if (r == 0)
		r = string_list_addf(argv,
				     "if=pflash,unit=0,format=%s,readonly=on,file=%s",
				     config->firmware->code_format, code);
	if (r == 0)
		r = add(argv, "drive", NULL);
	if (r == 0)
		r = string_list_addf(argv, "if=pflash,unit=1,format=%s,file=%s",
				     config->firmware->vars_format, vars);
	return r;
}

static int add_boot(const struct vm_config *config, struct string_list *argv)
{
	int r = 0;

	if (config->kernel)
		r = add(argv, "kernel", config->kernel);
	if (r == 0 && config->initrd)
		r = add(argv, "initrd", config->initrd);
	if (r == 0 && config->append)
		r = add(argv, "append", config->append);
	return r;
}

static int add_disks(const struct vm_config *config, struct string_list *argv)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_disks; i++) {
		_cleanup_free_ char *file = vm_double_commas(config->disks[i]);
		/* Never probed: a guest could write a header into a raw disk that is
		 * believed. */
		bool qcow2 = fnmatch("*.qcow2", config->disks[i], 0) == 0;

		if (!file)
			return -ENOMEM;
		r = add(argv, "drive", NULL);
		if (r == 0)
			r = string_list_addf(argv, "if=virtio,format=%s,file=%s",
					     qcow2 ? "qcow2" : "raw", file);
	}
	return r;
}

static int add_cdroms(const struct vm_config *config, struct string_list *argv)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->n_cdroms; i++) {
		_cleanup_free_ char *file = vm_double_commas(config->cdroms[i]);

		if (!file)
			return -ENOMEM;
		r = add(argv, "drive", NULL);
		if (r == 0)
			r = string_list_addf(argv,
					     "if=ide,index=%zu,media=cdrom,readonly=on,"
					     "format=raw,file=%s",
					     i, file);
	}
	return r;
}

static int add_network(const struct vm_config *config, struct string_list *argv)
{
	int r = 0;

	if (config->network == VM_NETWORK_NONE)
		return 0;
	r = add(argv, "netdev", NULL);
	if (r == 0 && config->network == VM_NETWORK_USER)
		r = string_list_add(argv, "user,id=net0");
	else if (r == 0 && config->tap_fd)
		r = string_list_addf(argv, "tap,id=net0,fd=%d", config->tap_fd);
	else if (r == 0)
		r = string_list_addf(argv,
				     "tap,id=net0,ifname=%s,script=no,downscript=no",
				     config->tap);
	if (r == 0)
		r = add(argv, "device", NULL);
	return r < 0 ? r
		     : string_list_addf(argv, "virtio-net-pci,netdev=net0%s%s",
					config->mac ? ",mac=" : "",
					config->mac ? config->mac : "");
}

static int add_monitor(const struct vm_config *config, struct string_list *argv)
{
	_cleanup_free_ char *socket = NULL;
	int r;

	if (!config->monitor)
		return 0;
	socket = vm_double_commas(config->monitor);
	if (!socket)
		return -ENOMEM;
	r = add(argv, "qmp", NULL);
	return r < 0 ? r : string_list_addf(argv, "unix:%s,server=on,wait=off", socket);
}

static int add_sandbox(const struct vm_config *config, struct string_list *argv)
{
	if (config->sandbox == VM_SANDBOX_NONE)
		return 0;
	return add(argv, "sandbox",
		   config->sandbox == VM_SANDBOX_FULL
			   ? "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
			     "resourcecontrol=deny"
			   : "on,obsolete=deny,elevateprivileges=deny");
}

static int add_function(const struct vm_function *function, struct string_list *argv)
{
	char address[PCI_ADDRESS_SIZE];
	int r = add(argv, "device", NULL);

	pci_address_format(&function->host, address);
	if (r < 0)
		return r;
	/* By path where QEMU's own form of address is too narrow for the domain. */
	return string_list_addf(argv, "vfio-pci,%s%s,bus=ferry%u,addr=0x0.0x%x%s",
				function->host.domain > 0xffff
					? "sysfsdev=/sys/bus/pci/devices/"
					: "host=",
				address, function->port, function->function,
				function->multifunction ? ",multifunction=on" : "");
}

static int add_port(unsigned int port, struct string_list *argv)
{
	int r = add(argv, "device", NULL);

	return r < 0 ? r
		     : string_list_addf(argv,
					"pcie-root-port,id=ferry%u,chassis=%u,slot=%u",
					port, port, port);
}

static int add_devices(const struct vm_config *config, struct string_list *argv)
{
	_cleanup_free_ struct vm_function *functions =
		calloc(config->n_devices + 1, sizeof(*functions));
	int r = functions ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < config->n_devices; i++)
		functions[i].host = config->devices[i];
	if (r == 0)
		vm_place_functions(functions, config->n_devices);
	for (size_t i = 0; r == 0 && i < config->n_devices; i++) {
		if (functions[i].function == 0)
			r = add_port(functions[i].port, argv);
		if (r == 0)
			r = add_function(&functions[i], argv);
	}
	return r;
}

/* Beside what is behind ports: before pciferry's own, which is last (add_usb()). */
enum { FIRST_SLICE = 0x10 };

/*
 * NVIDIA's manager tells guests apart by their UUIDs (vGPU user guide). Only what is not
 * unplugged can have the picture that firmware draws (hw/vfio/pci.c, ramfb).
 */
static int add_slices(const struct vm_config *config, struct string_list *argv)
{
	int r = config->n_slices ? add(argv, "uuid", config->slices[0].uuid) : 0;

	for (size_t i = 0; r == 0 && i < config->n_slices; i++) {
		const struct vm_slice *slice = &config->slices[i];
		_cleanup_free_ char *rom =
			slice->rom ? vm_double_commas(slice->rom) : NULL;

		if (slice->rom && !rom)
			return -ENOMEM;
		r = add(argv, "device", NULL);
		if (r == 0)
			r = string_list_addf(
				argv,
				"vfio-pci%s,sysfsdev=/sys/bus/mdev/devices/%s,addr=0x%zx,"
				"display=%s%s%s%s%s",
				slice->shows ? "-nohotplug" : "", slice->uuid,
				FIRST_SLICE + i, slice->shows ? "on" : "off",
				slice->shows ? ",ramfb=on" : "",
				slice->is_intels ? ",x-igd-opregion=on" : "",
				rom ? ",romfile=" : "", rom ? rom : "");
	}
	return r;
}

static int add_tpm(const struct vm_config *config, struct string_list *argv)
{
	const struct vm_line *line = config->tpm;
	_cleanup_free_ char *path =
		line && line->path ? vm_double_commas(line->path) : NULL;
	int r;

	if (!line)
		return 0;
	r = line->path && !path ? -ENOMEM : add(argv, "chardev", NULL);
	if (r == 0 && line->path)
		r = string_list_addf(argv, "socket,id=tpm,path=%s", path);
	else if (r == 0)
		r = string_list_addf(argv, "socket,id=tpm,fd=%d", line->fd);
	if (r == 0)
		r = add(argv, "tpmdev", "emulator,id=tpm0,chardev=tpm");
	return r < 0 ? r : add(argv, "device", "tpm-crb,tpmdev=tpm0");
}

/* By a descriptor QEMU has this one; by itself it looks for one like it again whenever
 * that goes. */
static int add_usb_device(const struct vm_config *config, size_t i,
			  struct string_list *argv)
{
	const struct vm_usb *usb = &config->usb[i];
	int r = 0;

	if (config->usb_fds)
		r = add(argv, "add-fd", NULL);
	if (r == 0 && config->usb_fds)
		r = string_list_addf(argv, "set=%zu,fd=%d", i + 1, config->usb_fds[i]);
	if (r == 0)
		r = add(argv, "device", NULL);
	if (r < 0)
		return r;
	if (config->usb_fds)
		return string_list_addf(
			argv, "usb-host,bus=ferry-usb.0,hostdevice=/dev/fdset/%zu",
			i + 1);
	if (usb->is_any)
		return string_list_addf(
			argv, "usb-host,bus=ferry-usb.0,vendorid=0x%04x,productid=0x%04x",
			usb->vendor, usb->product);
	return string_list_addf(argv, "usb-host,bus=ferry-usb.0,hostbus=%u,hostport=%s",
				usb->bus, strchr(usb->port, '-') + 1);
}

/*
 * What is pciferry's own is behind all else: the guest's system names its network by
 * where that is. The last place, 0x1f, is q35's own.
 */
static int add_usb(const struct vm_config *config, struct string_list *argv)
{
	int r;

	if (!config->screen && !config->n_usb)
		return 0;
	r = add(argv, "device",
		config->n_usb ? "qemu-xhci,id=ferry-usb,addr=0x1d,p2=15,p3=15"
			      : "qemu-xhci,id=ferry-usb,addr=0x1d");
	/* By VNC a mouse that only tells how far it has moved is never where the pointer
	 * is. */
	if (r == 0 && config->screen)
		r = add(argv, "device", "usb-tablet,bus=ferry-usb.0");
	for (size_t i = 0; r == 0 && i < config->n_usb; i++)
		r = add_usb_device(config, i, argv);
	return r;
}

/*
 * Where an ICH9 has it, which libvirt also does. That PulseAudio's library is told the
 * socket keeps it from starting a server of its own, which the filter ends QEMU for.
 */
static int add_audio(const struct vm_config *config, struct string_list *argv)
{
	_cleanup_free_ char *server = NULL;
	int r;

	if (config->audio == VM_AUDIO_NONE)
		return 0;
	r = add(argv, "audiodev", NULL);
	if (r == 0 && config->audio == VM_AUDIO_PA) {
		server = vm_double_commas(config->audio_server);
		r = server ? string_list_addf(argv, "pa,id=ferry-audio,server=unix:%s",
					      server)
			   : -ENOMEM;
	} else if (r == 0) {
		r = string_list_add(argv, "alsa,id=ferry-audio");
	}
	if (r == 0)
		r = add(argv, "device", "ich9-intel-hda,id=ferry-sound,addr=0x1b");
	return r < 0 ? r
		     : add(argv, "device",
			   "hda-duplex,bus=ferry-sound.0,audiodev=ferry-audio");
}

int vm_build_argv(const struct vm_config *config, struct string_list *ret_argv)
{
	static int (*const parts[])(const struct vm_config *, struct string_list *) = {
		add_machine, add_sandbox, add_firmware, add_boot,    add_console,
		add_monitor, add_disks,	  add_cdroms,	add_network, add_devices,
		add_slices,  add_usb,	  add_audio,	add_tpm,     add_pins,
	};
	_cleanup_(string_list_free) struct string_list argv = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = parts[i](config, &argv);
	for (char *const *extra = config->extra; r == 0 && extra && *extra; extra++)
		r = string_list_add(&argv, *extra);
	if (r < 0)
		return r;
	*ret_argv = argv;
	memset(&argv, 0, sizeof(argv));
	return 0;
}

char *vm_shell_quote(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./:,@%";
	char *quoted, *out;

	if (*word && word[strspn(word, plain)] == '\0')
		return strdup(word);
	/* Each ' becomes '\'' between two quoted pieces. */
	out = quoted = malloc(strlen(word) * 4 + 3);
	if (!quoted)
		return NULL;
	*out++ = '\'';
	for (; *word; word++) {
		if (*word == '\'')
			out = stpcpy(out, "'\\''");
		else
			*out++ = *word;
	}
	*out++ = '\'';
	*out = '\0';
	return quoted;
}
