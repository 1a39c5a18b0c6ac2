/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/columns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/describe.h"
#include "cli/output.h"

static void device_text(const struct cli_view *view, const struct pci_device *device,
			char *buffer, size_t size)
{
	char address[PCI_ADDRESS_SIZE];

	(void)view;
	snprintf(buffer, size, "%s", pci_address_format(&device->address, address));
}

static void ids_text(const struct cli_view *view, const struct pci_device *device,
		     char *buffer, size_t size)
{
	(void)view;
	if (device->ids == FACT_KNOWN)
		snprintf(buffer, size, "%04x:%04x", device->vendor_id, device->device_id);
	else
		snprintf(buffer, size, "?");
}

static void subsystem_text(const struct cli_view *view, const struct pci_device *device,
			   char *buffer, size_t size)
{
	(void)view;
	if (device->ids == FACT_KNOWN)
		snprintf(buffer, size, "%04x:%04x", device->subsystem_vendor_id,
			 device->subsystem_device_id);
	else
		snprintf(buffer, size, "?");
}

static void class_text(const struct cli_view *view, const struct pci_device *device,
		       char *buffer, size_t size)
{
	(void)view;
	if (device->ids == FACT_KNOWN)
		snprintf(buffer, size, "%06x", device->class_code);
	else
		snprintf(buffer, size, "?");
}

static void driver_text(const struct cli_view *view, const struct pci_device *device,
			char *buffer, size_t size)
{
	(void)view;
	snprintf(buffer, size, "%s", describe_driver(device));
}

static const char *driver_color(const struct cli_view *view,
				const struct pci_device *device)
{
	(void)view;
	if (device->stuck)
		return "red";
	return device->driver && iommu_is_vfio_driver(device->driver) ? "green" : NULL;
}

static void override_text(const struct cli_view *view, const struct pci_device *device,
			  char *buffer, size_t size)
{
	(void)view;
	snprintf(buffer, size, "%s",
		 device->override_fact == FACT_UNREADABLE ? "?"
		 : device->driver_override		  ? device->driver_override
							  : "");
}

static void use_text(const struct cli_view *view, const struct pci_device *device,
		     char *buffer, size_t size)
{
	const struct usage_findings *findings = usage_of(&view->usage, device);

	if (findings->count > 1)
		snprintf(buffer, size, "%s (+%zu)", findings->items[0].detail,
			 findings->count - 1);
	else if (findings->count)
		snprintf(buffer, size, "%s", findings->items[0].detail);
}

static const char *use_color(const struct cli_view *view, const struct pci_device *device)
{
	(void)view, (void)device;
	return "yellow";
}

static void verdict_text(const struct cli_view *view, const struct pci_device *device,
			 char *buffer, size_t size)
{
	char reason[256];

	snprintf(buffer, size, "%s",
		 usage_verdict_name(usage_verdict(&view->usage, &view->groups, device,
						  reason, sizeof(reason))));
}

static void group_text(const struct cli_view *view, const struct pci_device *device,
		       char *buffer, size_t size)
{
	const struct iommu_group *group = iommu_group_of(&view->groups, device, NULL);

	if (group)
		snprintf(buffer, size, "%u", group->number);
	else
		snprintf(buffer, size, "%s",
			 device->group_fact == FACT_UNREADABLE ? "?" : "-");
}

static void predicted_text(const struct cli_view *view, const struct pci_device *device,
			   char *buffer, size_t size)
{
	const struct iommu_predicted *predicted = cli_view_predicted(view, device);

	if (predicted->group < 0)
		snprintf(buffer, size, "-");
	else
		snprintf(buffer, size, "%d%s", predicted->group,
			 predicted->uncertain || predicted->unreadable ? "?" : "");
}

static void why_text(const struct cli_view *view, const struct pci_device *device,
		     char *buffer, size_t size)
{
	iommu_predicted_reason(cli_view_predicted(view, device), buffer, size);
}

