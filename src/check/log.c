/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel's log tells of devices. It tells what was, not what is: so none of it
 * is a FAIL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

enum {
	SUBJECTS_MAX = 64, /* devices of one check; a log can be made by anybody */
	SHOWN_MAX = 200,
};

/* A line of this check has these words; of several patterns the first one counts. */
struct pattern {
	const char *check;
	const char *first, *second;
	enum check_status status;
	const char *why, *fix;
};

static const char reached[] =
	"the device reached for memory that it has not been given, and was held back: its"
	" driver or its guest set it up wrongly, or it was not quiet when it changed hands";
static const char reached_fix[] =
	"the time tells who had it: at boot the firmware or the first driver, and once is"
	" harmless; later look at the guest's driver and at how the device is reset"
	" (pciferry show DEVICE)";
static const char silent[] =
	"a device no longer answers its IOMMU: mostly a reset or a wake-up failed";
static const char silent_fix[] =
	"power the host off, since a reboot may not be enough; if it comes back, try"
	" another way to reset the device (reset_method in /sys/bus/pci/devices/ADDRESS)";
static const char firmware_owns[] =
	"the firmware keeps memory for this device and uses it behind the kernel's back:"
	" VFIO refuses it";
static const char firmware_owns_fix[] =
	"look in the firmware's set-up for what uses the device (management, RAID, USB"
	" keyboards of old systems), and for a newer firmware; else another slot or device";
static const char asleep[] =
	"the device did not wake up: reading it gives only ones, and no guest can use it";
static const char asleep_fix[] =
	"options vfio-pci disable_idle_d3=1 in /etc/modprobe.d, and 0 in the device's"
	" d3cold_allowed in /sys; power the host off to get it back";

