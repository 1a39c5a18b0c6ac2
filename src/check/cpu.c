/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processor and KVM. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"
#include "host/node.h"

/* The rest of the first line that begins with this key; NULL: there is none. */
static const char *cpu_line(const struct check_facts *facts, const char *key,
			    size_t *ret_len)
{
	size_t n = strlen(key);

	for (const char *line = facts->cpuinfo; line; line = strchr(line, '\n')) {
		const char *colon;

		line += *line == '\n';
		if (strncmp(line, key, n) != 0 ||
		    (line[n] != '\t' && line[n] != ' ' && line[n] != ':'))
			continue;
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*ret_len = strcspn(colon, "\n");
		return colon;
	}
	return NULL;
}

bool check_cpu_has(const struct check_facts *facts, const char *flag)
{
	size_t len, n = strlen(flag);
	const char *at = cpu_line(facts, "flags", &len), *end = at ? at + len : NULL;

	for (; at && at < end; at++)
		if (*at == ' ' && !strncmp(at + 1, flag, n) &&
		    (at + 1 + n == end || at[1 + n] == ' '))
			return true;
	return false;
}

enum check_vendor check_vendor(const struct check_facts *facts)
{
	const char *vendor;
	size_t len;

	if (facts->cpuinfo_fact != FACT_KNOWN)
		return CHECK_VENDOR_UNKNOWN;
	vendor = cpu_line(facts, "vendor_id", &len);
	if (!vendor)
		return CHECK_NOT_X86;
	if (memmem(vendor, len, "GenuineIntel", strlen("GenuineIntel")))
		return CHECK_INTEL;
	/* Hygon's are AMD's design, with AMD's IOMMU. */
	if (memmem(vendor, len, "AuthenticAMD", strlen("AuthenticAMD")) ||
	    memmem(vendor, len, "HygonGenuine", strlen("HygonGenuine")))
		return CHECK_AMD;
	return CHECK_VENDOR_UNKNOWN;
}

static int virtualization(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	const char *flag = check_cpu_has(facts, "vmx")	 ? "vmx"
			   : check_cpu_has(facts, "svm") ? "svm"
							 : NULL;
	int r;

	if (facts->cpuinfo_fact != FACT_KNOWN)
		return check_tell_unread(run, "proc/cpuinfo");
	if (check_vendor(facts) == CHECK_NOT_X86)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no x86 processor: its flags say nothing of it");
	if (flag)
		return check_tell(run, CHECK_PASS, NULL, "the flag %s in /proc/cpuinfo",
				  flag);
	r = check_tell(run, CHECK_FAIL, NULL,
		       "neither vmx nor svm among the flags in /proc/cpuinfo");
	if (r == 0)
		r = check_why(run, "guests cannot run on the processor itself, only in"
				   " slow emulation, which VFIO does not work with");
	if (r < 0)
		return r;
	if (check_cpu_has(facts, "hypervisor"))
		return check_fix(run, "this host is a guest itself: turn nested"
				      " virtualisation on in its own host");
	return check_fix(run, "turn %s on in the firmware's set-up",
			 check_vendor(facts) == CHECK_AMD ? "SVM (AMD-V)"
							  : "VT-x (virtualisation)");
}

static int in_guest(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	int r;

	if (facts->cpuinfo_fact != FACT_KNOWN)
		return check_tell_unread(run, "proc/cpuinfo");
	if (!check_cpu_has(facts, "hypervisor"))
		return check_tell(run, CHECK_PASS, NULL, "a machine of its own");
	r = check_tell(run, CHECK_INFO, NULL,
		       "the flag hypervisor in /proc/cpuinfo: this host is a guest"
		       " itself");
	return r < 0 ? r
		     : check_why(run, "it can hand on only devices that its own host gave"
				      " it, behind an emulated IOMMU");
}

static int kvm_module(struct check_run *run)
{
	const struct host *host = run->facts->host;
	int r;

	if (host_exists(host, "sys/module/kvm_intel") ||
	    host_exists(host, "sys/module/kvm_amd"))
		return check_tell(run, CHECK_PASS, NULL, "KVM is loaded");
	if (!host_exists(host, "sys/module"))
		return check_tell_unread(run, "sys/module");
	if (check_vendor(run->facts) == CHECK_NOT_X86)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no x86 processor: KVM has no module of its own there");
	r = check_tell(run, CHECK_FAIL, NULL,
		       "neither kvm_intel nor kvm_amd in /sys/module");
	if (r == 0)
		r = check_why(run, "guests cannot run on the processor itself");
	return r < 0 ? r
		     : check_fix(run,
				 "modprobe %s; where that fails, dmesg says why"
				 " (mostly: virtualisation is off in the firmware)",
				 check_vendor(run->facts) == CHECK_AMD ? "kvm_amd"
								       : "kvm_intel");
}

static int kvm_device(struct check_run *run)
{
	int r;

	switch (check_presence(run->facts->host, "dev/kvm")) {
	case FACT_KNOWN:
		return check_tell(run, CHECK_PASS, NULL, "/dev/kvm is there");
	case FACT_UNREADABLE:
		return check_tell_unread(run, "dev");
	default:
		break;
	}
	r = check_tell(run, CHECK_FAIL, NULL, "there is no /dev/kvm");
	if (r == 0)
		r = check_why(run, "QEMU reaches KVM by that node only");
	return r < 0 ? r
		     : check_fix(run, "it comes with KVM: see kvm-module; in a container,"
				      " hand it in");
}

