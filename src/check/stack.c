/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What runs guests on this host: QEMU, its firmware, libvirt, and what confines them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "check/internal.h"
#include "vm/libvirt.h"
#include "vm/vm.h"

/* What each family of distributions calls it. */
struct package {
	const char *what, *debian, *fedora, *suse, *arch;
};

static const struct package qemu_package = {
	"QEMU for x86-64", "qemu-system-x86", "qemu-kvm", "qemu-x86", "qemu-base",
};
static const struct package firmware_package = {
	"OVMF", "ovmf", "edk2-ovmf", "qemu-ovmf-x86_64", "edk2-ovmf",
};
static const struct package libvirt_package = {
	"libvirt", "libvirt-daemon-system", "libvirt", "libvirt-daemon-qemu", "libvirt",
};
static const struct package swtpm_package = {
	"swtpm", "swtpm", "swtpm", "swtpm", "swtpm",
};

static int fix_package(struct check_run *run, const struct package *package)
{
	switch (run->facts->distro.family) {
	case BOOTCFG_DEBIAN:
		return check_fix(run, "apt install %s", package->debian);
	case BOOTCFG_FEDORA:
		return check_fix(run, "dnf install %s", package->fedora);
	case BOOTCFG_SUSE:
		return check_fix(run, "zypper install %s", package->suse);
	case BOOTCFG_ARCH:
		return check_fix(run, "pacman -S %s", package->arch);
	default:
		return check_fix(run, "install %s", package->what);
	}
}

/* The first of these that is there; NULL: none. *ret_certain: none of them, surely. */
static const char *find_program(const struct host *host, const char *const *paths,
				bool *ret_certain)
{
	*ret_certain = true;
	for (; *paths; paths++) {
		enum fact fact = check_presence(host, *paths);

		if (fact == FACT_KNOWN)
			return *paths;
		/* Only these folders are on every host. */
		if (fact == FACT_UNREADABLE && !strncmp(*paths, "usr/bin/", 8))
			*ret_certain = false;
	}
	return NULL;
}

static const char *const qemu_paths[] = {
	"usr/bin/qemu-system-x86_64",
	"usr/libexec/qemu-kvm",
	"usr/bin/qemu-kvm",
	"usr/local/bin/qemu-system-x86_64",
	"run/current-system/sw/bin/qemu-system-x86_64", /* NixOS */
	NULL,
};
static const char *const swtpm_paths[] = {
	"usr/bin/swtpm",
	"usr/local/bin/swtpm",
	"run/current-system/sw/bin/swtpm",
	NULL,
};

static int look_for(struct check_run *run, const char *const *paths,
		    enum check_status status, const char *why,
		    const struct package *package)
{
	bool certain;
	const char *found = find_program(run->facts->host, paths, &certain);
	int r;

	if (found)
		return check_tell(run, CHECK_PASS, NULL, "/%s", found);
	if (!certain)
		return check_tell_unread(run, "usr/bin");
	r = check_tell(run, status, NULL, "there is no /%s", paths[0]);
	if (r == 0)
		r = check_why(run, "%s", why);
	return r < 0 ? r : fix_package(run, package);
}

static int qemu(struct check_run *run)
{
	if (check_vendor(run->facts) == CHECK_NOT_X86)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no x86 processor: pciferry vm runs x86-64 guests");
	return look_for(run, qemu_paths, CHECK_FAIL, "QEMU is what runs the guests",
			&qemu_package);
}

static int firmware(struct check_run *run)
{
	static const char folder[] = "usr/share/qemu/firmware";
	_cleanup_(vm_firmware_free) struct vm_firmware found = { 0 };
	_cleanup_(string_list_free) struct string_list names = { 0 };
	const struct host *host = run->facts->host;
	int r = vm_find_firmware(host, VM_FIRMWARE_PLAIN, &found, NULL);

	if (r == 0)
		return check_tell(run, CHECK_PASS, NULL, "UEFI: %s", found.code);
	if (r != -ENOENT)
		return r;
	r = host_list(host, folder, &names);
	if (r == -ENOMEM)
		return r;
	if ((r < 0 && r != -ENOENT) || !host_exists(host, "usr"))
		return check_tell_unread(run, folder);
	r = check_tell(run, CHECK_WARN, NULL,
		       "%s in /%s and /etc/qemu/firmware that a q35 guest can have"
		       " without Secure Boot",
		       names.count ? "no UEFI firmware" : "nothing", folder);
	if (r == 0)
		r = check_why(run, "guests start with a BIOS only: new graphics cards"
				   " then show nothing, and Windows 11 does not start");
	return r < 0 ? r : fix_package(run, &firmware_package);
}

static int libvirt(struct check_run *run)
{
	return look_for(run, vm_libvirt_paths, CHECK_INFO,
			"pciferry works without it; it is for guests that virsh or"
			" virt-manager look after",
			&libvirt_package);
}

static int swtpm(struct check_run *run)
{
	return look_for(run, swtpm_paths, CHECK_INFO,
			"guests get no TPM, which Windows 11 asks for", &swtpm_package);
}

static int confinement(struct check_run *run)
{
	static const char apparmor[] = "sys/module/apparmor/parameters/enabled";
	static const char selinux[] = "sys/fs/selinux/enforce";
	const struct host *host = run->facts->host;
	const char *by = NULL;
	char text[8];
	bool certain;
	int r;

	if (!host_exists(host, "sys/module"))
		return check_tell_unread(run, "sys/module");
	r = host_read(host, apparmor, text, sizeof(text)) == FACT_UNREADABLE;
	if (!strcmp(text, "Y"))
		by = apparmor;
	r |= host_read(host, selinux, text, sizeof(text)) == FACT_UNREADABLE;
	if (!strcmp(text, "1"))
		by = selinux;
	if (!by && r)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/%s or /%s could not be read", apparmor, selinux);
	if (!by)
		return check_tell(run, CHECK_PASS, NULL,
				  "neither AppArmor nor SELinux holds guests back");
	if (!find_program(host, vm_libvirt_paths, &certain) && certain)
		return check_tell(run, CHECK_PASS, NULL,
				  "%s is on, but only libvirt puts guests under it, and"
				  " it is not here",
				  by == apparmor ? "AppArmor" : "SELinux");
	r = check_tell(run, CHECK_INFO, NULL, "/%s is %s", by,
		       by == apparmor ? "Y" : "1");
	return r < 0 ? r
		     : check_why(run,
				 "libvirt's guests reach only the devices and files that"
				 " their definition names: a ROM file elsewhere, or"
				 " devices in qemu:commandline, are denied; %s",
				 by == apparmor
					 ? "journalctl -k shows apparmor=\"DENIED\""
					 : "ausearch -m avc shows it");
}

const struct check check_stack_table[] = {
	{ "guest-qemu", "guests", "QEMU is there", false, qemu },
	{ "guest-firmware", "guests", "UEFI firmware for guests is there", false,
	  firmware },
	{ "guest-libvirt", "guests", "libvirt is there", false, libvirt },
	{ "guest-swtpm", "guests", "guests can have a TPM", false, swtpm },
	{ "guest-network", "guests", "guests can have a network of this host", false,
	  check_guest_network },
	{ "guest-cgroups", "guests", "guests can be limited", false,
	  check_guest_cgroups },
	{ "guest-secure", "guests", "guests' memory can be encrypted", false,
	  check_guest_secure },
	{ "guest-confinement", "guests", "nothing keeps guests from their devices", false,
	  confinement },
	{ "libvirt-hooks", "guests", "libvirt's hooks run, and end", false,
	  check_libvirt_hooks, true },
	{ 0 },
};
