/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_DEVICE_H
#define PCIFERRY_PCI_DEVICE_H

/*
 * The PCI functions of a host, from /sys/bus/pci/devices. What is read for every function
 * is little and takes no lock of the kernel's; the rest is read for one when it is
 * wanted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "host/host.h"
#include "pci/address.h"

struct error;

struct pci_device {
	struct pci_address address;

	/* Of modalias (drivers/pci/pci-sysfs.c): IDs, subsystem and class in one read. */
	enum fact ids;
	uint16_t vendor_id;
	uint16_t device_id;
	uint16_t subsystem_vendor_id;
	uint16_t subsystem_device_id;
	uint32_t class_code; /* base class << 16 | subclass << 8 | interface (PCI ID spec)
			      */

	enum fact driver_fact;
	const char *driver; /* NULL unless known; owned by the list */

	/*
	 * The number in its link `iommu_group`. Read here because its directory is open;
	 * what the group means, and who else is in it, is iommu/'s.
	 */
	enum fact group_fact;
	unsigned int group_number;

	/* Set by pci_read_overrides(). */
	enum fact override_fact; /* FACT_KNOWN and "": none is set */
	char *driver_override;	 /* owned by the list; NULL unless known */
	bool stuck;		 /* it did not answer: a probe or unbind of it hangs */
};

/* Sorted by address. */
struct pci_devices {
	struct pci_device *items;
	size_t count;
	struct string_list drivers; /* the names that the items point at */
};

/*
 * Reads all functions. Entries of the directory that are no addresses are passed over.
 * Returns 0 or -errno; -ENOENT where the host has no PCI.
 */
int pci_scan(const struct host *host, struct pci_devices *ret_devices, struct error *err);
void pci_devices_free(struct pci_devices *devices); /* takes NULL */

/* NULL: not there. */
struct pci_device *pci_find(const struct pci_devices *devices,
			    const struct pci_address *address);

/*
 * The function that a device of another class belongs to, from its path in /sys/devices
 * (the target of its link in /sys/class): the last component that is an address. NULL:
 * none.
 */
struct pci_device *pci_find_by_path(const struct pci_devices *devices, const char *path);

/* Pointers to all of them. The caller frees it; NULL: out of memory. */
struct pci_device **pci_all(const struct pci_devices *devices);

/*
 * Reads driver_override of these devices, and finds out which of them hang in a driver's
 * unbind, whose `stuck` is set. Until 2026 the kernel takes the device lock for the
 * attribute, later ones do not; both are seen through. Returns 0 or -errno.
 */
int pci_read_overrides(const struct host *host, struct pci_device *const *devices,
		       size_t count, struct error *err);

/*
 * Only which devices hang. A driver's unbind takes the `driver` link away before it calls
 * the driver (drivers/base/dd.c, driver_sysfs_remove), so only those without a driver are
 * asked. Reads nothing where /sys is a copy.
 */
int pci_find_stuck(const struct host *host, struct pci_devices *devices,
		   struct error *err);

enum { PCI_ATTRIBUTE_PATH_SIZE = 128 };

/* "sys/bus/pci/devices/<address>/<name>"; with name NULL the directory. Returns buffer.
 */
const char *pci_attribute_path(const struct pci_address *address, const char *name,
			       char buffer[PCI_ATTRIBUTE_PATH_SIZE]);

/* "10de:1b39/10de:1217": what a device is, without where it is. Returns buffer. */
enum { PCI_IDENTITY_SIZE = sizeof("vvvv:dddd/vvvv:dddd") };
const char *pci_identity_format(const struct pci_device *device,
				char buffer[PCI_IDENTITY_SIZE]);

/* A PCI-to-PCI bridge, of any kind. It carries others and never goes to a guest itself.
 */
bool pci_is_bridge(const struct pci_device *device);

/* Base classes (PCI Code and ID Assignment Specification, 1.1). */
enum pci_class {
	PCI_CLASS_STORAGE = 0x01,
	PCI_CLASS_NETWORK = 0x02,
	PCI_CLASS_DISPLAY = 0x03,
	PCI_CLASS_MULTIMEDIA = 0x04,
	PCI_CLASS_BRIDGE = 0x06,
	PCI_CLASS_COMMUNICATION = 0x07,
};
/* Known to be of it. */
bool pci_has_class(const struct pci_device *device, enum pci_class base);

bool pci_is_display(const struct pci_device *device);

/* A display with outputs: 3D controllers (03.02) mostly draw for another one. */
bool pci_gives_picture(const struct pci_device *device);

/* What show and JSON tell of one device beyond the scan. */
struct pci_details {
	enum fact revision_fact;
	unsigned int revision;
	enum fact numa_fact;
	long long numa_node; /* -1: the kernel knows of none */
	enum fact boot_vga_fact;
	bool boot_vga;
	enum fact power_fact;
	char power_state[16]; /* "D0" ... "D3cold", "unknown" */
	enum fact reset_fact;
	char reset_methods[128]; /* as the kernel orders them, separated by spaces */
	enum fact parent_fact;
	struct pci_address parent; /* the bridge above; absent on a root bus */
	enum fact physical_fact;
	struct pci_address
		physical_function; /* absent unless this is a virtual function */
	struct pci_address *virtual_functions;
	size_t n_virtual_functions;
};

/* Its node of NUMA; FACT_ABSENT: the firmware does not say (-1). */
enum fact pci_read_node(const struct host *host, const struct pci_device *device,
			unsigned int *ret_node);

/* Its physical function; FACT_ABSENT: it is no virtual one. */
enum fact pci_read_physical(const struct host *host, const struct pci_device *device,
			    struct pci_address *ret_physical);

int pci_details_read(const struct host *host, const struct pci_device *device,
		     struct pci_details *ret_details, struct error *err);
void pci_details_free(struct pci_details *details); /* takes NULL */

/* Whether one of these methods of resetting a function spares those beside it. */
bool pci_resets_alone(const char *methods);

#endif
