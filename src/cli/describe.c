/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/describe.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

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

static bool has_link(const struct pci_config *config)
{
	return config->pcie_fact == FACT_KNOWN && config->pcie.link_fact == FACT_KNOWN;
}

static void speed_text(unsigned int speed, unsigned int width, char *buffer, size_t size)
{
	char speed_text[16] = "?", width_text[16] = "x?";

	if (speed)
		snprintf(speed_text, sizeof(speed_text), "%u%s", speed / 10,
			 speed % 10 ? ".5" : "");
	if (width)
		snprintf(width_text, sizeof(width_text), "x%u", width);
	snprintf(buffer, size, "%s GT/s %s", speed_text, width_text);
}

static bool is_port_down(const struct pci_config *config)
{
	return config->pcie.type == PCIE_ROOT_PORT ||
	       config->pcie.type == PCIE_DOWNSTREAM_PORT;
}

/*
 * What the link can do: what the function offers, and the port above it. A port that
 * leads down is the upper end itself; what is below it is another function's.
 */
static struct pci_link possible_link(const struct cli_view *view,
				     const struct pci_device *device)
{
	struct pci_link link = cli_view_config(view, device)->pcie.link;
	const struct pci_node *port = cli_view_node(view, device)->parent;
	const struct pci_config *above;

	if (!port || is_port_down(cli_view_config(view, device)))
		return link;
	above = cli_view_config(view, port->device);
	if (!has_link(above) || !is_port_down(above))
		return link;
	if (above->pcie.link.max_speed && above->pcie.link.max_speed < link.max_speed)
		link.max_speed = above->pcie.link.max_speed;
	if (above->pcie.link.max_width && above->pcie.link.max_width < link.max_width)
		link.max_width = above->pcie.link.max_width;
	return link;
}

void describe_link(const struct cli_view *view, const struct pci_device *device,
		   char *buffer, size_t size)
{
	const struct pci_config *config = cli_view_config(view, device);
	struct pci_link link;
	char now[40], most[40];

	buffer[0] = '\0';
	if (config->pcie_fact == FACT_UNREADABLE ||
	    (config->pcie_fact == FACT_KNOWN &&
	     config->pcie.link_fact == FACT_UNREADABLE))
		snprintf(buffer, size, "?");
	if (!has_link(config))
		return;
	link = possible_link(view, device);
	speed_text(link.speed, link.width, now, sizeof(now));
	speed_text(link.max_speed, link.max_width, most, sizeof(most));
	if (!link.width)
		snprintf(buffer, size, "down, %s possible", most);
	else if (!strcmp(now, most))
		snprintf(buffer, size, "%s", now);
	else
		snprintf(buffer, size, "%s of %s", now, most);
}

bool describe_link_is_slow(const struct cli_view *view, const struct pci_device *device)
{
	const struct pci_config *config = cli_view_config(view, device);
	struct pci_link link;

	/* What is behind a port may be able to do less than the port. */
	if (!has_link(config) || is_port_down(config))
		return false;
	link = possible_link(view, device);
	return link.width && (link.width < link.max_width || link.speed < link.max_speed);
}

void describe_port_limit(const struct cli_view *view, const struct pci_device *device,
			 char *buffer, size_t size)
{
	const struct pci_config *config = cli_view_config(view, device);
	struct pci_link link;

	buffer[0] = '\0';
	if (!has_link(config))
		return;
	link = possible_link(view, device);
	if (link.max_speed != config->pcie.link.max_speed ||
	    link.max_width != config->pcie.link.max_width)
		speed_text(link.max_speed, link.max_width, buffer, size);
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
