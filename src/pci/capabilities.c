/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each capability says. Section numbers are PCI Express Base 6.0's. */

#include "base/cleanup.h"
#include "pci/internal.h"

static bool bits(uint32_t value, unsigned int shift, uint32_t mask)
{
	return value >> shift & mask;
}

/* Link speed encodings (7.5.3.6, 7.5.3.18): GT/s times ten. */
static uint16_t link_speed(unsigned int code)
{
	static const uint16_t speeds[] = { 0, 25, 50, 80, 160, 320, 640 };

	return code < ARRAY_SIZE(speeds) ? speeds[code] : 0;
}

/* Integrated functions and event collectors have no link (7.5.3). */
static bool has_link(enum pcie_port_type type)
{
	return type != PCIE_RC_ENDPOINT && type != PCIE_RC_EVENT_COLLECTOR;
}

/*
 * 7.5.3: only version 2 has the registers from 0x24 on, of which Device Control 2 is the
 * last that is read; a slot's end at 0x1c, a link's at 0x14.
 */
static size_t express_size(unsigned int version, enum pcie_port_type type, bool slot)
{
	if (version >= 2)
		return 0x2a;
	if (slot)
		return 0x1c;
	return has_link(type) ? 0x14 : 0x0c;
}

static void decode_link(const struct config_bytes *bytes, size_t at,
			struct pci_link *link)
{
	uint32_t capability = config_long(bytes, at + 0x0c);
	uint16_t status = config_word(bytes, at + 0x12);

	link->max_speed = link_speed(capability & 0xf);
	link->max_width = capability >> 4 & 0x3f;
	link->has_active = bits(capability, 20, 1);
	link->speed = link_speed(status & 0xf);
	link->width = status >> 4 & 0x3f;
	link->active = link->has_active && bits(status, 13, 1);
}

/* PCI Express, 7.5.3. */
static enum fact decode_express(const struct config_bytes *bytes, size_t at,
				struct pci_config *config)
{
	enum pcie_port_type type;
	uint32_t device;
	uint16_t flags;

	if (!config_has(bytes, at, 4))
		return FACT_UNREADABLE;
	flags = config_word(bytes, at + 2);
	type = flags >> 4 & 0xf;
	if (!config_has(bytes, at, express_size(flags & 0xf, type, bits(flags, 8, 1))))
		return FACT_UNREADABLE;
	device = config_long(bytes, at + 4);
	config->pcie.version = flags & 0xf;
	config->pcie.type = type;
	config->pcie.slot_implemented = bits(flags, 8, 1);
	config->pcie.payload_max_supported_shift = device & 7;
	config->pcie.flr = bits(device, 28, 1);
	config->pcie.payload_size_shift = config_word(bytes, at + 8) >> 5 & 7;
	config->pcie.link_fact = has_link(type) ? FACT_KNOWN : FACT_ABSENT;
	if (has_link(type))
		decode_link(bytes, at, &config->pcie.link);
	if (config->pcie.slot_implemented) {
		uint32_t slot = config_long(bytes, at + 0x14);

		config->pcie.hotplug = bits(slot, 6, 1);
		config->pcie.slot_number = (uint16_t)(slot >> 19 & 0x1fff);
	}
	if (config->pcie.version >= 2) {
		config->pcie.ari_forwarding = bits(config_long(bytes, at + 0x24), 5, 1);
		config->pcie.ari_enabled = bits(config_word(bytes, at + 0x28), 5, 1);
	}
	return FACT_KNOWN;
}

/* Power Management, 7.5.2. */
static enum fact decode_power(const struct config_bytes *bytes, size_t at,
			      struct pci_config *config)
{
	uint16_t capability, control;

	if (!config_has(bytes, at, 6))
		return FACT_UNREADABLE;
	capability = config_word(bytes, at + 2);
	control = config_word(bytes, at + 4);
	config->pm.version = capability & 7;
	config->pm.d1 = bits(capability, 9, 1);
	config->pm.d2 = bits(capability, 10, 1);
	config->pm.pme_support = (uint8_t)(capability >> 11);
	config->pm.state = control & 3;
	config->pm.no_soft_reset = bits(control, 3, 1);
	return FACT_KNOWN;
}

