/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/config.h"
#include "pci/device.h"

/*
 * Whether a read would bring something out of its sleep (pci_config_pm_runtime_get in
 * drivers/pci/pci.c): the function itself in D3cold, or the port above it, whatever the
 * function's own state. One without a driver stays in D0 while that port sleeps
 * (pci_pm_runtime_suspend in drivers/pci/pci-driver.c). The ports above one that is awake
 * are awake. Kernels before 5.11 do not tell the state; only the port is looked at then.
 */
static bool would_wake(const struct host *host, const struct pci_device *device)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], state[16], status[16];

	if (host_read(host, pci_attribute_path(&device->address, "power_state", path),
		      state, sizeof(state)) == FACT_KNOWN &&
	    !strcmp(state, "D3cold"))
		return true;
	/* The directory above is the port's, or a root bus's, which never sleeps. */
	return host_read(host,
			 pci_attribute_path(&device->address, "../power/runtime_status",
					    path),
			 status, sizeof(status)) == FACT_KNOWN &&
	       strcmp(status, "active") != 0 && strcmp(status, "unsupported") != 0;
}

int pci_config_read(const struct host *host, const struct pci_device *device,
		    enum pci_wake wake, struct pci_config *ret_config)
{
	_cleanup_free_ char *bytes = NULL;
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	size_t len = 0;
	int r = 0;

	if (wake == PCI_WAKE || !would_wake(host, device))
		r = host_read_file(host,
				   pci_attribute_path(&device->address, "config", path),
				   &bytes, &len);
	if (r == -ENOMEM)
		return r;
	return pci_config_parse((const uint8_t *)bytes, r < 0 ? 0 : len, 0, ret_config);
}