static int tell_unusable(struct check_run *run, const struct host_node *node)
{
	/* Group 0 is root's own, and nobody else is meant to be in it. */
	bool for_group = node->group && (node->mode & 0060) == 0060;
	int r = check_tell(run, CHECK_WARN, NULL,
			   "this user may not use /dev/kvm: mode %04o, group %u",
			   node->mode, node->group);

	if (r == 0)
		r = check_why(run, "guests that this user starts run without KVM, which"
				   " VFIO does not work with; root's and libvirt's are"
				   " not concerned");
	if (r < 0)
		return r;
	if (for_group)
		return check_fix(run, "add yourself to its group, mostly kvm: sudo"
				      " usermod -aG $(stat -c %%G /dev/kvm) $USER, and"
				      " log in again");
	return check_fix(run, "udev gives it to the group kvm: where there is none,"
			      " groupadd --system kvm; add yourself to it, usermod -aG"
			      " kvm, and reboot");
}

static int kvm_access(struct check_run *run)
{
	struct host_node node;
	int r;

	switch (host_node_read(run->facts->host, "dev/kvm", &node)) {
	case FACT_KNOWN:
		break;
	case FACT_ABSENT:
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "there is no /dev/kvm: see kvm-device");
	default:
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "who may use /dev/kvm could not be read");
	}
	if (!node.usable)
		return tell_unusable(run, &node);
	/* An ACL would be seen in the group's part of the mode (acl(5)). */
	if (node.mode & 0066)
		return check_tell(run, CHECK_PASS, NULL, "this user may use /dev/kvm");
	r = check_tell(run, CHECK_WARN, NULL, "none but user %u may use /dev/kvm: %04o",
		       node.owner, node.mode);
	if (r == 0)
		r = check_why(run, "libvirt's guests run as a user of their own, without"
				   " KVM then; udev gives the node to the group kvm, and"
				   " has not");
	return r < 0 ? r
		     : check_fix(run, "udevadm trigger --action=add --name-match=kvm;"
				      " where there is no udev, chgrp kvm /dev/kvm and"
				      " chmod 660 /dev/kvm at each boot");
}

/* A parameter of one of KVM's modules; "" where that is not loaded or has none. */
static enum fact kvm_parameter(struct check_run *run, const char *name, char *path,
			       size_t path_size, char text[16])
{
	snprintf(path, path_size, "sys/module/%s", name);
	return host_read(run->facts->host, path, text, 16);
}

static int nested(struct check_run *run)
{
	static const char *const names[] = { "kvm_intel/parameters/nested",
					     "kvm_amd/parameters/nested" };
	char path[64], text[16];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (kvm_parameter(run, names[i], path, sizeof(path), text) != FACT_KNOWN)
			continue;
		if (text[0] == 'Y' || text[0] == '1')
			return check_tell(run, CHECK_PASS, NULL, "/%s is %s", path, text);
		r = check_tell(run, CHECK_INFO, NULL, "/%s is %s", path, text);
		if (r == 0)
			r = check_why(run, "guests cannot run guests: Windows lacks WSL 2"
					   " and its virtualisation-based security");
		return r < 0 ? r
			     : check_fix(run, "options %s nested=1 in /etc/modprobe.d",
					 i == 0 ? "kvm_intel" : "kvm_amd");
	}
	return check_tell(run, CHECK_UNKNOWN, NULL,
			  "KVM is not loaded, or does not tell it");
}

static int kvm_options(struct check_run *run)
{
	static const struct {
		const char *name;
		char value;
		const char *why;
	} options[] = {
		{ "kvm/parameters/ignore_msrs", 'Y',
		  "what guests ask of registers that KVM lacks is passed over: some"
		  " guests need it, and others then work wrongly without a word" },
		{ "kvm_intel/parameters/ept", 'N',
		  "guests' page tables are done in software, which is slow" },
		{ "kvm_amd/parameters/npt", 'N',
		  "guests' page tables are done in software, which is slow" },
	};
	size_t before = run->findings->count;
	bool unreadable = false;
	char path[64], text[16];
	int r = 0;

	if (!host_exists(run->facts->host, "sys/module/kvm"))
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "KVM is not loaded, or /sys/module could not be read");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(options); i++) {
		if (kvm_parameter(run, options[i].name, path, sizeof(path), text) ==
		    FACT_UNREADABLE)
			unreadable = true;
		if (text[0] != options[i].value)
			continue;
		r = check_tell(run, CHECK_INFO, NULL, "/%s is %s", path, text);
		if (r == 0)
			r = check_why(run, "%s", options[i].why);
	}
	if (r < 0 || run->findings->count > before)
		return r;
	if (unreadable)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "the parameters of KVM could not be read");
	return check_tell(run, CHECK_PASS, NULL, "none that changes what guests see");
}

const struct check check_cpu_table[] = {
	{ "cpu-virtualization", "processor", "the processor can run guests", false,
	  virtualization },
	{ "cpu-guest", "processor", "this host is no guest itself", false, in_guest },
	{ "kvm-module", "processor", "KVM is loaded", false, kvm_module },
	{ "kvm-device", "processor", "the node of KVM is there", false, kvm_device },
	{ "kvm-access", "processor", "this user may use KVM", false, kvm_access },
	{ "kvm-nested", "processor", "guests can run guests", false, nested },
	{ "kvm-options", "processor", "KVM has its usual options", false, kvm_options },
	{ 0 },
};