/* MSI, 7.7.1. */
static enum fact decode_msi(const struct config_bytes *bytes, size_t at,
			    struct pci_config *config)
{
	uint16_t control;

	if (!config_has(bytes, at, 4))
		return FACT_UNREADABLE;
	control = config_word(bytes, at + 2);
	config->msi.enabled = bits(control, 0, 1);
	config->msi.vectors_max = (uint16_t)(1 << (control >> 1 & 7));
	config->msi.vectors = (uint16_t)(1 << (control >> 4 & 7));
	config->msi.address64 = bits(control, 7, 1);
	config->msi.maskable = bits(control, 8, 1);
	return FACT_KNOWN;
}

/* MSI-X, 7.7.2. */
static enum fact decode_msix(const struct config_bytes *bytes, size_t at,
			     struct pci_config *config)
{
	uint16_t control;

	if (!config_has(bytes, at, 12))
		return FACT_UNREADABLE;
	control = config_word(bytes, at + 2);
	config->msix.enabled = bits(control, 15, 1);
	config->msix.masked = bits(control, 14, 1);
	config->msix.vectors = (uint16_t)((control & 0x7ff) + 1);
	config->msix.table_bar = config_byte(bytes, at + 4) & 7;
	config->msix.table_offset = config_long(bytes, at + 4) & ~7U;
	config->msix.pba_bar = config_byte(bytes, at + 8) & 7;
	config->msix.pba_offset = config_long(bytes, at + 8) & ~7U;
	return FACT_KNOWN;
}

/* Advanced Features, 7.9.21. */
static enum fact decode_advanced(const struct config_bytes *bytes, size_t at,
				 struct pci_config *config)
{
	if (!config_has(bytes, at, 4))
		return FACT_UNREADABLE;
	config->af.transactions_pending_known = bits(config_byte(bytes, at + 3), 0, 1);
	config->af.flr = bits(config_byte(bytes, at + 3), 1, 1);
	return FACT_KNOWN;
}

/* Enhanced Allocation, 7.8.5. */
static enum fact decode_allocation(const struct config_bytes *bytes, size_t at,
				   struct pci_config *config)
{
	if (!config_has(bytes, at, 4))
		return FACT_UNREADABLE;
	config->ea.entries = config_byte(bytes, at + 2) & 0x3f;
	return FACT_KNOWN;
}

/* Access Control Services, 7.7.11. */
static enum fact decode_acs(const struct config_bytes *bytes, size_t at,
			    struct pci_config *config)
{
	if (!config_has(bytes, at, 8))
		return FACT_UNREADABLE;
	/* Bits 15:8 of the capability are the size of the egress vector. */
	config->acs.capability = config_word(bytes, at + 4) & 0x7f;
	config->acs.control = config_word(bytes, at + 6) & 0x7f;
	return FACT_KNOWN;
}

/* Alternative Routing-ID Interpretation, 7.8.8. */
static enum fact decode_ari(const struct config_bytes *bytes, size_t at,
			    struct pci_config *config)
{
	uint16_t capability;

	if (!config_has(bytes, at, 8))
		return FACT_UNREADABLE;
	capability = config_word(bytes, at + 4);
	config->ari.mfvc_groups = bits(capability, 0, 1);
	config->ari.acs_groups = bits(capability, 1, 1);
	config->ari.next_function = (uint8_t)(capability >> 8);
	return FACT_KNOWN;
}

/* Single Root I/O Virtualization, 9.3.3. */
static enum fact decode_sriov(const struct config_bytes *bytes, size_t at,
			      struct pci_config *config)
{
	uint16_t control;

