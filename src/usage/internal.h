/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_USAGE_INTERNAL_H
#define PCIFERRY_USAGE_INTERNAL_H

#include "usage/usage.h"

/* Adds a finding, unless the device has the same one. Returns 0 or -ENOMEM. */
int usage_add(struct usage *usage, const struct pci_device *device, enum usage_kind kind,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Gives every device of a base class that has a driver the finding USAGE_UNREADABLE:
 * nothing tells which of them are in use, so any may be. Returns 0 or -ENOMEM.
 */
int usage_mark_unreadable(struct usage *usage, unsigned int base_class,
			  const char *detail);

/* Each looks at one kind of use. Return 0 or -errno; the last only for want of memory. */
int usage_scan_block(const struct host *host, struct usage *usage);
int usage_scan_network(const struct host *host, struct usage *usage);
int usage_scan_vfio(const struct host *host, const struct iommu_groups *groups,
		    struct usage *usage);

#endif
