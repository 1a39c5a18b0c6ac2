/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The firmware: how it started the kernel, what that forbids, and the memory it left. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

enum { FAILED_MAX = 64 }; /* BARs; a log can be made by anybody */

static int boot(struct check_run *run)
{
	int r;

	if (check_vendor(run->facts) == CHECK_NOT_X86)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no x86 processor: there is no BIOS to tell it from");
	switch (check_presence(run->facts->host, "sys/firmware/efi")) {
	case FACT_KNOWN:
		return check_tell(run, CHECK_PASS, NULL, "started by UEFI");
	case FACT_UNREADABLE:
		return check_tell_unread(run, "sys/firmware");
	default:
		break;
	}
	r = check_tell(run, CHECK_INFO, NULL,
		       "started by a BIOS: there is no /sys/firmware/efi");
	return r < 0 ? r
		     : check_why(run, "the BIOS runs the part of a graphics card's ROM"
				      " that is for it; a guest with UEFI needs the"
				      " other part, which old cards lack, and large"
				      " BARs mostly get no place above 4 GiB");
}

/* UEFI 2.10, 3.3: SecureBoot is one byte; efivarfs puts four of attributes before it. */
static enum fact secure_boot(const struct host *host, bool *ret_on)
{
	static const char path[] = "sys/firmware/efi/efivars/"
				   "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	_cleanup_free_ char *bytes = NULL;
	size_t len;

	if (host_read_file(host, path, &bytes, &len) < 0 || len != 5)
		return FACT_UNREADABLE;
	*ret_on = bytes[4] == 1;
	return FACT_KNOWN;
}

static int lockdown(struct check_run *run)
{
	static const char path[] = "sys/kernel/security/lockdown";
	const struct host *host = run->facts->host;
	bool on = false, known = secure_boot(host, &on) == FACT_KNOWN;
	enum fact fact;
	char text[64];
	int r;

	fact = host_read(host, path, text, sizeof(text));
	/* Without securityfs it is not there either. */
	if (fact == FACT_ABSENT && host_exists(host, "sys/kernel/security/lsm"))
		return check_tell(run, CHECK_PASS, NULL, "this kernel has no lockdown");
	if (fact != FACT_KNOWN)
		return check_tell_unread(run, path);
	if (!strstr(text, "[integrity]") && !strstr(text, "[confidentiality]"))
		return check_tell(run, CHECK_PASS, NULL, "/%s: %s", path, text);
	r = check_tell(run, CHECK_WARN, NULL, "/%s: %s%s", path, text,
		       !known ? ""
		       : on   ? "; Secure Boot is on"
			      : "; Secure Boot is off");
	if (r == 0)
		r = check_why(run,
			      "VFIO works, but modules that nobody signed (DKMS,"
			      " vendor-reset, NVIDIA's) are not loaded, and root can"
			      " neither write devices' configuration space by /sys nor"
			      " replace ACPI tables%s",
			      strstr(text, "[confidentiality]")
				      ? ", nor read the kernel's memory"
				      : "");
	if (r < 0)
		return r;
	if (known && !on)
		return check_fix(run, "take lockdown= off the kernel's command line if"
				      " one of these is needed");
	return check_fix(run, "if one of these is needed: sign the module with a key that"
			      " mokutil --import enrols, or turn Secure Boot off in the"
			      " firmware's set-up");
}

static int opt_in(struct check_run *run)
{
	const struct iommu_firmware *firmware = &run->facts->firmware;
	int r;

	if (firmware->fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "the firmware's table of IOMMUs could not be read");
	if (firmware->fact == FACT_ABSENT || firmware->kind != IOMMU_DMAR)
		return check_tell(run, CHECK_PASS, NULL,
				  "there is no DMAR table that asks for it");
	if (!(firmware->dmar.flags & DMAR_PLATFORM_OPT_IN))
		return check_tell(run, CHECK_PASS, NULL, "the DMAR table does not ask");
	r = check_tell(run, CHECK_INFO, NULL,
		       "DMA_CTRL_PLATFORM_OPT_IN among the flags of the DMAR table");
	return r < 0 ? r
		     : check_why(run, "where there are ports to the outside (Thunderbolt,"
				      " USB4), the kernel turns the IOMMU on without"
				      " intel_iommu=on");
}

