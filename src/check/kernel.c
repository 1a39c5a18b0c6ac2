/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The installed kernels: what they were built with, and whether their modules are there.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

/* What a guest with a device needs, of the processor's vendor where one is named. */
static const struct {
	const char *option;
	enum check_vendor vendor;
} options[] = {
	{ "VFIO", CHECK_VENDOR_UNKNOWN },
	{ "VFIO_PCI", CHECK_VENDOR_UNKNOWN },
	{ "VFIO_IOMMU_TYPE1", CHECK_VENDOR_UNKNOWN },
	{ "KVM", CHECK_VENDOR_UNKNOWN },
	{ "INTEL_IOMMU", CHECK_INTEL },
	{ "IRQ_REMAP", CHECK_INTEL },
	{ "KVM_INTEL", CHECK_INTEL },
	{ "AMD_IOMMU", CHECK_AMD },
	{ "IRQ_REMAP", CHECK_AMD },
	{ "KVM_AMD", CHECK_AMD },
};

static const struct {
	const char *module, *option;
	enum check_vendor vendor;
} modules[] = {
	{ "vfio", "VFIO", CHECK_VENDOR_UNKNOWN },
	{ "vfio_pci", "VFIO_PCI", CHECK_VENDOR_UNKNOWN },
	{ "vfio_iommu_type1", "VFIO_IOMMU_TYPE1", CHECK_VENDOR_UNKNOWN },
	{ "vfio_virqfd", "VFIO_VIRQFD", CHECK_VENDOR_UNKNOWN },
	{ "kvm_intel", "KVM_INTEL", CHECK_INTEL },
	{ "kvm_amd", "KVM_AMD", CHECK_AMD },
};

void check_add_name(struct check_names *names, const char *prefix, const char *name)
{
	static const char more[] = "...";
	size_t room = sizeof(names->text) - names->len;
	const char *comma = names->len ? ", " : "";
	char *end = names->text + names->len;
	int n;

	if (names->is_full)
		return;
	n = snprintf(end, room, "%s%s%s", comma, prefix, name);
	/* That these words fit behind it holds from one name to the next. */
	names->is_full = (size_t)n + strlen(", ") + sizeof(more) > room;
	if (names->is_full)
		n = snprintf(end, room, "%s%s", comma, more);
	names->len += (size_t)n;
}

void check_add_address(struct check_names *names, const struct pci_device *device)
{
	char address[PCI_ADDRESS_SIZE];

	check_add_name(names, "", pci_address_format(&device->address, address));
}

/* How to come to a kernel that has its modules, or that was built with what is needed. */
static int fix_kernel(struct check_run *run, const struct bootcfg_kernel *kernel,
		      bool modules_alone)
{
	const struct bootcfg_distro *distro = &run->facts->distro;

	switch (distro->family) {
	case BOOTCFG_DEBIAN:
		return check_fix(run,
				 "install the general kernel, not one for clouds: apt"
				 " install %s, and boot it",
				 !strcmp(distro->id, "debian")
					 ? "linux-image-$(dpkg --print-architecture)"
					 : "linux-image-generic");
	case BOOTCFG_FEDORA:
		if (modules_alone)
			return check_fix(run, "dnf install kernel-modules-%s",
					 kernel->release);
		return check_fix(run, "dnf install kernel, and boot that one");
	case BOOTCFG_SUSE:
		return check_fix(run, "zypper install kernel-default in place of"
				      " kernel-default-base, and boot it");
	case BOOTCFG_ARCH:
		return check_fix(run, "pacman -Syu linux, and boot that kernel");
	default:
		return check_fix(run, "turn them on in the kernel's configuration and"
				      " build it anew, or boot another kernel");
	}
}

/* Without the old way into the IOMMU there is a new one, where the kernel has all of it.
 */
static bool has_iommufd(struct bootcfg_kernel *kernel)
{
	return bootcfg_option(kernel, "IOMMUFD") >= BOOTCFG_MODULE &&
	       bootcfg_option(kernel, "VFIO_DEVICE_CDEV") >= BOOTCFG_MODULE;
}

static bool is_for(enum check_vendor needed, const struct check_facts *facts)
{
	return needed == CHECK_VENDOR_UNKNOWN || needed == check_vendor(facts);
}

static const char *which(const struct bootcfg_kernel *kernel)
{
	return kernel->running ? "the kernel that runs" : "an installed kernel";
}

