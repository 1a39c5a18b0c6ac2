/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of which there are slices is in use: they go with its driver, and whoever has
 * one loses it, or the driver hangs until he lets go. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "pci/slices.h"
#include "usage/internal.h"

int usage_scan_slices(struct usage_scan *scan)
{
	_cleanup_(string_list_free) struct string_list uuids = { 0 };
	int r = host_list(scan->host, PCI_SLICE_BUS, &uuids);

	if (r == -ENOENT || r == -ENOMEM)
		return r == -ENOMEM ? r : 0;
	if (r < 0)
		return usage_mark_unreadable(scan->usage, PCI_CLASS_DISPLAY,
					     "whether there are slices of it could not be"
					     " read");
	for (size_t i = 0; r == 0 && i < uuids.count; i++) {
		const struct pci_device *parent;
		char path[PATH_MAX];

		snprintf(path, sizeof(path), PCI_SLICE_BUS "/%s", uuids.items[i]);
		parent = usage_link_owner(scan, path);
		if (parent && usage_is_asked(scan, parent))
			r = usage_add(scan->usage, parent, USAGE_SLICE,
				      "there is a slice of it, %s", uuids.items[i]);
	}
	return r;
}
