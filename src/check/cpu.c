/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processor and KVM. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

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

static int no_cpuinfo(struct check_run *run)
{
	return check_tell(run, CHECK_UNKNOWN, NULL, "/proc/cpuinfo could not be read");
}

static int virtualization(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	const char *flag = check_cpu_has(facts, "vmx")	 ? "vmx"
			   : check_cpu_has(facts, "svm") ? "svm"
							 : NULL;
	int r;

	if (facts->cpuinfo_fact != FACT_KNOWN)
		return no_cpuinfo(run);
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
		return no_cpuinfo(run);
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
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "/sys/module could not be read");
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

const struct check check_cpu_table[] = {
	{ "cpu-virtualization", "processor", "the processor can run guests", false,
	  virtualization },
	{ "cpu-guest", "processor", "this host is no guest itself", false, in_guest },
	{ "kvm-module", "processor", "KVM is loaded", false, kvm_module },
	{ 0 },
};
