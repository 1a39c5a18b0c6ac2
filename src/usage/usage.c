/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/units.h"
#include "usage/block.h"

static bool has_finding(const struct usage_findings *findings, enum usage_kind kind,
			const char *detail)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == kind &&
		    !strcmp(findings->items[i].detail, detail))
			return true;
	return false;
}

int usage_add(struct usage *usage, const struct pci_device *device, enum usage_kind kind,
	      const char *format, ...)
{
	struct usage_findings *findings =
		&usage->of_device[device - usage->devices->items];
	_cleanup_free_ char *detail = NULL;
	struct usage_finding *larger;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&detail, format, args);
	va_end(args);
	if (r < 0) {
		detail = NULL;
		return -ENOMEM;
	}
	if (has_finding(findings, kind, detail))
		return 0;
	larger = reallocarray(findings->items, findings->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	findings->items = larger;
	larger[findings->count++] = (struct usage_finding){ kind, steal(detail) };
	return 0;
}

int usage_mark_unreadable(struct usage *usage, enum pci_class base, const char *detail)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < usage->devices->count; i++) {
		const struct pci_device *device = &usage->devices->items[i];

		if (pci_has_class(device, base) && device->driver_fact != FACT_ABSENT &&
		    !(device->driver && iommu_is_vfio_driver(device->driver)))
			r = usage_add(usage, device, USAGE_UNREADABLE, "%s", detail);
	}
	return r;
}

/* Each looks at one kind of use; the last at what the others have found. */
static int (*const scanners[])(struct usage_scan *scan) = {
	usage_scan_block,     usage_scan_shares,    usage_scan_network,
	usage_scan_display,   usage_scan_console,   usage_scan_keyboard,
	usage_scan_sound,     usage_scan_processes, usage_scan_slices,
	usage_scan_functions,
};

/* Nobody is to take an answer for one that was not given. */
static int ask_only(struct usage_scan *scan, const bool *asked)
{
	const struct pci_devices *devices = scan->usage->devices;
	int r = 0;

	if (!asked)
		return 0;
	scan->asked = calloc(devices->count + 1, sizeof(*asked));
	if (!scan->asked)
		return -ENOMEM;
	memcpy(scan->asked, asked, devices->count * sizeof(*asked));
	usage_ask_functions(scan);
	for (size_t i = 0; r == 0 && i < devices->count; i++)
		if (!scan->asked[i])
			r = usage_add(scan->usage, &devices->items[i], USAGE_UNREADABLE,
				      "who uses it was not asked");
	return r;
}

static int fail(const struct host *host, int failure, struct error *err)
{
	error_set(err, -failure, host_name(host), "who uses its devices: %s",
		  strerror(-failure));
	if (failure == -ELIBACC)
		error_hint(err, "libmount cannot be loaded, which reads what is mounted"
				" (Debian: libmount1)");
	return failure;
}

int usage_scan(const struct host *host, const struct pci_devices *devices,
	       const struct iommu_groups *groups, const bool *asked,
	       struct usage *ret_usage, struct error *err)
{
	_cleanup_(usage_free) struct usage usage = { .devices = devices, .host = host };
	struct usage_scan scan = { .host = host, .usage = &usage, .groups = groups };
	int r;

	usage.of_device =
		calloc(devices->count ? devices->count : 1, sizeof(*usage.of_device));
	if (!usage.of_device)
		return error_oom(err);
	r = ask_only(&scan, asked);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(scanners); i++)
		r = scanners[i](&scan);
	usage_free_processes(&scan.processes);
	block_mounts_free(scan.mounts);
	free(scan.asked);
	if (r < 0)
		return fail(host, r, err);
	*ret_usage = usage;
	memset(&usage, 0, sizeof(usage));
	return 0;
}

void usage_free(struct usage *usage)
{
	if (!usage || !usage->of_device)
		return;
	for (size_t i = 0; i < usage->devices->count; i++) {
		for (size_t j = 0; j < usage->of_device[i].count; j++)
			free(usage->of_device[i].items[j].detail);
		free(usage->of_device[i].items);
	}
	free(usage->of_device);
	memset(usage, 0, sizeof(*usage));
}

const char *usage_kind_name(enum usage_kind kind)
{
	static const char *const names[] = {
		[USAGE_ROOT] = "root",
		[USAGE_MOUNT] = "mount",
		[USAGE_SWAP] = "swap",
		[USAGE_HOLDER] = "holder",
		[USAGE_POOL] = "pool",
		[USAGE_BOOT] = "boot",
		[USAGE_SSH] = "ssh",
		[USAGE_ROUTE] = "route",
		[USAGE_NETWORK] = "network",
		[USAGE_DISPLAY] = "display",
		[USAGE_CONSOLE] = "console",
		[USAGE_FRAMEBUFFER] = "framebuffer",
		[USAGE_KEYBOARD] = "keyboard",
		[USAGE_SOUND] = "sound",
		[USAGE_PROCESS] = "process",
		[USAGE_VFIO] = "vfio",
		[USAGE_FUNCTION] = "virtual_function",
		[USAGE_SLICE] = "slice",
		[USAGE_UNREADABLE] = "unreadable",
	};

	return names[kind];
}