static void slot_text(const struct cli_view *view, const struct pci_device *device,
		      char *buffer, size_t size)
{
	const char *slot = cli_view_node(view, device)->slot;

	snprintf(buffer, size, "%s", slot ? slot : "");
}

static void path_text(const struct cli_view *view, const struct pci_device *device,
		      char *buffer, size_t size)
{
	char path[PCI_PATH_SIZE];

	snprintf(buffer, size, "%s", pci_node_path(cli_view_node(view, device), path));
}

static void port_text(const struct cli_view *view, const struct pci_device *device,
		      char *buffer, size_t size)
{
	const struct pci_config *config = cli_view_config(view, device);

	if (config->pcie_fact == FACT_UNREADABLE)
		snprintf(buffer, size, "?");
	else if (config->pcie_fact == FACT_KNOWN)
		snprintf(buffer, size, "%s", describe_port_type(config->pcie.type));
}

static void link_text(const struct cli_view *view, const struct pci_device *device,
		      char *buffer, size_t size)
{
	describe_link(view, device, buffer, size);
}

static const char *link_color(const struct cli_view *view,
			      const struct pci_device *device)
{
	return describe_link_is_slow(view, device) ? "yellow" : NULL;
}

static void acs_text(const struct cli_view *view, const struct pci_device *device,
		     char *buffer, size_t size)
{
	const struct pci_config *config = cli_view_config(view, device);

	if (config->acs_fact == FACT_KNOWN)
		describe_acs(config->acs.capability, buffer, size);
	else
		snprintf(buffer, size, "%s",
			 config->acs_fact == FACT_UNREADABLE ? "?" : "-");
}

static void power_text(const struct cli_view *view, const struct pci_device *device,
		       char *buffer, size_t size)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	host_read(view->host, pci_attribute_path(&device->address, "power_state", path),
		  buffer, size);
}

static void numa_text(const struct cli_view *view, const struct pci_device *device,
		      char *buffer, size_t size)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	host_read(view->host, pci_attribute_path(&device->address, "numa_node", path),
		  buffer, size);
	if (!strcmp(buffer, "-1"))
		buffer[0] = '\0';
}

static void reset_text(const struct cli_view *view, const struct pci_device *device,
		       char *buffer, size_t size)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	host_read(view->host, pci_attribute_path(&device->address, "reset_method", path),
		  buffer, size);
}

static const struct cli_column columns[] = {
	{ "device", "DEVICE", "address", 0, false, 0, device_text, NULL },
	{ "ids", "IDS", "vendor and device", 0, false, 0, ids_text, NULL },
	{ "driver", "DRIVER", "the driver that it is on", 0, false, CLI_NEEDS_STUCK,
	  driver_text, driver_color },
	{ "in-use", "IN USE", "who uses it", 0.2, true, CLI_NEEDS_USAGE, use_text,
	  use_color },
	{ "name", "NAME", "class, vendor and device in words", 0.3, true, 0,
	  describe_name, NULL },
	{ "group", "GROUP", "number of its IOMMU group", 0, false, 0, group_text, NULL },
	{ "predicted", "PREDICTED", "the group that the kernel would make", 0, false,
	  CLI_NEEDS_PREDICTION, predicted_text, NULL },
	{ "why", "WHY", "why it shares its predicted group", 0.3, true,
	  CLI_NEEDS_PREDICTION, why_text, NULL },
	{ "verdict", "VERDICT", "can it go to a guest", 0, false,
	  CLI_NEEDS_USAGE | CLI_NEEDS_STUCK, verdict_text, NULL },
	{ "class", "CLASS", "class code", 0, false, 0, class_text, NULL },
	{ "subsystem", "SUBSYSTEM", "subsystem's vendor and device", 0, false, 0,
	  subsystem_text, NULL },
	{ "override", "OVERRIDE", "the only driver that may have it", 0, false,
	  CLI_NEEDS_OVERRIDES, override_text, NULL },
	{ "slot", "SLOT", "name of its slot", 0, false, CLI_NEEDS_TOPOLOGY, slot_text,
	  NULL },
	{ "path", "PATH", "device.function of each port from the root down", 0, false,
	  CLI_NEEDS_TOPOLOGY, path_text, NULL },
	{ "port", "PORT", "PCI Express port type", 0, false, CLI_NEEDS_CONFIG, port_text,
	  NULL },
	{ "link", "LINK", "speed and width, and what is possible", 0, false,
	  CLI_NEEDS_CONFIG | CLI_NEEDS_TOPOLOGY, link_text, link_color },
	{ "acs", "ACS", "access control that it offers", 0, false, CLI_NEEDS_CONFIG,
	  acs_text, NULL },
	{ "power", "POWER", "power state", 0, false, 0, power_text, NULL },
	{ "numa", "NUMA", "node", 0, false, 0, numa_text, NULL },
	{ "reset", "RESET", "how it can be reset", 0, false, 0, reset_text, NULL },
};

