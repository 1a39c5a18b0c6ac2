/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest as libvirt has it written (https://libvirt.org/formatdomain.html). */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/define.h"
#include "vm/domain.h"
#include "vm/tune.h"
#include "vm/vm.h"

static void add_firmware(struct vm_xml *xml, xmlNode *os,
			 const struct vm_firmware *firmware)
{
	bool secure = firmware->kind == VM_FIRMWARE_SECURE;
	xmlNode *loader;

	loader = vm_xml_add_text(xml, os, "loader", "%s", firmware->code);
	vm_xml_set(xml, loader, "readonly", "yes");
	if (secure)
		vm_xml_set(xml, loader, "secure", "yes");
	vm_xml_set(xml, loader, "type", "pflash");
	/* Of which libvirt makes the guest's own copy, when it first starts. */
	vm_xml_add(xml, os, "nvram", "template", firmware->vars_template, NULL);
}

static void add_boot(struct vm_xml *xml, xmlNode *root, const struct vm_guest *guest)
{
	xmlNode *os = vm_xml_add(xml, root, "os", NULL), *type;

	type = vm_xml_add_text(xml, os, "type", "hvm");
	vm_xml_set(xml, type, "arch", "x86_64");
	vm_xml_set(xml, type, "machine", "q35");
	if (guest->firmware)
		add_firmware(xml, os, guest->firmware);
	if (guest->kernel)
		vm_xml_add_text(xml, os, "kernel", "%s", guest->kernel);
	if (guest->initrd)
		vm_xml_add_text(xml, os, "initrd", "%s", guest->initrd);
	if (guest->append)
		vm_xml_add_text(xml, os, "cmdline", "%s", guest->append);
}

static void add_hyperv(struct vm_xml *xml, xmlNode *features,
		       const struct vm_guest *guest)
{
	static const char *const on[] = { "relaxed", "vapic", "vpindex",
					  "runtime", "synic", "frequencies" };
	xmlNode *hyperv = vm_xml_add(xml, features, "hyperv", NULL);
	xmlNode *spinlocks, *timer;

	for (size_t i = 0; i < ARRAY_SIZE(on); i++)
		vm_xml_add(xml, hyperv, on[i], "state", "on", NULL);
	/* How often Windows tries before it tells the host that it waits. */
	spinlocks = vm_xml_add(xml, hyperv, "spinlocks", "state", "on", NULL);
	vm_xml_set(xml, spinlocks, "retries", "8191");
	timer = vm_xml_add(xml, hyperv, "stimer", "state", "on", NULL);
	vm_xml_add(xml, timer, "direct", "state", "on", NULL);
	vm_xml_add(xml, hyperv, "reset", "state", "on", NULL);
	if (guest->hides)
		vm_xml_add(xml, hyperv, "vendor_id", "state", "on", "value", "pciferry",
			   NULL);
}

static void add_features(struct vm_xml *xml, xmlNode *root, const struct vm_guest *guest)
{
	xmlNode *features = vm_xml_add(xml, root, "features", NULL), *kvm;

	vm_xml_add(xml, features, "acpi", NULL);
	vm_xml_add(xml, features, "apic", NULL);
	/* Both are KVM's alone. */
	if (guest->is_windows && guest->has_kvm)
		add_hyperv(xml, features, guest);
	if (guest->hides && guest->has_kvm) {
		kvm = vm_xml_add(xml, features, "kvm", NULL);
		vm_xml_add(xml, kvm, "hidden", "state", "on", NULL);
	}
	if (guest->firmware && guest->firmware->kind == VM_FIRMWARE_SECURE)
		vm_xml_add(xml, features, "smm", "state", "on", NULL);
}

static void add_cpu(struct vm_xml *xml, xmlNode *root, const struct vm_guest *guest)
{
	const struct vm_tuning *tuning = guest->tuning;
	unsigned int threads = tuning ? tuning->threads : 1;
	unsigned int dies = tuning ? tuning->dies : 1;
	xmlNode *cpu, *topology;

	cpu = vm_xml_add(xml, root, "cpu", "mode",
			 guest->has_kvm ? "host-passthrough" : "maximum", NULL);
	if (guest->has_kvm) {
		vm_xml_set(xml, cpu, "check", "none");
		/* A guest with a device of this host stays here: all that the processor
		 * has is for it. */
		vm_xml_set(xml, cpu, "migratable", "off");
	}
	topology = vm_xml_add(xml, cpu, "topology", "sockets", "1", NULL);
	vm_xml_set(xml, topology, "dies", "%u", dies);
	vm_xml_set(xml, topology, "cores", "%u", guest->cpus / threads / dies);
	vm_xml_set(xml, topology, "threads", "%u", threads);
	if (guest->has_kvm && tuning && tuning->needs_topoext)
		vm_xml_add(xml, cpu, "feature", "policy", "require", "name", "topoext",
			   NULL);
}

static void add_clock(struct vm_xml *xml, xmlNode *root, const struct vm_guest *guest)
{
	xmlNode *clock = vm_xml_add(xml, root, "clock", "offset",
				    guest->is_windows ? "localtime" : "utc", NULL);

	vm_xml_add(xml, clock, "timer", "name", "rtc", "tickpolicy", "catchup", NULL);
	vm_xml_add(xml, clock, "timer", "name", "pit", "tickpolicy", "delay", NULL);
	vm_xml_add(xml, clock, "timer", "name", "hpet", "present", "no", NULL);
	if (guest->is_windows && guest->has_kvm)
		vm_xml_add(xml, clock, "timer", "name", "hypervclock", "present", "yes",
			   NULL);
}

static void add_power(struct vm_xml *xml, xmlNode *root)
{
	xmlNode *pm = vm_xml_add(xml, root, "pm", NULL);

	/* A device that is asleep with its guest is not woken by the host. */
	vm_xml_add(xml, pm, "suspend-to-mem", "enabled", "no", NULL);
	vm_xml_add(xml, pm, "suspend-to-disk", "enabled", "no", NULL);
}

static void add_argument(struct vm_xml *xml, xmlNode *line, const char *word)
{
	vm_xml_set(xml, vm_xml_add_kin(xml, line, "arg"), "value", "%s", word);
}

/*
 * OVMF since 202211 takes an eighth of the processor's address space for the window,
 * where the processor says how wide that is (PlatformDynamicMmioWindow(),
 * OvmfPkg/Library/PlatformInitLib); before that it takes 32 GiB, or what is asked for so.
 * libvirt keeps the name from its own <sysinfo type='fwcfg'>
 * (qemuValidateDomainDefSysinfo()).
 */
static void add_window(struct vm_xml *xml, xmlNode *line, const struct vm_guest *guest)
{
	add_argument(xml, line, "-fw_cfg");
	vm_xml_set(xml, vm_xml_add_kin(xml, line, "arg"), "value",
		   "name=opt/ovmf/X-PciMmio64Mb,string=%llu",
		   (unsigned long long)(guest->window >> 20));
}

static void add_battery(struct vm_xml *xml, xmlNode *line, const struct vm_guest *guest)
{
	_cleanup_free_ char *file = vm_double_commas(guest->battery);

	if (!file) {
		vm_xml_fail(xml);
		return;
	}
	add_argument(xml, line, "-acpitable");
	vm_xml_set(xml, vm_xml_add_kin(xml, line, "arg"), "value", "file=%s", file);
}

/* What libvirt has no element for. */
static void add_arguments(struct vm_xml *xml, xmlNode *root, const struct vm_guest *guest)
{
	bool is_large = guest->firmware && guest->window > VM_USUAL_WINDOW;
	xmlNode *line;

	if (!is_large && !guest->battery)
		return;
	line = vm_xml_add_foreign(xml, root, "qemu", VM_DEFINE_QEMU, "commandline");
	if (is_large)
		add_window(xml, line, guest);
	if (guest->battery)
		add_battery(xml, line, guest);
}

static void add_metadata(struct vm_xml *xml, xmlNode *root, const struct vm_guest *guest)
{
	xmlNode *metadata;

	if (!guest->hands_over && !guest->isolates)
		return;
	metadata = vm_xml_add(xml, root, "metadata", NULL);
	if (guest->hands_over)
		vm_xml_add_foreign(xml, metadata, "pciferry", VM_DOMAIN_NAMESPACE,
				   VM_DOMAIN_ELEMENT);
	if (guest->isolates)
		vm_xml_add_foreign(xml, metadata, "pciferry", VM_DOMAIN_ISOLATE_NAMESPACE,
				   VM_DOMAIN_ISOLATE_ELEMENT);
}

static void add_domain(struct vm_xml *xml, xmlNode *root, const struct vm_guest *guest)
{
	xmlNode *memory, *vcpu;

	vm_xml_set(xml, root, "type", "%s", guest->has_kvm ? "kvm" : "qemu");
	vm_xml_add_text(xml, root, "name", "%s", guest->name);
	add_metadata(xml, root, guest);
	memory = vm_xml_add_text(xml, root, "memory", "%u", guest->memory_mib);
	vm_xml_set(xml, memory, "unit", "MiB");
	vcpu = vm_xml_add_text(xml, root, "vcpu", "%u", guest->cpus);
	vm_xml_set(xml, vcpu, "placement", "static");
	vm_define_tuning(xml, root, guest);
	add_boot(xml, root, guest);
	add_features(xml, root, guest);
	add_cpu(xml, root, guest);
	add_clock(xml, root, guest);
	add_power(xml, root);
	vm_define_devices(xml, root, guest);
	add_arguments(xml, root, guest);
	vm_define_overrides(xml, root, guest);
}

/* libvirt's schema and its parser both end at 16 bits (pciDomain, basictypes.rng). */
static int check_numbers(const struct vm_guest *guest, struct error *err)
{
	for (size_t i = 0; i < guest->n_functions; i++) {
		const struct pci_address *address = &guest->functions[i].host;
		char text[PCI_ADDRESS_SIZE];

		if (address->domain <= 0xffff)
			continue;
		pci_address_format(address, text);
		error_set(err, ERANGE, text,
			  "libvirt has no number for a domain above ffff");
		error_hint(err, "pciferry vm run %s gives it to a guest without libvirt",
			   text);
		return -ERANGE;
	}
	return 0;
}

static int begin(const struct vm_guest *guest, const char *name, struct vm_xml *xml,
		 xmlNode **ret_root, struct error *err)
{
	int r = check_numbers(guest, err);

	if (r == 0)
		r = vm_xml_open(xml, err);
	if (r == 0)
		*ret_root = vm_xml_root(xml, name);
	return r;
}

int vm_define(const struct vm_guest *guest, char **ret_xml, struct error *err)
{
	_cleanup_(vm_xml_close) struct vm_xml xml = { 0 };
	_cleanup_free_ char *text = NULL;
	xmlNode *root = NULL;
	int r = begin(guest, "domain", &xml, &root, err);

	if (r < 0)
		return r;
	add_domain(&xml, root, guest);
	r = vm_xml_print(&xml, root, &text, err);
	if (r == 0)
		*ret_xml = steal(text);
	return r;
}

int vm_define_functions(const struct vm_guest *guest, char **ret_xml, struct error *err)
{
	_cleanup_(vm_xml_close) struct vm_xml xml = { 0 };
	_cleanup_free_ char *text = NULL;
	xmlNode *root = NULL, *override;
	int r = begin(guest, "devices", &xml, &root, err);

	for (size_t i = 0; r == 0 && i < guest->n_functions; i++)
		r = vm_xml_print(&xml,
				 vm_define_function(&xml, root, guest,
						    &guest->functions[i], false),
				 &text, err);
	for (size_t i = 0; r == 0 && i < guest->n_slices; i++)
		r = vm_xml_print(&xml, vm_define_slice(&xml, root, &guest->slices[i]),
				 &text, err);
	override = r == 0 ? vm_define_overrides(&xml, root, guest) : NULL;
	if (override)
		r = vm_xml_print(&xml, override, &text, err);
	if (r == 0)
		*ret_xml = steal(text);
	return r;
}