static const struct pattern patterns[] = {
	{ "log-dmar", "[INTR-REMAP", "Request device", CHECK_WARN,
	  "the IOMMU blocked an interrupt that the device was not allowed to send",
	  "a guest's or a driver's error; at boot a newer firmware may help" },
	{ "log-dmar", "DMAR: [", "Request device", CHECK_WARN, reached, reached_fix },
	{ "log-dmar", "AMD-Vi: Event logged [IOTLB_INV_TIMEOUT", NULL, CHECK_WARN, silent,
	  silent_fix },
	{ "log-dmar", "AMD-Vi: Event logged [", NULL, CHECK_WARN, reached, reached_fix },
	{ "log-dmar", "AMD-Vi: Completion-Wait loop timed out", NULL, CHECK_WARN, silent,
	  silent_fix },
	{ "log-dmar", "Invalidation Time-out", NULL, CHECK_WARN, silent, silent_fix },
	{ "log-aer", "PCIe Bus Error: severity=Corrected", NULL, CHECK_INFO,
	  "the link repeated what it had sent: nothing is lost, some time is",
	  "if there are many: seat the card anew, do without a riser, or boot with"
	  " pcie_aspm=off" },
	{ "log-aer", "PCIe Bus Error: severity=", NULL, CHECK_WARN,
	  "the link lost what was sent: with a device in a guest, the guest sees it fail",
	  "seat the card anew, do without a riser, set a lower PCIe generation in the"
	  " firmware's set-up" },
	{ "log-bar", "BAR ", "can't reserve", CHECK_WARN,
	  "something else holds the device's memory, mostly the console that the firmware"
	  " began (BOOTFB, simplefb, efifb): the guest gets the card without it",
	  "as root, /proc/iomem shows who; initcall_blacklist=sysfb_init on the kernel's"
	  " command line keeps the console off it, unless simpledrm is built in: then"
	  " let another card be the first one in the firmware's set-up" },
	{ "log-reset", "ms after", "giving up", CHECK_WARN,
	  "the device did not come back from a reset: its next guest gets nothing",
	  silent_fix },
	{ "log-reset", "not ready", "ms after", CHECK_INFO,
	  "the device takes long after a reset; the kernel waited for it", "" },
	{ "log-reset", "timed out waiting for pending transaction", NULL, CHECK_WARN,
	  "the device was busy when it was reset: it may not work afterwards",
	  "stop what uses the device before it changes hands: pciferry show DEVICE" },
	{ "log-rom", "Invalid PCI ROM header signature", NULL, CHECK_WARN,
	  "the card's ROM cannot be read, because it has none or because the firmware"
	  " hides it: a guest does without, and a graphics card then may show nothing"
	  " until the guest's driver starts",
	  "for a graphics card: let another one be the first in the firmware's set-up, or"
	  " give the guest a copy of the ROM (romfile=)" },
	{ "log-rmrr", "RMRR requirement", NULL, CHECK_WARN, firmware_owns,
	  firmware_owns_fix },
	{ "log-rmrr", "1:1 IOMMU mapping", NULL, CHECK_WARN, firmware_owns,
	  firmware_owns_fix },
	{ "log-vfio", "vfio-pci", "failed with error", CHECK_WARN,
	  "vfio-pci did not take the device",
	  "-22: it is in no IOMMU group, or a bridge; -16: someone else has it; pciferry"
	  " show DEVICE says more" },
	{ "log-vfio", "vfio", "not viable", CHECK_WARN,
	  "another device of the group is on a driver of the host",
	  "pciferry show DEVICE shows the group; pciferry bind moves all of it" },
	{ "log-vfio", "No interrupt remapping support", NULL, CHECK_WARN,
	  "VFIO refuses (EPERM) where a guest could send any interrupt to the host",
	  "see iommu-interrupts" },
	{ "log-vfio", "vfio", "unknown parameter", CHECK_WARN,
	  "this kernel's VFIO has no such option, and goes on without it",
	  "look for a spelling mistake in /etc/modprobe.d and on the kernel's command"
	  " line; some options come and go with the kernel's version" },
	{ "log-vfio", "stuck in D3", NULL, CHECK_WARN, asleep, asleep_fix },
	{ "log-vfio", "Unable to change power state", NULL, CHECK_WARN, asleep,
	  asleep_fix },
	{ "log-vfio", "Refused to change power state", NULL, CHECK_WARN, asleep,
	  asleep_fix },
	{ "log-xid", "NVRM: Xid", "fallen off the bus", CHECK_WARN,
	  "the card no longer answers", silent_fix },
	{ "log-xid", "NVRM: Xid", NULL, CHECK_WARN,
	  "the host's NVIDIA driver met an error of the card: a card that has just"
	  " changed hands may not have been reset",
	  "NVIDIA's list of Xid errors tells what the number means; pciferry show DEVICE"
	  " tells how the card can be reset" },
};

/* What is said of one device. */
struct subject {
	const struct pattern *pattern;
	struct check_line last;
	size_t lines;
};

struct subjects {
	struct subject items[SUBJECTS_MAX];
	size_t count;
	size_t passed_over; /* lines of further devices */
};

/* Those of a check stand together. */
static const struct pattern *patterns_of(const char *check, size_t *ret_count)
{
	size_t first = 0, end;

	while (first < ARRAY_SIZE(patterns) && strcmp(patterns[first].check, check) != 0)
		first++;
	for (end = first; end < ARRAY_SIZE(patterns); end++)
		if (strcmp(patterns[end].check, check) != 0)
			break;
	*ret_count = end - first;
	return patterns + first;
}

static const struct pattern *find_pattern(const struct pattern *among, size_t count,
					  const struct check_line *line)
{
	for (size_t i = 0; i < count; i++)
		if (check_line_has(line, among[i].first, among[i].second))
			return &among[i];
	return NULL;
}

static bool same_address(const struct check_line *a, const struct check_line *b)
{
	if (!a->has_address || !b->has_address)
		return a->has_address == b->has_address;
	return pci_address_compare(&a->address, &b->address) == 0;
}

