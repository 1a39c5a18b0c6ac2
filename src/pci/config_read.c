/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "pci/config.h"
#include "pci/device.h"

/* What the port of a bus was found to do; functions of a bus follow one another. */
struct port {
	bool known, sleeps;
	uint32_t domain;
	uint8_t bus;
};

/*
 * The directory above is the port's, or a root bus's, which never sleeps. The ports above
 * one that is awake are awake.
 */
static bool port_sleeps(const struct host *host, const struct pci_device *device,
			struct port *port)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], status[16];

	if (port->known && port->domain == device->address.domain &&
	    port->bus == device->address.bus)
		return port->sleeps;
	port->known = true;
	port->domain = device->address.domain;
	port->bus = device->address.bus;
	port->sleeps = host_read(host,
				 pci_attribute_path(&device->address,
						    "../power/runtime_status", path),
				 status, sizeof(status)) == FACT_KNOWN &&
		       strcmp(status, "active") != 0 &&
		       strcmp(status, "unsupported") != 0;
	return port->sleeps;
}

/*
 * Whether a read would bring something out of its sleep (pci_config_pm_runtime_get in
 * drivers/pci/pci.c): the function itself in D3cold, or the port above it, whatever the
 * function's own state. One without a driver stays in D0 while that port sleeps
 * (pci_pm_runtime_suspend in drivers/pci/pci-driver.c). Kernels before 5.11 do not tell
 * the state; only the port is looked at then.
 */
static bool would_wake(const struct host *host, const struct pci_device *device,
		       struct port *port)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], state[16];

	return port_sleeps(host, device, port) ||
	       (host_read(host, pci_attribute_path(&device->address, "power_state", path),
			  state, sizeof(state)) == FACT_KNOWN &&
		!strcmp(state, "D3cold"));
}

bool pci_memory_sleeps(const struct host *host, const struct pci_device *device,
		       char ret_state[PCI_STATE_SIZE])
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	struct port port = { 0 };
	enum fact fact =
		host_read(host, pci_attribute_path(&device->address, "power_state", path),
			  ret_state, PCI_STATE_SIZE);

	if (fact == FACT_KNOWN && (ret_state[0] != 'D' || !strcmp(ret_state, "D0")))
		ret_state[0] = '\0';
	return ret_state[0] || port_sleeps(host, device, &port);
}

static int read_one(const struct host *host, const struct pci_device *device,
		    enum pci_wake wake, struct port *port, struct pci_config *ret_config)
{
	_cleanup_free_ char *bytes = NULL;
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	size_t len = 0;
	int r = 0;

	if (wake == PCI_WAKE || !would_wake(host, device, port))
		r = host_read_file(host,
				   pci_attribute_path(&device->address, "config", path),
				   &bytes, &len);
	if (r == -ENOMEM)
		return r;
	return pci_config_parse((const uint8_t *)bytes, r < 0 ? 0 : len, 0, ret_config);
}

struct reading {
	const struct host *host;
	const struct pci_devices *devices;
	enum pci_wake wake;
	struct pci_config *configs;
};

static int read_part(void *context, size_t part, size_t from, size_t to)
{
	const struct reading *reading = context;
	struct port port = { 0 };
	int r = 0;

	(void)part;
	for (size_t i = from; r == 0 && i < to; i++)
		r = read_one(reading->host, &reading->devices->items[i], reading->wake,
			     &port, &reading->configs[i]);
	return r;
}

int pci_configs_read(const struct host *host, const struct pci_devices *devices,
		     enum pci_wake wake, struct pci_config **ret_configs)
{
	struct reading reading = { .host = host, .devices = devices, .wake = wake };
	int r;

	reading.configs =
		calloc(devices->count ? devices->count : 1, sizeof(*reading.configs));
	if (!reading.configs)
		return -ENOMEM;
	r = parallel_for(devices->count, read_part, &reading);
	if (r < 0) {
		pci_configs_free(reading.configs, devices->count);
		return r;
	}
	*ret_configs = reading.configs;
	return 0;
}

void pci_configs_free(struct pci_config *configs, size_t count)
{
	for (size_t i = 0; configs && i < count; i++)
		pci_config_free(&configs[i]);
	free(configs);
}