static const char usual[] = "device,ids,driver,in-use,name";

static int add_column(struct cli_columns *chosen, const char *name, size_t len,
		      struct error *err)
{
	char word[32];

	snprintf(word, sizeof(word), "%.*s", (int)len, name);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (strlen(columns[i].name) != len ||
		    strncmp(columns[i].name, name, len) != 0)
			continue;
		for (size_t j = 0; j < chosen->count; j++)
			if (chosen->items[j] == &columns[i])
				return error_usage(err, word,
						   "the column is named twice");
		chosen->items[chosen->count++] = &columns[i];
		chosen->needs |= columns[i].needs;
		return 0;
	}
	error_usage(err, word, "no such column");
	error_hint(err, "pciferry list --help shows them");
	return -EINVAL;
}

static int add_columns(struct cli_columns *chosen, const char *text, struct error *err)
{
	int r = 0;

	while (r == 0) {
		size_t len = strcspn(text, ",");

		r = add_column(chosen, text, len, err);
		if (!text[len])
			break;
		text += len + 1;
	}
	return r;
}

int columns_parse(const char *text, struct cli_columns *ret_columns, struct error *err)
{
	struct cli_columns chosen = { .count = 0 };
	int r = 0;

	if (!text || *text == '+')
		r = add_columns(&chosen, usual, err);
	if (r == 0 && text)
		r = add_columns(&chosen, text + (*text == '+'), err);
	if (r == 0)
		*ret_columns = chosen;
	return r;
}

void columns_print_help(void)
{
	output_line("Columns (usually %s):", usual);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		output_line("  %-10s %s", columns[i].name, columns[i].help);
	output_line("%s", "");
}

int columns_table(const struct cli_columns *chosen, bool tree,
		  struct libscols_table **ret_table, struct error *err)
{
	struct libscols_table *table;
	int r = output_table(&table, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < chosen->count; i++) {
		const struct cli_column *column = chosen->items[i];

		if (output_add_column(table, column->heading, column->width,
				      tree && i == 0, column->may_be_cut) < 0) {
			output_free_table(table);
			return error_oom(err);
		}
	}
	*ret_table = table;
	return 0;
}

int columns_add_device(const struct cli_columns *chosen, const struct cli_view *view,
		       const struct pci_device *device, struct libscols_table *table,
		       struct libscols_line *parent, struct libscols_line **ret_line)
{
	struct libscols_line *line = output_add_row(table, parent);

	if (!line)
		return -ENOMEM;
	for (unsigned int i = 0; i < chosen->count; i++) {
		const struct cli_column *column = chosen->items[i];
		char text[512] = "";

		column->text(view, device, text, sizeof(text));
		if (text[0] &&
		    output_cell(line, i, text,
				column->color ? column->color(view, device) : NULL) < 0)
			return -ENOMEM;
	}
	if (ret_line)
		*ret_line = line;
	return 0;
}

struct libscols_line *columns_add_title(struct libscols_table *table,
					struct libscols_line *parent, const char *title)
{
	struct libscols_line *line = output_add_row(table, parent);

	return line && output_cell(line, 0, title, "bold") == 0 ? line : NULL;
}