static void count_line(struct subjects *subjects, const struct pattern *pattern,
		       const struct check_line *line)
{
	size_t i = 0;

	while (i < subjects->count && (subjects->items[i].pattern != pattern ||
				       !same_address(&subjects->items[i].last, line)))
		i++;
	if (i == SUBJECTS_MAX) {
		subjects->passed_over++;
		return;
	}
	if (i == subjects->count)
		subjects->count++;
	subjects->items[i].pattern = pattern;
	subjects->items[i].last = *line;
	subjects->items[i].lines++;
}

static int tell_subject(struct check_run *run, const struct subject *subject)
{
	const struct check_line *last = &subject->last;
	int len = (int)(last->len < SHOWN_MAX ? last->len : SHOWN_MAX), r;
	char address[PCI_ADDRESS_SIZE] = "";

	if (last->has_address)
		pci_address_format(&last->address, address);
	if (subject->lines == 1)
		r = check_tell(run, subject->pattern->status, address, "%.*s", len,
			       last->text);
	else
		r = check_tell(run, subject->pattern->status, address,
			       "%zu times, the last: %.*s", subject->lines, len,
			       last->text);
	if (r == 0)
		r = check_why(run, "%s", subject->pattern->why);
	return r < 0 ? r : check_fix(run, "%s", subject->pattern->fix);
}

int check_tell_no_log(struct check_run *run)
{
	return check_tell(run, CHECK_UNKNOWN, NULL,
			  "the kernel's log could not be read: see log-denied");
}

static int look(struct check_run *run)
{
	size_t at = 0, n_patterns;
	const struct pattern *own = patterns_of(run->check->id, &n_patterns);
	struct subjects subjects = { 0 };
	struct check_line line;
	int r = 0;

	if (run->facts->log_fact != FACT_KNOWN)
		return check_tell_no_log(run);
	while (check_next_line(run->facts, &at, &line)) {
		const struct pattern *pattern = find_pattern(own, n_patterns, &line);

		if (pattern) {
			check_line_address(&line);
			count_line(&subjects, pattern, &line);
		}
	}
	for (size_t i = 0; r == 0 && i < subjects.count; i++)
		r = tell_subject(run, &subjects.items[i]);
	if (r == 0 && subjects.passed_over) {
		r = check_tell(run, CHECK_WARN, NULL, "%zu lines of further devices",
			       subjects.passed_over);
		if (r == 0)
			r = check_why(run, "they say the same");
	}
	if (r < 0 || subjects.count)
		return r;
	return check_tell(run, CHECK_PASS, NULL, "no such line in the kernel's log");
}

static int denied(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	int r;

	if (facts->log_fact == FACT_KNOWN)
		return check_tell(run, CHECK_PASS, NULL, "the kernel's log was read");
	r = check_tell(run, CHECK_UNKNOWN, NULL, "%s",
		       facts->log_fact == FACT_ABSENT
			       ? "there is no kernel's log in this copy"
			       : "this user may not read the kernel's log");
	if (r == 0)
		r = check_why(run, "faults, failed resets and refusals stand there only");
	return r < 0 ? r
		     : check_fix(run, "run pciferry check as root on the host itself");
}

const struct check check_log_table[] = {
	{ "log-denied", "log", "the kernel's log can be read", false, denied },
	{ "log-dmar", "log", "no faults that the IOMMU held back", false, look },
	{ "log-aer", "log", "no errors on PCIe links", false, look },
	{ "log-bar", "log", "no device whose memory another holds", false, look },
	{ "log-reset", "log", "no reset that failed", false, look },
	{ "log-rom", "log", "no ROM that cannot be read", false, look },
	{ "log-rmrr", "log", "no device that the firmware uses itself", false, look },
	{ "log-vfio", "log", "nothing that VFIO refused", false, look },
	{ "log-xid", "log", "no errors of NVIDIA cards", false, look },
	{ 0 },
};
