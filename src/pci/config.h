/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_CONFIG_H
#define PCIFERRY_PCI_CONFIG_H

/*
 * A function's configuration space: header, capabilities, and what they say. The parser
 * takes bytes and survives any; what was not among them is unreadable, never absent: an
 * ordinary user reads 64 bytes of it (pci_read_config in drivers/pci/pci-sysfs.c).
 *
 * Offsets and bits: PCI Local Bus 3.0 chapter 6, PCI Express Base 6.0 chapter 7;
 * include/uapi/linux/pci_regs.h has the same names.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"

struct pci_device;
struct pci_devices;

enum {
	PCI_CONFIG_HEADER_SIZE = 64,
	PCI_CONFIG_STANDARD_SIZE = 256,
	PCI_CONFIG_MAX = 4096,
	PCI_BAR_COUNT = 6,
};

/* PCIe 6.0, 7.5.1.1.9, without the multi-function bit. */
enum pci_header_layout {
	PCI_LAYOUT_ENDPOINT = 0,
	PCI_LAYOUT_BRIDGE = 1,
	PCI_LAYOUT_CARDBUS = 2,
};

/* PCIe 6.0, 7.5.3.2: Device/Port Type. */
enum pcie_port_type {
	PCIE_ENDPOINT = 0x0,
	PCIE_LEGACY_ENDPOINT = 0x1,
	PCIE_ROOT_PORT = 0x4,
	PCIE_UPSTREAM_PORT = 0x5,
	PCIE_DOWNSTREAM_PORT = 0x6,
	PCIE_TO_PCI_BRIDGE = 0x7,
	PCI_TO_PCIE_BRIDGE = 0x8,
	PCIE_RC_ENDPOINT = 0x9,
	PCIE_RC_EVENT_COLLECTOR = 0xa,
};

/* ACS capability and control bits: PCIe 6.0, 7.7.11.2 and 7.7.11.3. */
enum {
	PCI_ACS_SOURCE_VALIDATION = 0x01,
	PCI_ACS_TRANSLATION_BLOCKING = 0x02,
	PCI_ACS_REQUEST_REDIRECT = 0x04,
	PCI_ACS_COMPLETION_REDIRECT = 0x08,
	PCI_ACS_UPSTREAM_FORWARDING = 0x10,
	PCI_ACS_EGRESS_CONTROL = 0x20,
	PCI_ACS_DIRECT_TRANSLATED = 0x40,
};

struct pci_capability {
	uint16_t id;
	uint16_t offset;
	uint8_t version; /* of an extended one; 0 for the others */
	bool extended;
};

enum { PCI_CAPABILITIES_MAX = 48 + 960 }; /* each offset at most once */

struct pci_link {
	/* GT/s times ten: 25, 50, 80, 160, 320, 640; 0: reserved encoding. Lanes; 0:
	 * reserved. */
	uint16_t max_speed, speed;
	uint8_t max_width, width;
	bool active;	 /* Data Link Layer Link Active; only where has_active */
	bool has_active; /* the port reports it */
};

struct pci_config {
	/* The first 64 bytes. All below is zero where this is not FACT_KNOWN. */
	enum fact header_fact;
	uint16_t vendor_id, device_id, command, status;
	uint32_t class_code;
	uint8_t revision;
	uint8_t interrupt_pin; /* 0: none, 1: INTA# ... */
	enum pci_header_layout layout;
	bool multifunction;
	/* Of a bridge (7.5.1.3): */
	uint8_t primary_bus, secondary_bus, subordinate_bus;

	/*
	 * The chain of capabilities, and of extended ones. ABSENT: the function says that
	 * it has none. KNOWN: read to its end. UNREADABLE: not all of it was among the
	 * bytes, or it is damaged (a loop, an offset within the header); what was found
	 * before is in the list, and a capability that is not must be taken for unknown.
	 */
	enum fact capabilities_fact, extended_fact;
	struct pci_capability *capabilities; /* in the order of the chain; owned */
	size_t n_capabilities;

	/*
	 * Each is KNOWN when the function has the structure and all of it was read,
	 * ABSENT when the chain was read whole and it is not there, UNREADABLE otherwise.
	 */
	enum fact pcie_fact; /* 7.5.3 */
	struct {
		uint8_t version;
		enum pcie_port_type type;
		bool slot_implemented;
		bool flr;			     /* function level reset */
		uint8_t payload_max_supported_shift; /* bytes: 128 << shift */
		uint8_t payload_size_shift;
		enum fact link_fact; /* ABSENT: integrated in the root complex */
		struct pci_link link;
		uint16_t slot_number; /* physical; 0: on the board or none */
		bool hotplug;	      /* Hot-Plug Capable, of a slot */
		bool ari_forwarding;  /* of a port: Device Capabilities 2, bit 5 */
		bool ari_enabled;     /* of a port: Device Control 2, bit 5 */
	} pcie;

	enum fact pm_fact; /* PCI Power Management 1.2, 3.2 */
	struct {
		uint8_t version;
		uint8_t state;	    /* D0 to D3hot as 0 to 3 */
		bool no_soft_reset; /* D3hot to D0 keeps its state: no way to reset */
		bool d1, d2;
		uint8_t pme_support; /* bit n: from Dn; bit 4: from D3cold */
	} pm;

