/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_TOPOLOGY_H
#define PCIFERRY_PCI_TOPOLOGY_H

/*
 * How the functions hang together: root buses, bridges, what is behind them, and which
 * functions are virtual. From the directories of /sys/devices, which are nested as the
 * buses are; bus numbers move from boot to boot, this does not.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "pci/device.h"

struct error;

struct pci_node {
	struct pci_device *device;

	/*
	 * FACT_ABSENT: it is on a root bus. For a virtual function the bridge is that of
	 * its physical function, whatever its bus number.
	 */
	enum fact parent_fact;
	struct pci_node *parent; /* the bridge above; NULL unless known */

	struct pci_node *physical; /* NULL: not a virtual function */

	/*
	 * Of every function below a root bus that another function made, as a VMD
	 * controller does for the disks behind it: that function, whose requester ID they
	 * use. NULL: none.
	 */
	struct pci_node *made_by;

	struct pci_node *children; /* behind it, the first by address */
	struct pci_node *next;	   /* the next one behind the same parent */
	const char *slot;	   /* name of the slot that it is in; NULL: none told */
};

struct pci_topology {
	struct pci_node *nodes; /* by the device's index */
	size_t count;
	struct pci_node *roots; /* those without a known parent, linked by next */
	struct string_list slots;
};

/* The devices must outlive the topology. Returns 0 or -errno. */
int pci_topology_read(const struct host *host, const struct pci_devices *devices,
		      struct pci_topology *ret_topology, struct error *err);
void pci_topology_free(struct pci_topology *topology); /* takes NULL */

/* NULL: not there. */
const struct pci_node *pci_find_node(const struct pci_topology *topology,
				     const struct pci_address *address);

/*
 * What lies above a function, by the target of its link in /sys/bus/pci/devices. Returns
 * 0, or -EINVAL when no root bus ("pci0000:00") is on the way to it.
 */
struct pci_place {
	bool has_parent, has_maker;
	struct pci_address parent;
	struct pci_address maker; /* the function above the root bus */
};
int pci_place_parse(const char *text, struct pci_place *ret_place);

/*
 * The chain of device and function numbers from the root port down, "03.0/00.0": stays
 * the same when bus numbers move. Empty when the place is not known. Returns buffer.
 */
enum { PCI_PATH_SIZE = 128 };
const char *pci_node_path(const struct pci_node *node, char buffer[PCI_PATH_SIZE]);

#endif
