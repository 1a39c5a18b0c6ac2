/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "pci/config.h"

/* Each where a capability can be, once, and what is found by its ID is the first. */
static void check_list(const struct pci_config *config, size_t len)
{
	bool seen[PCI_CONFIG_MAX / 4] = { false };

	must(config->n_capabilities <= PCI_CAPABILITIES_MAX);
	for (size_t i = 0; i < config->n_capabilities; i++) {
		const struct pci_capability *at = &config->capabilities[i];
		enum fact chain =
			at->extended ? config->extended_fact : config->capabilities_fact;
		const char *name = pci_capability_name(at->extended, at->id);

		must(at->offset >=
		     (at->extended ? PCI_CONFIG_STANDARD_SIZE : PCI_CONFIG_HEADER_SIZE));
		must(at->offset % 4 == 0 && at->offset < len);
		must(at->extended || at->offset < PCI_CONFIG_STANDARD_SIZE);
		must(!seen[at->offset / 4]);
		seen[at->offset / 4] = true;
		must(pci_find_capability(config, at->extended, at->id) <= at);
		must(chain != FACT_ABSENT);
		must(!name || *name);
	}
}

/* A structure is known only when it is in the list, and absent only when it is not. */
static void check_fact(const struct pci_config *config, enum fact fact, bool extended,
		       uint16_t id)
{
	const struct pci_capability *at = pci_find_capability(config, extended, id);
	enum fact chain = extended ? config->extended_fact : config->capabilities_fact;

	must(fact == FACT_UNREADABLE || (fact == FACT_KNOWN) == (at != NULL));
	must(fact != FACT_ABSENT || chain != FACT_UNREADABLE);
}

static void check_facts(const struct pci_config *config)
{
	must(config->header_fact != FACT_ABSENT);
	must(config->header_fact == FACT_KNOWN || config->n_capabilities == 0);
	check_fact(config, config->pcie_fact, false, 0x10);
	check_fact(config, config->pm_fact, false, 0x01);
	check_fact(config, config->msi_fact, false, 0x05);
	check_fact(config, config->msix_fact, false, 0x11);
	check_fact(config, config->af_fact, false, 0x13);
	check_fact(config, config->ea_fact, false, 0x14);
	check_fact(config, config->aer_fact, true, 0x01);
	check_fact(config, config->serial_fact, true, 0x03);
	check_fact(config, config->acs_fact, true, 0x0d);
	check_fact(config, config->ari_fact, true, 0x0e);
	check_fact(config, config->ats_fact, true, 0x0f);
	check_fact(config, config->sriov_fact, true, 0x10);
	check_fact(config, config->pri_fact, true, 0x13);
	check_fact(config, config->rebar_fact, true, 0x15);
	check_fact(config, config->pasid_fact, true, 0x1b);
}

static void check_ranges(const struct pci_config *config)
{
	must(config->class_code <= 0xffffff);
	must(config->pcie.link.max_speed <= 640 && config->pcie.link.speed <= 640);
	must(config->pcie.slot_number <= 0x1fff);
	must(config->pm.state <= 3 && config->pm.pme_support <= 0x1f);
	must(config->msi_fact != FACT_KNOWN ||
	     (config->msi.vectors_max && config->msi.vectors));
	must(config->msix_fact != FACT_KNOWN ||
	     (config->msix.vectors >= 1 && config->msix.vectors <= 2048));
	must(config->rebar.count <= PCI_BAR_COUNT);
	for (unsigned int i = 0; i < config->rebar.count; i++)
		must(config->rebar.bars[i].bar <= 7 && config->rebar.bars[i].size <= 63);
}

#define SAME(member) (a->member == b->member)

static bool same_link(const struct pci_link *a, const struct pci_link *b)
{
	return SAME(max_speed) && SAME(speed) && SAME(max_width) && SAME(width) &&
	       SAME(active) && SAME(has_active);
}

static bool same_pcie(const struct pci_config *a, const struct pci_config *b)
{
	return SAME(pcie.version) && SAME(pcie.type) && SAME(pcie.slot_implemented) &&
	       SAME(pcie.flr) && SAME(pcie.payload_max_supported_shift) &&
	       SAME(pcie.payload_size_shift) && SAME(pcie.slot_number) &&
	       SAME(pcie.hotplug) && SAME(pcie.ari_forwarding) &&
	       SAME(pcie.ari_enabled) &&
	       (a->pcie.link_fact == FACT_UNREADABLE ||
		(SAME(pcie.link_fact) && same_link(&a->pcie.link, &b->pcie.link)));
}