	if (!config_has(bytes, at, 0x40))
		return FACT_UNREADABLE;
	control = config_word(bytes, at + 0x08);
	config->sriov.enabled = bits(control, 0, 1);
	config->sriov.memory_enabled = bits(control, 3, 1);
	config->sriov.ari_hierarchy = bits(control, 4, 1);
	config->sriov.initial_vfs = config_word(bytes, at + 0x0c);
	config->sriov.total_vfs = config_word(bytes, at + 0x0e);
	config->sriov.num_vfs = config_word(bytes, at + 0x10);
	config->sriov.first_vf_offset = config_word(bytes, at + 0x14);
	config->sriov.vf_stride = config_word(bytes, at + 0x16);
	config->sriov.vf_device_id = config_word(bytes, at + 0x1a);
	return FACT_KNOWN;
}

/* Resizable BAR, 7.8.6: a pair of registers for each BAR; the first says how many. */
static enum fact decode_rebar(const struct config_bytes *bytes, size_t at,
			      struct pci_config *config)
{
	unsigned int count;

	if (!config_has(bytes, at, 12))
		return FACT_UNREADABLE;
	count = config_byte(bytes, at + 8) >> 5 & 7;
	if (count > PCI_BAR_COUNT || !config_has(bytes, at + 4, 8 * count))
		return FACT_UNREADABLE;
	config->rebar.count = (uint8_t)count;
	for (unsigned int i = 0; i < count; i++) {
		uint32_t capability = config_long(bytes, at + 4 + 8 * i);
		uint32_t control = config_long(bytes, at + 8 + 8 * i);

		config->rebar.bars[i].bar = control & 7;
		config->rebar.bars[i].size = control >> 8 & 0x3f;
		/* 1 MiB is bit 4; sizes from 256 TiB on are in the control register. */
		config->rebar.bars[i].sizes = capability >> 4 | (uint64_t)(control >> 16)
									<< 28;
	}
	return FACT_KNOWN;
}

/* Advanced Error Reporting, 7.8.4. */
static enum fact decode_aer(const struct config_bytes *bytes, size_t at,
			    struct pci_config *config)
{
	if (!config_has(bytes, at, 0x14))
		return FACT_UNREADABLE;
	config->aer.uncorrectable_status = config_long(bytes, at + 0x04);
	config->aer.correctable_status = config_long(bytes, at + 0x10);
	return FACT_KNOWN;
}

/* Device Serial Number, 7.9.3. */
static enum fact decode_serial(const struct config_bytes *bytes, size_t at,
			       struct pci_config *config)
{
	if (!config_has(bytes, at, 12))
		return FACT_UNREADABLE;
	config->serial_number =
		config_long(bytes, at + 4) | (uint64_t)config_long(bytes, at + 8) << 32;
	return FACT_KNOWN;
}

/* Only that it is there is told. */
static enum fact decode_nothing(const struct config_bytes *bytes, size_t at,
				struct pci_config *config)
{
	(void)bytes, (void)at, (void)config;
	return FACT_KNOWN;
}

#define FACT(member) offsetof(struct pci_config, member)

static const struct {
	uint16_t id;
	bool extended;
	size_t fact; /* where in struct pci_config */
	enum fact (*decode)(const struct config_bytes *bytes, size_t at,
			    struct pci_config *config);
} decoders[] = {
	{ PCI_CAP_EXPRESS, false, FACT(pcie_fact), decode_express },
	{ PCI_CAP_POWER_MANAGEMENT, false, FACT(pm_fact), decode_power },
	{ PCI_CAP_MSI, false, FACT(msi_fact), decode_msi },
	{ PCI_CAP_MSIX, false, FACT(msix_fact), decode_msix },
	{ PCI_CAP_ADVANCED_FEATURES, false, FACT(af_fact), decode_advanced },
	{ PCI_CAP_ENHANCED_ALLOCATION, false, FACT(ea_fact), decode_allocation },
	{ PCI_EXT_ACS, true, FACT(acs_fact), decode_acs },
	{ PCI_EXT_ARI, true, FACT(ari_fact), decode_ari },
	{ PCI_EXT_SRIOV, true, FACT(sriov_fact), decode_sriov },
	{ PCI_EXT_REBAR, true, FACT(rebar_fact), decode_rebar },
	{ PCI_EXT_AER, true, FACT(aer_fact), decode_aer },
	{ PCI_EXT_SERIAL_NUMBER, true, FACT(serial_fact), decode_serial },
	{ PCI_EXT_ATS, true, FACT(ats_fact), decode_nothing },
	{ PCI_EXT_PRI, true, FACT(pri_fact), decode_nothing },
	{ PCI_EXT_PASID, true, FACT(pasid_fact), decode_nothing },
};

