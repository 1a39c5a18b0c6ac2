/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether guests' memory can be kept from this host: SEV of AMD, TDX of Intel. */
#include "check/internal.h"

/* Tells that guests' memory cannot be encrypted, of which nothing here is in need. */
static int tell_no_secure(struct check_run *run, const char *seen, const char *fix)
{
	int r = check_tell(run, CHECK_INFO, NULL, "%s", seen);

	if (r == 0)
		r = check_why(run, "who has this host can read its guests' memory;"
				   " giving devices to them needs nothing of it");
	return r < 0 || !fix ? r : check_fix(run, "%s", fix);
}

static bool is_on(const char *parameter)
{
	return parameter[0] == 'Y' || parameter[0] == '1';
}

static int look_at_sev(struct check_run *run)
{
	static const char path[] = "sys/module/kvm_amd/parameters/sev";
	const struct host *host = run->facts->host;
	char text[16];

	if (host_read(host, path, text, sizeof(text)) == FACT_UNREADABLE)
		return check_tell_unread(run, path);
	if (!is_on(text))
		return tell_no_secure(run, "the processor has SEV, and KVM does not",
				      "options kvm_amd sev=1 in /etc/modprobe.d; where it"
				      " is there, look in the firmware's set-up for SEV"
				      " and SMEE");
	switch (check_presence(host, "dev/sev")) {
	case FACT_KNOWN:
		return check_tell(run, CHECK_PASS, NULL, "SEV: /dev/sev is there");
	case FACT_ABSENT:
		return tell_no_secure(run, "KVM has SEV, but there is no /dev/sev",
				      "modprobe ccp; where that fails, look in the"
				      " firmware's set-up for SEV");
	default:
		return check_tell_unread(run, "dev");
	}
}

static int look_at_tdx(struct check_run *run)
{
	static const char path[] = "sys/module/kvm_intel/parameters/tdx";
	char text[16];

	switch (host_read(run->facts->host, path, text, sizeof(text))) {
	case FACT_UNREADABLE:
		return check_tell_unread(run, path);
	case FACT_ABSENT:
		return tell_no_secure(run, "KVM has no TDX, or is not loaded", NULL);
	default:
		break;
	}
	if (is_on(text))
		return check_tell(run, CHECK_PASS, NULL, "TDX: /%s is %s", path, text);
	return tell_no_secure(run, "KVM has TDX off, or the processor has none",
			      "options kvm_intel tdx=1 in /etc/modprobe.d; where it is"
			      " there, look in the firmware's set-up for TDX");
}

int check_guest_secure(struct check_run *run)
{
	const struct check_facts *facts = run->facts;

	if (facts->cpuinfo_fact != FACT_KNOWN)
		return check_tell_unread(run, "proc/cpuinfo");
	if (check_cpu_has(facts, "sev"))
		return look_at_sev(run);
	switch (check_vendor(facts)) {
	case CHECK_INTEL:
		return look_at_tdx(run);
	case CHECK_AMD:
		return tell_no_secure(run, "no flag sev in /proc/cpuinfo", NULL);
	default:
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no processor of Intel's or AMD's");
	}
}