static int unread_config(struct check_run *run, const struct bootcfg_kernel *kernel)
{
	return check_tell(run, CHECK_UNKNOWN, kernel->release,
			  "its configuration is neither in /boot/config-%s nor in"
			  " /lib/modules/%s/config%s",
			  kernel->release, kernel->release,
			  kernel->running ? " nor in /proc/config.gz" : "");
}

static int unknown_vendor(struct check_run *run, const struct bootcfg_kernel *kernel)
{
	return check_tell(run, CHECK_UNKNOWN, kernel->release,
			  "/proc/cpuinfo does not say which vendor's part it needs");
}

static int look_at_options(struct check_run *run, struct bootcfg_kernel *kernel)
{
	struct check_names off = { 0 };
	char path[PATH_MAX];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		enum bootcfg_state state = bootcfg_option(kernel, options[i].option);

		if (state == BOOTCFG_UNKNOWN)
			return unread_config(run, kernel);
		if (state == BOOTCFG_MISSING && is_for(options[i].vendor, run->facts) &&
		    (strcmp(options[i].option, "VFIO_IOMMU_TYPE1") != 0 ||
		     !has_iommufd(kernel)))
			check_add_name(&off, "CONFIG_", options[i].option);
	}
	bootcfg_config_path(kernel, path, sizeof(path));
	if (!off.len && check_vendor(run->facts) == CHECK_VENDOR_UNKNOWN)
		return unknown_vendor(run, kernel);
	if (!off.len)
		return check_tell(run, CHECK_PASS, kernel->release,
				  "all that is needed is on in /%s", path);
	r = check_tell(run, kernel->running ? CHECK_FAIL : CHECK_WARN, kernel->release,
		       "off in /%s: %s", path, off.text);
	if (r == 0)
		r = check_why(run,
			      "%s was built without what giving devices to guests"
			      " needs",
			      which(kernel));
	return r < 0 ? r : fix_kernel(run, kernel, false);
}

/* Runs it for each kernel; without one there is nothing to judge. */
static int each_kernel(struct check_run *run,
		       int (*look)(struct check_run *run, struct bootcfg_kernel *kernel))
{
	struct bootcfg_kernels *kernels = run->facts->kernels;
	int r = 0;

	for (size_t i = 0; r == 0 && i < kernels->count; i++)
		r = look(run, &kernels->items[i]);
	if (r < 0 || kernels->count)
		return r;
	return check_tell(run, CHECK_UNKNOWN, NULL,
			  "neither /lib/modules nor /proc/sys/kernel/osrelease tells of"
			  " a kernel");
}

static int kernel_options(struct check_run *run)
{
	return each_kernel(run, look_at_options);
}

/* A kernel that loads no modules has them all built in, and no list of them. */
static enum bootcfg_state module_state(struct bootcfg_kernel *kernel, const char *module,
				       const char *option)
{
	enum bootcfg_state state = bootcfg_module(kernel, module);

	if (state >= BOOTCFG_MODULE)
		return state;
	return bootcfg_option(kernel, option) == BOOTCFG_BUILTIN ? BOOTCFG_BUILTIN
								 : state;
}

static bool is_needed(struct bootcfg_kernel *kernel, const char *module)
{
	if (!strcmp(module, "vfio_virqfd"))
		return bootcfg_is_before(kernel, 6, 2);
	if (!strcmp(module, "vfio_iommu_type1"))
		return !has_iommufd(kernel);
	return true;
}

static int tell_missing(struct check_run *run, const struct bootcfg_kernel *kernel,
			const char *missing)
{
	int r;

	if (!kernel->folder) {
		r = check_tell(run, CHECK_FAIL, kernel->release,
			       "the kernel that runs has no folder in /lib/modules");
		if (r == 0)
			r = check_why(run, "an update took its modules away: none can be"
					   " loaded until the next boot");
		return r < 0 ? r : check_fix(run, "reboot into an installed kernel");
	}
	r = check_tell(run, kernel->running ? CHECK_FAIL : CHECK_WARN, kernel->release,
		       "neither a module of /%s nor built in: %s", kernel->folder,
		       missing);
	if (r == 0)
		r = check_why(run, "with %s no device can be given to a guest",
			      which(kernel));
	return r < 0 ? r : fix_kernel(run, kernel, true);
}

