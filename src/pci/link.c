/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/link.h"

#include <stdio.h>

bool pci_has_link(const struct pci_config *config)
{
	return config->pcie_fact == FACT_KNOWN && config->pcie.link_fact == FACT_KNOWN;
}

/* Whether its link is the one below it: that of a root port or a downstream port. */
static bool leads_down(const struct pci_config *config)
{
	return config->pcie.type == PCIE_ROOT_PORT ||
	       config->pcie.type == PCIE_DOWNSTREAM_PORT;
}

struct pci_link pci_possible_link(const struct pci_config *config,
				  const struct pci_config *above)
{
	struct pci_link link = config->pcie.link;

	if (!above || leads_down(config) || !pci_has_link(above) || !leads_down(above))
		return link;
	if (above->pcie.link.max_speed && above->pcie.link.max_speed < link.max_speed)
		link.max_speed = above->pcie.link.max_speed;
	if (above->pcie.link.max_width && above->pcie.link.max_width < link.max_width)
		link.max_width = above->pcie.link.max_width;
	return link;
}

bool pci_link_is_slow(const struct pci_config *config, const struct pci_config *above)
{
	struct pci_link link;

	/* What is behind a port may be able to do less than the port. */
	if (!pci_has_link(config) || leads_down(config))
		return false;
	link = pci_possible_link(config, above);
	return link.width && (link.width < link.max_width || link.speed < link.max_speed);
}

const char *pci_link_format(unsigned int speed, unsigned int width,
			    char buffer[PCI_LINK_SIZE])
{
	char speed_text[16] = "?", width_text[16] = "x?";

	if (speed)
		snprintf(speed_text, sizeof(speed_text), "%u%s", speed / 10,
			 speed % 10 ? ".5" : "");
	if (width)
		snprintf(width_text, sizeof(width_text), "x%u", width);
	snprintf(buffer, PCI_LINK_SIZE, "%s GT/s %s", speed_text, width_text);
	return buffer;
}