/* A BAR that the kernel found no place for, by what the log said last. */
struct failed_bar {
	struct check_line line;
	unsigned int bar;
};

/*
 * "BAR 0: no space for [mem", "BAR 0 [mem ...]: can't assign; no space", and the same
 * with "VF " before it. Windows of bridges and ROMs, which were BARs 13 to 16 and 6 until
 * Linux 6.9, often find no place on hosts on which nothing is wrong.
 */
static bool take_bar(const struct check_line *line, unsigned int *ret_bar)
{
	static const char label[] = "BAR ";
	const char *at = memmem(line->text, line->len, label, strlen(label));
	const char *end = line->text + line->len;
	unsigned int bar = 0;

	if (!at)
		return false;
	if (at - line->text >= 3 && !strncmp(at - 3, "VF ", 3))
		bar = 7;
	at += strlen(label);
	if (at + 1 >= end || *at < '0' || *at > '9')
		return false;
	bar += (unsigned int)(*at++ - '0');
	if (*at >= '0' && *at <= '9')
		bar = bar * 10 + (unsigned int)(*at - '0');
	*ret_bar = bar;
	return bar != 6 && bar < 13;
}

static bool is_failure(const struct check_line *line)
{
	return check_line_has(line, "no space for [mem", NULL) ||
	       check_line_has(line, "failed to assign [mem", NULL) ||
	       check_line_has(line, "[mem", "can't assign; no space") ||
	       check_line_has(line, "[mem", "failed to assign");
}

/* Keeps it, or forgets it where a later try succeeded. */
static void take_line(const struct check_line *line, unsigned int bar,
		      struct failed_bar *failed, size_t *count)
{
	bool assigned = check_line_has(line, ": assigned", NULL);
	size_t i = 0;

	while (i < *count &&
	       (failed[i].bar != bar ||
		pci_address_compare(&failed[i].line.address, &line->address) != 0))
		i++;
	if (assigned && i < *count)
		failed[i] = failed[--*count];
	else if (!assigned && i < FAILED_MAX && is_failure(line)) {
		failed[i] = (struct failed_bar){ *line, bar };
		*count += i == *count;
	}
}

static int tell_failed(struct check_run *run, const struct failed_bar *failed)
{
	char address[PCI_ADDRESS_SIZE];
	int r = check_tell(run, CHECK_WARN,
			   pci_address_format(&failed->line.address, address), "%.*s",
			   (int)(failed->line.len < 200 ? failed->line.len : 200),
			   failed->line.text);

	if (r == 0)
		r = check_why(run, failed->bar < 7
					   ? "the device lacks this memory, so neither"
					     " the host nor a guest can use it"
					   : "the device's virtual functions cannot be"
					     " made");
	return r < 0 ? r
		     : check_fix(run, "turn \"Above 4G decoding\" on in the firmware's"
				      " set-up, and Resizable BAR off if that is not"
				      " enough; else pci=realloc on the kernel's command"
				      " line");
}

static int memory(struct check_run *run)
{
	struct failed_bar failed[FAILED_MAX];
	struct check_line line;
	size_t at = 0, count = 0;
	unsigned int bar;
	int r = 0;

	if (run->facts->log_fact != FACT_KNOWN)
		return check_tell_no_log(run);
	while (check_next_line(run->facts, &at, &line)) {
		/* Nearly all lines tell of memory that was found at once. */
		if (!take_bar(&line, &bar) || (!count && !is_failure(&line)))
			continue;
		check_line_address(&line);
		if (line.has_address)
			take_line(&line, bar, failed, &count);
	}
	for (size_t i = 0; r == 0 && i < count; i++)
		r = tell_failed(run, &failed[i]);
	return r < 0 || count ? r
			      : check_tell(run, CHECK_PASS, NULL,
					   "the kernel's log tells of no device without"
					   " its memory");
}

const struct check check_firmware_table[] = {
	{ "firmware-boot", "firmware", "the kernel was started by UEFI", false, boot },
	{ "firmware-lockdown", "firmware", "nothing is locked down", false, lockdown },
	{ "firmware-dma-optin", "firmware",
	  "the firmware leaves it to the kernel to use the IOMMU", false, opt_in },
	{ "firmware-memory", "firmware", "each device has got its memory", false,
	  memory },
	{ 0 },
};