void config_decode(const struct config_bytes *bytes, struct pci_config *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(decoders); i++) {
		enum fact *fact = (enum fact *)((char *)config + decoders[i].fact);
		enum fact chain = decoders[i].extended ? config->extended_fact
						       : config->capabilities_fact;
		const struct pci_capability *found =
			pci_find_capability(config, decoders[i].extended, decoders[i].id);

		if (found)
			*fact = decoders[i].decode(bytes, found->offset, config);
		else
			*fact = chain == FACT_UNREADABLE ? FACT_UNREADABLE : FACT_ABSENT;
	}
	if (config->pcie_fact != FACT_KNOWN)
		config->pcie.link_fact = config->pcie_fact;
}

/* What the PCI ID repository and lspci call them. */
static const char *const standard_names[] = {
	[0x01] = "Power Management",
	[0x02] = "AGP",
	[0x03] = "Vital Product Data",
	[0x04] = "Slot Identification",
	[0x05] = "MSI",
	[0x06] = "CompactPCI Hot Swap",
	[0x07] = "PCI-X",
	[0x08] = "HyperTransport",
	[0x09] = "Vendor Specific",
	[0x0a] = "Debug Port",
	[0x0b] = "CompactPCI Resource Control",
	[0x0c] = "Hot-Plug",
	[0x0d] = "Bridge Subsystem Vendor ID",
	[0x0e] = "AGP 8x",
	[0x0f] = "Secure Device",
	[0x10] = "PCI Express",
	[0x11] = "MSI-X",
	[0x12] = "SATA Data/Index",
	[0x13] = "Advanced Features",
	[0x14] = "Enhanced Allocation",
};

static const char *const extended_names[] = {
	[0x01] = "Advanced Error Reporting",
	[0x02] = "Virtual Channel",
	[0x03] = "Device Serial Number",
	[0x04] = "Power Budgeting",
	[0x05] = "Root Complex Link Declaration",
	[0x06] = "Root Complex Internal Link Control",
	[0x07] = "Root Complex Event Collector",
	[0x08] = "Multi-Function Virtual Channel",
	[0x09] = "Virtual Channel",
	[0x0a] = "RCRB Header",
	[0x0b] = "Vendor Specific",
	[0x0d] = "Access Control Services",
	[0x0e] = "Alternative Routing-ID",
	[0x0f] = "Address Translation Services",
	[0x10] = "SR-IOV",
	[0x11] = "MR-IOV",
	[0x12] = "Multicast",
	[0x13] = "Page Request",
	[0x15] = "Resizable BAR",
	[0x16] = "Dynamic Power Allocation",
	[0x17] = "TPH Requester",
	[0x18] = "Latency Tolerance Reporting",
	[0x19] = "Secondary PCI Express",
	[0x1b] = "Process Address Space ID",
	[0x1d] = "Downstream Port Containment",
	[0x1e] = "L1 PM Substates",
	[0x1f] = "Precision Time Measurement",
	[0x23] = "Designated Vendor-Specific",
	[0x24] = "VF Resizable BAR",
	[0x25] = "Data Link Feature",
	[0x26] = "Physical Layer 16.0 GT/s",
	[0x27] = "Lane Margining",
	[0x2a] = "Physical Layer 32.0 GT/s",
	[0x2e] = "Data Object Exchange",
};

const char *pci_capability_name(bool extended, uint16_t id)
{
	if (extended)
		return id < ARRAY_SIZE(extended_names) ? extended_names[id] : NULL;
	return id < ARRAY_SIZE(standard_names) ? standard_names[id] : NULL;
}
