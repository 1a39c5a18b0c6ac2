/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a device is attached: its link, its power, the controller above it. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"
#include "pci/link.h"

static const struct pci_config *config_of(const struct check_run *run,
					  const struct pci_device *device)
{
	return &run->facts->device.configs[device - run->facts->devices.items];
}

int check_device_link(struct check_run *run)
{
	const struct pci_config *config = config_of(run, run->device), *above = NULL;
	const struct pci_node *node = check_node(run);
	char now[PCI_LINK_SIZE], most[PCI_LINK_SIZE];
	struct pci_link link;
	int r;

	if (node->parent)
		above = config_of(run, node->parent->device);
	if (config->pcie_fact == FACT_UNREADABLE ||
	    (config->pcie_fact == FACT_KNOWN &&
	     config->pcie.link_fact == FACT_UNREADABLE))
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "its link could not be read: as root, and while it does"
				  " not sleep, it can");
	if (!pci_has_link(config))
		return check_tell(run, CHECK_PASS, NULL, "it has no PCIe link");
	link = pci_possible_link(config, above);
	pci_link_format(link.speed, link.width, now);
	pci_link_format(link.max_speed, link.max_width, most);
	if (!pci_link_is_slow(config, above))
		return check_tell(run, CHECK_PASS, NULL, "%s", now);
	r = check_tell(run, CHECK_INFO, NULL, "%s, and both ends can do %s", now, most);
	if (r == 0)
		r = check_why(run, link.width < link.max_width
					   ? "it has fewer lanes than it could: wiring"
					     " of the slot, a riser, or a bad contact"
					   : "idle links slow down; under load it should"
					     " not");
	return r < 0 ? r
		     : check_fix(run, link.width < link.max_width
					      ? "seat it again, or try another slot"
					      : "look again while it works");
}

int check_device_power(struct check_run *run)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], state[32], address[PCI_ADDRESS_SIZE];
	int r;

	pci_attribute_path(&run->device->address, "power_state", path);
	if (host_read(run->facts->host, path, state, sizeof(state)) != FACT_KNOWN ||
	    state[0] != 'D')
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "its power state could not be read");
	if (strcmp(state, "D3cold") != 0)
		return check_tell(run, CHECK_PASS, NULL, "in %s", state);
	r = check_tell(run, CHECK_INFO, NULL, "in D3cold");
	if (r == 0)
		r = check_why(run, "it is without power; some do not wake when a guest"
				   " starts, and the kernel calls them inaccessible");
	return r < 0 ? r
		     : check_fix(run,
				 "if so: echo 0 > /sys/bus/pci/devices/%s/d3cold_allowed,"
				 " or the option disable_idle_d3=1 of vfio-pci",
				 pci_address_format(&run->device->address, address));
}

int check_device_vmd(struct check_run *run)
{
	const struct pci_node *node = check_node(run);
	char address[PCI_ADDRESS_SIZE];
	int r;

	if (node->parent_fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "what it is behind could not be read");
	if (!node->made_by)
		return check_tell(run, CHECK_PASS, NULL,
				  "no other function stands for it");
	pci_address_format(&node->made_by->device->address, address);
	r = check_tell(run, CHECK_FAIL, NULL, "it is behind the controller %s (VMD)",
		       address);
	if (r == 0)
		r = check_why(run, "all behind the controller use its requester ID, so"
				   " the IOMMU cannot tell them apart");
	return r < 0 ? r
		     : check_fix(run,
				 "give the controller %s to the guest, with all behind"
				 " it, or turn VMD off in the firmware's set-up",
				 address);
}
