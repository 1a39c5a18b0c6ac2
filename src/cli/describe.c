/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/describe.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/link.h"

void describe_name(const struct cli_view *view, const struct pci_device *device,
		   char *buffer, size_t size)
{
	const char *class_name = pci_class_name(view->names, device);
	const char *vendor = pci_vendor_name(view->names, device);
	const char *name = pci_device_name(view->names, device);
	char class_text[32], device_text[32];

	if (device->ids != FACT_KNOWN) {
		snprintf(buffer, size, "(its IDs could not be read)");
		return;
	}
	snprintf(class_text, sizeof(class_text), "Class %04x", device->class_code >> 8);
	snprintf(device_text, sizeof(device_text), "Device %04x", device->device_id);
	snprintf(buffer, size, "%s: %s%s%s", class_name ? class_name : class_text,
		 vendor ? vendor : "", vendor ? " " : "", name ? name : device_text);
}

const char *describe_driver(const struct pci_device *device)
{
	if (device->stuck)
		return "stuck";
	if (device->driver_fact == FACT_UNREADABLE)
		return "?";
	return device->driver ? device->driver : "-";
}

const char *describe_port_type(enum pcie_port_type type)
{
	static const char *const names[] = {
		[PCIE_ENDPOINT] = "endpoint",
		[PCIE_LEGACY_ENDPOINT] = "legacy endpoint",
		[PCIE_ROOT_PORT] = "root port",
		[PCIE_UPSTREAM_PORT] = "upstream port",
		[PCIE_DOWNSTREAM_PORT] = "downstream port",
		[PCIE_TO_PCI_BRIDGE] = "PCIe-to-PCI bridge",
		[PCI_TO_PCIE_BRIDGE] = "PCI-to-PCIe bridge",
		[PCIE_RC_ENDPOINT] = "integrated endpoint",
		[PCIE_RC_EVENT_COLLECTOR] = "event collector",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "reserved type";
}

/* NULL: on a root bus, or its place is not known. */
static const struct pci_config *config_above(const struct cli_view *view,
					     const struct pci_device *device)
{
	const struct pci_node *port = cli_view_node(view, device)->parent;

	return port ? cli_view_config(view, port->device) : NULL;
}

void describe_link(const struct cli_view *view, const struct pci_device *device,
		   char *buffer, size_t size)
{
	const struct pci_config *config = cli_view_config(view, device);
	char now[PCI_LINK_SIZE], most[PCI_LINK_SIZE];
	struct pci_link link;

	buffer[0] = '\0';
	if (config->pcie_fact == FACT_UNREADABLE ||
	    (config->pcie_fact == FACT_KNOWN &&
	     config->pcie.link_fact == FACT_UNREADABLE))
		snprintf(buffer, size, "?");
	if (!pci_has_link(config))
		return;
	link = pci_possible_link(config, config_above(view, device));
	pci_link_format(link.speed, link.width, now);
	pci_link_format(link.max_speed, link.max_width, most);
	if (!link.width)
		snprintf(buffer, size, "down, %s possible", most);
	else if (!strcmp(now, most))
		snprintf(buffer, size, "%s", now);
	else
		snprintf(buffer, size, "%s of %s", now, most);
}

bool describe_link_is_slow(const struct cli_view *view, const struct pci_device *device)
{
	return pci_link_is_slow(cli_view_config(view, device),
				config_above(view, device));
}

void describe_port_limit(const struct cli_view *view, const struct pci_device *device,
			 char *buffer, size_t size)
{
	const struct pci_config *config = cli_view_config(view, device);
	char text[PCI_LINK_SIZE];
	struct pci_link link;

	buffer[0] = '\0';
	if (!pci_has_link(config))
		return;
	link = pci_possible_link(config, config_above(view, device));
	if (link.max_speed != config->pcie.link.max_speed ||
	    link.max_width != config->pcie.link.max_width)
		snprintf(buffer, size, "%s",
			 pci_link_format(link.max_speed, link.max_width, text));
}

void describe_acs(unsigned int bits, char *buffer, size_t size)
{
	/* The short names of lspci, which everybody knows. */
	static const char *const names[] = {
		"SrcValid",    "TransBlk",   "ReqRedir",    "CmpltRedir",
		"UpstreamFwd", "EgressCtrl", "DirectTrans",
	};
	size_t len = 0;

	snprintf(buffer, size, "none");
	for (size_t i = 0; i < ARRAY_SIZE(names) && len < size; i++)
		if (bits & 1U << i)
			len += (size_t)snprintf(buffer + len, size - len, "%s%s",
						len ? " " : "", names[i]);
}

void describe_size(unsigned long long bytes, char *buffer, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t unit = 0;

	while (bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < ARRAY_SIZE(units)) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buffer, size, "%llu %s", bytes, units[unit]);
}