	enum fact msi_fact; /* PCI 3.0, 6.8.1 */
	struct {
		bool enabled, address64, maskable;
		uint16_t vectors_max, vectors;
	} msi;

	enum fact msix_fact; /* PCI 3.0, 6.8.2 */
	struct {
		bool enabled, masked;
		uint16_t vectors;
		uint8_t table_bar, pba_bar;
		uint32_t table_offset, pba_offset;
	} msix;

	enum fact af_fact; /* Advanced Features ECN: conventional FLR */
	struct {
		bool flr, transactions_pending_known;
	} af;

	enum fact ea_fact; /* Enhanced Allocation, 7.8.5 */
	struct {
		uint8_t entries;
	} ea;

	enum fact acs_fact; /* 7.7.11 */
	struct {
		uint16_t capability, control;
	} acs;

	enum fact ari_fact; /* 7.8.8 */
	struct {
		uint8_t next_function;
		bool mfvc_groups, acs_groups;
	} ari;

	enum fact sriov_fact; /* 9.3.3 */
	struct {
		bool enabled, memory_enabled, ari_hierarchy;
		uint16_t initial_vfs, total_vfs, num_vfs;
		uint16_t first_vf_offset, vf_stride, vf_device_id;
	} sriov;

	enum fact rebar_fact; /* 7.8.6 */
	struct {
		uint8_t count;
		struct {
			uint8_t bar;
			uint64_t sizes; /* bit n: 2^(n + 20) bytes is possible */
			uint8_t size;	/* 2^(size + 20) bytes is set */
		} bars[PCI_BAR_COUNT];
	} rebar;

	enum fact aer_fact; /* 7.8.4 */
	struct {
		uint32_t uncorrectable_status, correctable_status;
	} aer;

	enum fact serial_fact; /* Device Serial Number, 7.9.3 */
	uint64_t serial_number;

	enum fact ats_fact, pri_fact, pasid_fact; /* 10.5; only whether they are there */
};

/*
 * Parses `len` bytes from offset 0; more than PCI_CONFIG_MAX are not looked at. `size` is
 * how many bytes the function has, 0 when that is not known: with 256 of 256, a PCIe
 * function has no extended capabilities; with 256 of an unknown number, whether it has is
 * not known. Returns 0 or -ENOMEM.
 */
int pci_config_parse(const uint8_t *bytes, size_t len, size_t size,
		     struct pci_config *ret_config);
void pci_config_free(struct pci_config *config); /* takes NULL */

/*
 * Takes the Device Serial Number out of configuration space: what is there becomes zeros
 * and a number of its own. For recordings.
 */
void pci_config_anonymise(uint8_t *bytes, size_t len, uint32_t number);

/* The first with this ID; NULL: not in the list. */
const struct pci_capability *pci_find_capability(const struct pci_config *config,
						 bool extended, uint16_t id);

/* "Power Management", "Access Control Services"; NULL: no name for it here. */
const char *pci_capability_name(bool extended, uint16_t id);

enum pci_wake { PCI_LET_SLEEP, PCI_WAKE };

/*
 * Reads and parses the configuration space of each function, by index. A read brings a
 * function out of D3cold, and the ports above it out of sleep (pci_config_pm_runtime_get
 * in drivers/pci/pci.c); with PCI_LET_SLEEP it is not read then, and all of it is
 * unreadable. One in D3hot is read where its parent is awake. To be freed with the same
 * count. Returns 0 or -ENOMEM.
 */
int pci_configs_read(const struct host *host, const struct pci_devices *devices,
		     enum pci_wake wake, struct pci_config **ret_configs);
void pci_configs_free(struct pci_config *configs, size_t count); /* takes NULL */

/*
 * Whether the function, or the port above it, sleeps so that its memory cannot be read.
 * *ret_state: in which state it is itself ("D3hot"), "" where the kernel does not tell.
 */
enum { PCI_STATE_SIZE = 16 };
bool pci_memory_sleeps(const struct host *host, const struct pci_device *device,
		       char ret_state[PCI_STATE_SIZE]);

/* A range that a base address register or an option ROM decodes. */
struct pci_resource {
	uint64_t start, size; /* size 0: not there, or not assigned */
	bool io, prefetchable, is_64bit;
	/*
	 * Of a ROM: what the kernel gives is the copy that the BIOS of a PC has left in
	 * memory (pci_fixup_video() in arch/x86/pci/fixup.c).
	 */
	bool is_shadow;
};

/* Indices of the attribute `resource` (include/linux/pci.h, enum pci_resources). */
enum { PCI_RESOURCE_ROM = 6, PCI_RESOURCE_COUNT = 7 };

/*
 * Parses the attribute `resource` of a function, "start end flags" in hexadecimal on each
 * line (resource_show in drivers/pci/pci-sysfs.c). Returns 0 or -EINVAL.
 */
int pci_resources_parse(const char *text, size_t len,
			struct pci_resource ret_resources[PCI_RESOURCE_COUNT]);
enum fact pci_resources_read(const struct host *host, const struct pci_device *device,
			     struct pci_resource ret_resources[PCI_RESOURCE_COUNT]);

#endif
