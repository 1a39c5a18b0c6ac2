/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print-config FILE...: what the parser sees in each configuration space. */
#include <stdio.h>

#include "pci/config.h"

static void print(const char *name, const struct pci_config *config)
{
	const struct pci_link *link = &config->pcie.link;

	printf("%s header=%d layout=%d multi=%d caps=%d ext=%d", name,
	       config->header_fact, config->layout, config->multifunction,
	       config->capabilities_fact, config->extended_fact);
	for (size_t i = 0; i < config->n_capabilities; i++)
		printf(" %s%03x:%x", config->capabilities[i].extended ? "e" : "s",
		       config->capabilities[i].offset, config->capabilities[i].id);
	if (config->pcie_fact == FACT_KNOWN)
		printf(" pcie=%x slot=%u", config->pcie.type, config->pcie.slot_number);
	if (config->pcie_fact == FACT_KNOWN && config->pcie.flr)
		printf(" flr");
	if (config->pcie_fact == FACT_KNOWN && config->pcie.link_fact == FACT_KNOWN)
		printf(" lnkcap=%u,x%u lnksta=%u,x%u", link->max_speed, link->max_width,
		       link->speed, link->width);
	if (config->acs_fact == FACT_KNOWN)
		printf(" acs=%02x,%02x", config->acs.capability, config->acs.control);
	if (config->sriov_fact == FACT_KNOWN)
		printf(" sriov=%u,%u,%u,%u,%04x", config->sriov.initial_vfs,
		       config->sriov.total_vfs, config->sriov.num_vfs,
		       config->sriov.first_vf_offset, config->sriov.vf_device_id);
	if (config->serial_fact == FACT_KNOWN)
		printf(" serial=%016llx", (unsigned long long)config->serial_number);
	if (config->msi_fact == FACT_KNOWN)
		printf(" msi=%u,%u", config->msi.enabled, config->msi.vectors_max);
	if (config->msix_fact == FACT_KNOWN)
		printf(" msix=%u,%u", config->msix.enabled, config->msix.vectors);
	if (config->pm_fact == FACT_KNOWN)
		printf(" pm=D%u,%u", config->pm.state, config->pm.no_soft_reset);
	if (config->af_fact == FACT_KNOWN)
		printf(" af=%u", config->af.flr);
	if (config->ea_fact == FACT_KNOWN)
		printf(" ea=%u", config->ea.entries);
	for (unsigned int i = 0;
	     config->rebar_fact == FACT_KNOWN && i < config->rebar.count; i++)
		printf(" rebar=%u,%u,%llx", config->rebar.bars[i].bar,
		       config->rebar.bars[i].size,
		       (unsigned long long)config->rebar.bars[i].sizes);
	putchar('\n');
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint8_t bytes[PCI_CONFIG_MAX];
		FILE *file = fopen(argv[i], "rb");
		struct pci_config config;
		size_t len;

		if (!file)
			return 2;
		len = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		if (pci_config_parse(bytes, len, 0, &config) < 0)
			return 1;
		print(argv[i], &config);
		pci_config_free(&config);
	}
	return 0;
}