const struct usage_findings *usage_of(const struct usage *usage,
				      const struct pci_device *device)
{
	return &usage->of_device[device - usage->devices->items];
}

const char *usage_verdict_name(enum usage_verdict verdict)
{
	static const char *const names[] = {
		[USAGE_CAN_GO] = "can_go",
		[USAGE_CAN_GO_WITH_GROUP] = "can_go_with_group",
		[USAGE_IN_USE] = "in_use",
		[USAGE_CANNOT] = "cannot",
		[USAGE_UNKNOWN] = "unknown",
	};

	return names[verdict];
}

/* What could not be read counts as in use; what is known says more. */
static enum usage_verdict findings_verdict(const struct usage_findings *findings,
					   const char *address, char *reason, size_t size)
{
	for (size_t i = 0; i < findings->count; i++) {
		if (findings->items[i].kind == USAGE_UNREADABLE)
			continue;
		snprintf(reason, size, "%s: %s", address, findings->items[i].detail);
		return USAGE_IN_USE;
	}
	if (!findings->count)
		return USAGE_CAN_GO;
	snprintf(reason, size, "%s: %s, which counts as in use", address,
		 findings->items[0].detail);
	return USAGE_IN_USE;
}

/* What one member says about its whole group; USAGE_CAN_GO: nothing against it. */
static enum usage_verdict member_verdict(const struct usage *usage,
					 const struct pci_device *member, char *reason,
					 size_t size)
{
	char address[PCI_ADDRESS_SIZE];
	const char *driver;

	pci_address_format(&member->address, address);
	if (member->ids != FACT_KNOWN) {
		snprintf(reason, size, "%s: what it is could not be read", address);
		return USAGE_UNKNOWN;
	}
	if (member->stuck) {
		snprintf(reason, size, "%s does not answer: its driver hangs", address);
		return USAGE_IN_USE;
	}
	if (iommu_member_stays(member)) {
		if (iommu_member_allows_vfio(member, &driver))
			return USAGE_CAN_GO;
		snprintf(reason, size,
			 "%s, a bridge of its group, is on the driver %s, which"
			 " VFIO does not allow",
			 address, driver ? driver : "(unreadable)");
		return USAGE_CANNOT;
	}
	return findings_verdict(usage_of(usage, member), address, reason, size);
}

/* The kernel gives a group with such memory to no guest (iommu_device_claim_dma_owner()
 * and, for VT-d, device_is_rmrr_locked()). */
enum usage_verdict usage_memory_verdict(const struct usage *usage,
					const struct iommu_group *group, char *reason,
					size_t size)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	size_t count = 0;

	if (iommu_reserved_read(usage->host, group->number, &regions, &count) ==
	    FACT_UNREADABLE) {
		snprintf(reason, size,
			 "the reserved memory of group %u could not be read",
			 group->number);
		return USAGE_UNKNOWN;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(regions[i].type, "direct") != 0)
			continue;
		snprintf(reason, size,
			 "the firmware lets group %u use the memory 0x%llx-0x%llx, and"
			 " the kernel therefore gives it to no guest",
			 group->number, (unsigned long long)regions[i].start,
			 (unsigned long long)regions[i].end);
		return USAGE_CANNOT;
	}
	return USAGE_CAN_GO;
}

enum usage_verdict usage_verdict(const struct usage *usage,
				 const struct iommu_groups *groups,
				 const struct pci_device *device, char *reason,
				 size_t size)
{
	enum usage_verdict worst = USAGE_CAN_GO;
	const struct iommu_group *group;
	size_t others = 0;
	enum fact fact;
	char text[256];

	reason[0] = '\0';
	if (iommu_member_stays(device)) {
		snprintf(reason, size, "a bridge stays with the host");
		return USAGE_CANNOT;
	}
	group = iommu_group_of(groups, device, &fact);
	if (!group) {
		if (fact != FACT_ABSENT) {
			snprintf(reason, size, "its IOMMU group could not be read");
			return USAGE_UNKNOWN;
		}
		snprintf(reason, size,
			 "it is in no IOMMU group: the IOMMU is off, or there is"
			 " none");
		return USAGE_CANNOT;
	}
	for (size_t i = 0; i < group->count; i++) {
		enum usage_verdict verdict;

		verdict = member_verdict(usage, group->members[i], text, sizeof(text));
		/* What is known says more than what is not. */
		if (verdict != USAGE_CAN_GO &&
		    (worst == USAGE_CAN_GO || worst == USAGE_UNKNOWN)) {
			worst = verdict;
			snprintf(reason, size, "%s", text);
		}
		others += group->members[i] != device &&
			  !iommu_member_stays(group->members[i]);
	}
	if (worst == USAGE_CAN_GO)
		worst = usage_memory_verdict(usage, group, reason, size);
	if (worst != USAGE_CAN_GO || !others)
		return worst;
	snprintf(reason, size, "%zu other function%s of group %u must go with it", others,
		 others == 1 ? "" : "s", group->number);
	return USAGE_CAN_GO_WITH_GROUP;
}
