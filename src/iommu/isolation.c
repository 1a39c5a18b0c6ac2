/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/isolation.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "iommu/quirks.h"

static int bad_override(const char *text, struct error *err)
{
	error_usage(err, text, "not a value of pcie_acs_override");
	error_hint(err, "downstream, multifunction, id:VVVV:DDDD, separated by commas");
	return -EINVAL;
}

static int parse_id(const char *word, size_t len, struct iommu_acs_override *override)
{
	uint32_t vendor, device;

	if (len != strlen("id:vvvv:dddd") || strncmp(word, "id:", 3) != 0 ||
	    word[7] != ':' || text_parse_hex(word + 3, 4, &vendor) < 0 ||
	    text_parse_hex(word + 8, 4, &device) < 0 ||
	    override->n_ids == IOMMU_OVERRIDE_IDS)
		return -EINVAL;
	override->ids[override->n_ids].vendor_id = (uint16_t)vendor;
	override->ids[override->n_ids].device_id = (uint16_t)device;
	override->n_ids++;
	return 0;
}

int iommu_acs_override_parse(const char *text, struct iommu_acs_override *ret_override,
			     struct error *err)
{
	struct iommu_acs_override override = { 0 };

	for (const char *word = text;;) {
		size_t len = strcspn(word, ",");

		if (len == strlen("downstream") && !strncmp(word, "downstream", len))
			override.downstream = true;
		else if (len == strlen("multifunction") &&
			 !strncmp(word, "multifunction", len))
			override.multifunction = true;
		else if (parse_id(word, len, &override) < 0)
			return bad_override(text, err);
		if (!word[len])
			break;
		word += len + 1;
	}
	*ret_override = override;
	return 0;
}

bool iommu_is_multifunction(const struct pci_node *node, const struct pci_config *config)
{
	const struct pci_address *address = &node->device->address;
	bool ari = node->parent && config->pcie_fact == FACT_KNOWN &&
		   config->pcie.type == PCIE_ENDPOINT && address->device;

	/* Whatever the header says, pci_scan_slot() marks all but the first function;
	 * with ARI the device number is a part of the function's (PCIe 6.0, 7.8.8).
	 * Virtual functions do not come from there. */
	return config->multifunction || ((address->function || ari) && !node->physical);
}

static bool is_overridden(const struct pci_node *node, const struct pci_config *config,
			  const struct iommu_acs_override *override)
{
	/* The patch never touches conventional functions or those with the capability. */
	if (!override || config->acs_fact == FACT_KNOWN)
		return false;
	for (size_t i = 0; i < override->n_ids; i++)
		if (override->ids[i].vendor_id == node->device->vendor_id &&
		    override->ids[i].device_id == node->device->device_id)
			return true;
	switch (config->pcie.type) {
	case PCIE_ROOT_PORT:
	case PCIE_DOWNSTREAM_PORT:
		return override->downstream;
	case PCIE_ENDPOINT:
	case PCIE_LEGACY_ENDPOINT:
	case PCIE_UPSTREAM_PORT:
	case PCIE_RC_ENDPOINT:
		return override->multifunction && iommu_is_multifunction(node, config);
	default:
		return false;
	}
}

/* What a quirk says of it; QUIRK_NONE also where the quirk is about another kind. */
static enum iommu_quirk applicable_quirk(const struct pci_node *node,
					 const struct pci_config *config)
{
	const struct pci_device *device = node->device;
	enum iommu_quirk quirk = iommu_find_quirk(device->vendor_id, device->device_id);
	bool pcie = config->pcie_fact == FACT_KNOWN;

	/* pci_quirk_rciep_acs: VT-d 3.16 promises it for all of Intel's. */
	if (quirk == QUIRK_NONE && device->vendor_id == 0x8086 && pcie &&
	    config->pcie.type == PCIE_RC_ENDPOINT)
		return QUIRK_FUNCTIONS_ISOLATE;
	if (quirk == QUIRK_ROOT_PORT_ISOLATES &&
	    (!pcie || config->pcie.type != PCIE_ROOT_PORT))
		return QUIRK_NONE;
	if (quirk == QUIRK_SOUTHBRIDGE &&
	    (node->parent || !iommu_is_multifunction(node, config)))
		return QUIRK_NONE;
	return quirk;
}

static struct iommu_isolation answer(bool isolated, bool uncertain,
				     enum iommu_isolation_reason reason)
{
	return (struct iommu_isolation){ isolated, uncertain, reason };
}

static struct iommu_isolation by_capability(const struct pci_config *config,
					    bool uncertain)
{
	if (config->acs_fact == FACT_KNOWN)
		return answer(true, uncertain, ISOLATED_BY_ACS);
	if (config->acs_fact == FACT_ABSENT)
		return answer(false, uncertain, OPEN_NO_ACS);
	return answer(false, true, OPEN_UNREADABLE);
}

struct iommu_isolation iommu_isolation(const struct pci_node *node,
				       const struct pci_config *config,
				       const struct iommu_acs_override *override)
{
	enum iommu_quirk quirk = applicable_quirk(node, config);
	bool uncertain = quirk == QUIRK_UNCERTAIN;

	if (quirk == QUIRK_FUNCTIONS_ISOLATE)
		return answer(true, false, ISOLATED_BY_QUIRK);
	/* Registers of the chipset decide, which the kernel sets where it can. */
	if (quirk == QUIRK_ROOT_PORT_ISOLATES || quirk == QUIRK_SOUTHBRIDGE)
		return answer(true, true, ISOLATED_BY_QUIRK);
	if (config->pcie_fact == FACT_UNREADABLE)
		return answer(false, true, OPEN_UNREADABLE);
	if (config->pcie_fact == FACT_ABSENT)
		return answer(false, uncertain, OPEN_CONVENTIONAL);
	if (is_overridden(node, config, override))
		return answer(true, false, ISOLATED_BY_OVERRIDE);
	switch (config->pcie.type) {
	case PCIE_ROOT_PORT:
	case PCIE_DOWNSTREAM_PORT:
		return by_capability(config, uncertain);
	case PCIE_ENDPOINT:
	case PCIE_LEGACY_ENDPOINT:
	case PCIE_UPSTREAM_PORT:
	case PCIE_RC_ENDPOINT:
		if (iommu_is_multifunction(node, config))
			return by_capability(config, uncertain);
		return answer(true, false, ISOLATED_ALONE);
	default:
		/* Bridges to and from PCI, event collectors: pci_acs_enabled() says no.
		 */
		return answer(false, uncertain, OPEN_CONVENTIONAL);
	}
}

const char *iommu_isolation_words(enum iommu_isolation_reason reason)
{
	static const char *const words[] = {
		[ISOLATED_BY_ACS] = "it offers ACS",
		[ISOLATED_ALONE] = "it is a single function",
		[ISOLATED_BY_QUIRK] = "the kernel knows it as isolating",
		[ISOLATED_BY_OVERRIDE] = "pcie_acs_override would say so",
		[OPEN_NO_ACS] = "it offers no ACS",
		[OPEN_CONVENTIONAL] = "it is conventional PCI, which has no ACS",
		[OPEN_UNREADABLE] = "whether it offers ACS could not be read",
	};

	return words[reason];
}