static int look_at_modules(struct check_run *run, struct bootcfg_kernel *kernel)
{
	struct check_names missing = { 0 }, unknown = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		const char *name = modules[i].module;
		enum bootcfg_state state = module_state(kernel, name, modules[i].option);

		if (state >= BOOTCFG_MODULE || !is_for(modules[i].vendor, run->facts) ||
		    !is_needed(kernel, name))
			continue;
		check_add_name(state == BOOTCFG_MISSING ? &missing : &unknown, "", name);
	}
	/* A host of which nobody shows the folders says nothing by their absence. */
	if (!unknown.len && missing.len && !kernel->folder &&
	    run->facts->kernels->fact != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, kernel->release,
				  "/lib/modules could not be read");
	if (missing.len)
		return tell_missing(run, kernel, missing.text);
	if (unknown.len)
		return check_tell(run, CHECK_UNKNOWN, kernel->release,
				  "modules.dep or modules.builtin in /%s could not be"
				  " read: %s",
				  kernel->folder, unknown.text);
	if (check_vendor(run->facts) == CHECK_VENDOR_UNKNOWN)
		return unknown_vendor(run, kernel);
	return check_tell(run, CHECK_PASS, kernel->release,
			  "the modules of VFIO and KVM are there");
}

static int kernel_modules(struct check_run *run)
{
	return each_kernel(run, look_at_modules);
}

static int look_at_default(struct check_run *run, struct bootcfg_kernel *kernel)
{
	bool given = bootcfg_find_parameter(&run->facts->cmdline, "intel_iommu");
	enum bootcfg_state on = bootcfg_option(kernel, "INTEL_IOMMU_DEFAULT_ON");
	/* Debian's kernels have a default in between. */
	enum bootcfg_state but_graphics =
		bootcfg_option(kernel, "INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF");
	int r;

	if (on == BOOTCFG_UNKNOWN)
		return unread_config(run, kernel);
	if (on == BOOTCFG_BUILTIN && given) {
		r = check_tell(run, CHECK_INFO, kernel->release,
			       "CONFIG_INTEL_IOMMU_DEFAULT_ON=y, and intel_iommu in"
			       " /proc/cmdline");
		return r < 0 ? r
			     : check_why(run, "VT-d is on without intel_iommu=on, which"
					      " does no harm");
	}
	if (on == BOOTCFG_BUILTIN)
		return check_tell(run, CHECK_PASS, kernel->release,
				  "VT-d is on without a parameter");
	if (given)
		return check_tell(run, CHECK_PASS, kernel->release,
				  "VT-d waits for intel_iommu=on, and /proc/cmdline has"
				  " intel_iommu");
	r = check_tell(run, CHECK_INFO, kernel->release, "%s",
		       but_graphics == BOOTCFG_BUILTIN
			       ? "CONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y, and no"
				 " intel_iommu in /proc/cmdline"
			       : "no CONFIG_INTEL_IOMMU_DEFAULT_ON, and no intel_iommu in"
				 " /proc/cmdline");
	if (r == 0)
		r = check_why(run, "%s",
			      but_graphics == BOOTCFG_BUILTIN
				      ? "the processor's own graphics stay without VT-d"
				      : "VT-d stays off until the command line has"
					" intel_iommu=on");
	return r < 0 ? r : check_fix_parameter(run, "intel_iommu=on");
}

static int iommu_default(struct check_run *run)
{
	const struct check_facts *facts = run->facts;

	switch (check_vendor(facts)) {
	case CHECK_INTEL:
		break;
	case CHECK_AMD:
		return check_tell(run, CHECK_PASS, NULL,
				  "AMD-Vi is on without a parameter");
	default:
		return check_tell(
			run, CHECK_UNKNOWN, NULL,
			"it is not known to be a processor of Intel's or AMD's");
	}
	if (facts->cmdline_fact != FACT_KNOWN)
		return check_tell_unread(run, "proc/cmdline");
	return each_kernel(run, look_at_default);
}

const struct check check_kernel_table[] = {
	{ "kernel-options", "kernel", "each kernel was built with what VFIO needs", false,
	  kernel_options },
	{ "kernel-modules", "kernel", "each kernel has the modules of VFIO and KVM",
	  false, kernel_modules },
	{ "kernel-iommu-default", "kernel", "whether VT-d is on without intel_iommu=on",
	  false, iommu_default },
	{ 0 },
};