static bool same_sriov(const struct pci_config *a, const struct pci_config *b)
{
	return SAME(sriov.enabled) && SAME(sriov.memory_enabled) &&
	       SAME(sriov.ari_hierarchy) && SAME(sriov.initial_vfs) &&
	       SAME(sriov.total_vfs) && SAME(sriov.num_vfs) &&
	       SAME(sriov.first_vf_offset) && SAME(sriov.vf_stride) &&
	       SAME(sriov.vf_device_id);
}

static bool same_rebar(const struct pci_config *a, const struct pci_config *b)
{
	bool same = SAME(rebar.count);

	for (unsigned int i = 0; same && i < a->rebar.count; i++)
		same = SAME(rebar.bars[i].bar) && SAME(rebar.bars[i].sizes) &&
		       SAME(rebar.bars[i].size);
	return same;
}

/* What a, which saw fewer bytes, says of a structure is not known, or what b says. */
#define KEPT(fact, same)                   \
	must(a->fact == FACT_UNREADABLE || \
	     (SAME(fact) && (a->fact == FACT_ABSENT || (same))))

static void check_cut(const struct pci_config *a, const struct pci_config *b)
{
	KEPT(header_fact, SAME(vendor_id) && SAME(device_id) && SAME(command) &&
				  SAME(status) && SAME(class_code) && SAME(revision) &&
				  SAME(interrupt_pin) && SAME(layout) &&
				  SAME(multifunction) && SAME(primary_bus) &&
				  SAME(secondary_bus) && SAME(subordinate_bus));
	KEPT(capabilities_fact, true);
	KEPT(extended_fact, true);
	KEPT(pcie_fact, same_pcie(a, b));
	KEPT(pm_fact, SAME(pm.version) && SAME(pm.state) && SAME(pm.no_soft_reset) &&
			      SAME(pm.d1) && SAME(pm.d2) && SAME(pm.pme_support));
	KEPT(msi_fact, SAME(msi.enabled) && SAME(msi.address64) && SAME(msi.maskable) &&
			       SAME(msi.vectors_max) && SAME(msi.vectors));
	KEPT(msix_fact, SAME(msix.enabled) && SAME(msix.masked) && SAME(msix.vectors) &&
				SAME(msix.table_bar) && SAME(msix.pba_bar) &&
				SAME(msix.table_offset) && SAME(msix.pba_offset));
	KEPT(af_fact, SAME(af.flr) && SAME(af.transactions_pending_known));
	KEPT(ea_fact, SAME(ea.entries));
	KEPT(acs_fact, SAME(acs.capability) && SAME(acs.control));
	KEPT(ari_fact,
	     SAME(ari.next_function) && SAME(ari.mfvc_groups) && SAME(ari.acs_groups));
	KEPT(sriov_fact, same_sriov(a, b));
	KEPT(rebar_fact, same_rebar(a, b));
	KEPT(aer_fact, SAME(aer.uncorrectable_status) && SAME(aer.correctable_status));
	KEPT(serial_fact, SAME(serial_number));
	KEPT(ats_fact, true);
	KEPT(pri_fact, true);
	KEPT(pasid_fact, true);
}

/* The bytes of the number are replaced, as far as they are there, and no others. */
static void check_anonymise(const uint8_t *bytes, size_t len)
{
	static const uint8_t number[8] = { 0x04, 0x03, 0x02, 0x01 };
	const struct pci_capability *serial;
	struct pci_config config;
	uint8_t *copy = malloc(len ? len : 1);
	size_t start;

	if (!copy || pci_config_parse(bytes, len, 0, &config) < 0) {
		free(copy);
		return;
	}
	memcpy(copy, bytes, len);
	pci_config_anonymise(copy, len, 0x01020304);
	serial = pci_find_capability(&config, true, 0x03);
	start = serial ? serial->offset + 4u : len;
	for (size_t i = 0; i < len; i++)
		must(copy[i] ==
		     (i >= start && i < start + 8 ? number[i - start] : bytes[i]));
	pci_config_free(&config);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = { 0, 256, PCI_CONFIG_MAX, 0 };
	struct pci_config whole, part;
	size_t cut, said;

	if (!size)
		return 0;
	/* The first byte says how large the function is said to be, and where a reader
	 * with fewer rights stops. */
	said = sizes[*data & 3];
	cut = (size_t)(*data >> 2) * 64;
	data++;
	size--;
	if (pci_config_parse(data, size, said, &whole) < 0)
		return 0;
	check_list(&whole, size);
	check_facts(&whole);
	check_ranges(&whole);
	if (cut < size && pci_config_parse(data, cut, said, &part) == 0) {
		check_list(&part, cut);
		check_facts(&part);
		check_cut(&part, &whole);
		pci_config_free(&part);
	}
	pci_config_free(&whole);
	check_anonymise(data, size);
	return 0;
}
