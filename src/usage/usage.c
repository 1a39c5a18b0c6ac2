/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage/usage.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "usage/internal.h"

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

int usage_mark_unreadable(struct usage *usage, unsigned int base_class,
			  const char *detail)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < usage->devices->count; i++) {
		const struct pci_device *device = &usage->devices->items[i];

		if (device->ids == FACT_KNOWN && device->class_code >> 16 == base_class &&
		    device->driver_fact != FACT_ABSENT)
			r = usage_add(usage, device, USAGE_UNREADABLE, "%s", detail);
	}
	return r;
}

int usage_scan(const struct host *host, const struct pci_devices *devices,
	       const struct iommu_groups *groups, struct usage *ret_usage,
	       struct error *err)
{
	_cleanup_(usage_free) struct usage usage = { .devices = devices };
	int r;

	usage.of_device =
		calloc(devices->count ? devices->count : 1, sizeof(*usage.of_device));
	if (!usage.of_device)
		return error_oom(err);
	r = usage_scan_block(host, &usage);
	if (r == 0)
		r = usage_scan_network(host, &usage);
	if (r == 0)
		r = usage_scan_vfio(host, groups, &usage);
	if (r < 0)
		return error_set(err, -r, host_name(host), "who uses its devices: %s",
				 strerror(-r));
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
		[USAGE_MOUNT] = "mount",   [USAGE_SWAP] = "swap",
		[USAGE_HOLDER] = "holder", [USAGE_NETWORK] = "network",
		[USAGE_VFIO] = "vfio",	   [USAGE_UNREADABLE] = "unreadable",
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
	if (usage_of(usage, member)->count) {
		snprintf(reason, size, "%s: %s", address,
			 usage_of(usage, member)->items[0].detail);
		return USAGE_IN_USE;
	}
	return USAGE_CAN_GO;
}

enum usage_verdict usage_verdict(const struct usage *usage,
				 const struct iommu_groups *groups,
				 const struct pci_device *device, char *reason,
				 size_t size)
{
	const struct iommu_group *group;
	size_t others = 0;
	enum fact fact;

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

		verdict = member_verdict(usage, group->members[i], reason, size);
		if (verdict != USAGE_CAN_GO)
			return verdict;
		others += group->members[i] != device &&
			  !iommu_member_stays(group->members[i]);
	}
	if (!others)
		return USAGE_CAN_GO;
	snprintf(reason, size, "%zu other function%s of group %u must go with it", others,
		 others == 1 ? "" : "s", group->number);
	return USAGE_CAN_GO_WITH_GROUP;
}
