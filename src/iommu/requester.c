/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/requester.h"

#include "base/cleanup.h"
#include "iommu/quirks.h"
#include "pci/config.h"
#include "pci/topology.h"

enum { TARGET_SIZE = 1024 };

static void add(struct iommu_requesters *requesters, const struct pci_address *address)
{
	if (requesters->count < IOMMU_REQUESTERS_MAX)
		requesters->items[requesters->count++] = *address;
}

static bool read_config(const struct host *host, const struct pci_address *address,
			struct pci_config *ret_config)
{
	_cleanup_free_ char *bytes = NULL;
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	size_t len;

	return host_read_file(host, pci_attribute_path(address, "config", path), &bytes,
			      &len) == 0 &&
	       pci_config_parse((const uint8_t *)bytes, len, 0, ret_config) == 0;
}

/* A bridge to PCI takes over what is behind it: as the first function there, or itself.
 */
static void add_bridge(const struct host *host, const struct pci_address *bridge,
		       struct iommu_requesters *requesters)
{
	_cleanup_(pci_config_free) struct pci_config config = { 0 };
	struct pci_address behind = { .domain = bridge->domain };

	if (!read_config(host, bridge, &config) || config.layout != PCI_LAYOUT_BRIDGE ||
	    config.pcie_fact == FACT_UNREADABLE)
		return;
	behind.bus = config.secondary_bus;
	if (config.pcie_fact == FACT_ABSENT || config.pcie.type == PCI_TO_PCIE_BRIDGE)
		add(requesters, bridge);
	/* Some that do not say that they are PCIe do so, too. */
	if (config.pcie_fact == FACT_ABSENT || config.pcie.type == PCIE_TO_PCI_BRIDGE)
		add(requesters, &behind);
}

void iommu_requesters_read(const struct host *host, const struct pci_device *device,
			   struct iommu_requesters *ret_requesters)
{
	int function = iommu_find_alias_function(device->vendor_id, device->device_id);
	struct pci_address at = device->address;
	char path[PCI_ATTRIBUTE_PATH_SIZE], target[TARGET_SIZE];
	struct pci_place place;

	*ret_requesters = (struct iommu_requesters){ 0 };
	add(ret_requesters, &at);
	if (function >= 0 && function != at.function) {
		at.function = (uint8_t)function;
		add(ret_requesters, &at);
		at = device->address;
	}
	for (size_t i = 0; i < IOMMU_REQUESTERS_MAX; i++) {
		if (host_link_target(host, pci_attribute_path(&at, NULL, path), target,
				     sizeof(target)) != FACT_KNOWN ||
		    pci_place_parse(target, &place) < 0)
			return;
		if (place.has_maker && !place.has_parent)
			add(ret_requesters, &place.maker);
		if (!place.has_parent)
			return;
		add_bridge(host, &place.parent, ret_requesters);
		at = place.parent;
	}
}
