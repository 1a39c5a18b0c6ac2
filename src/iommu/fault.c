/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/fault.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands behind these words; NULL: they are not there. */
static const char *behind(const char *text, const char *words)
{
	const char *found = text ? strstr(text, words) : NULL;

	return found ? found + strlen(words) : NULL;
}

/* All of "03:00.0" or "0000:03:00.0". */
static bool take_requester(const char *text, size_t len, struct iommu_fault *fault)
{
	char address[PCI_ADDRESS_SIZE];

	if (len >= sizeof(address))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)len, text);
	fault->has_domain = strchr(address, ':') != strrchr(address, ':');
	return pci_address_parse(address, &fault->requester) == 0;
}

/* Hexadecimal; older kernels write it without 0x. */
static bool take_address(const char *text, struct iommu_fault *fault)
{
	char *end;

	if (!text || !isxdigit((unsigned char)*text))
		return false;
	errno = 0;
	fault->address = strtoull(text, &end, 16);
	return !errno && end != text;
}

/*
 * "[DMA Write NO_PASID] Request device [03:00.0] fault addr 0x1234000 [fault reason ...".
 * What is said of interrupts has no "fault addr".
 */
static bool parse_dmar(const char *line, struct iommu_fault *fault)
{
	const char *device = behind(line, "Request device [");

	fault->is_write = strstr(line, "[DMA Write");
	return !strncmp(line, "DMAR:", 5) && device &&
	       take_requester(device, strcspn(device, "]"), fault) &&
	       take_address(behind(device, "fault addr "), fault);
}

/*
 * "vfio-pci 0000:03:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0011 address=0x...
 * flags=0x0020]"; from older kernels, and of a device that the kernel does not have,
 * "AMD-Vi: Event logged [IO_PAGE_FAULT device=03:00.0 domain=...".
 */
static bool parse_amd(const char *line, struct iommu_fault *fault)
{
	const char *event = behind(line, "[IO_PAGE_FAULT ");
	const char *device = behind(event, "device=");
	const char *flags = behind(event, "flags=");
	const char *end = strstr(line, ": AMD-Vi: "), *speaker = end;

	/* EVENT_FLAG_RW in drivers/iommu/amd/amd_iommu_types.h. */
	fault->is_write = flags && strtoull(flags, NULL, 16) & 0x20;
	if (!event || !take_address(behind(event, "address="), fault))
		return false;
	if (device)
		return take_requester(device, strcspn(device, " "), fault);
	if (!end || end > event)
		return false;
	while (speaker > line && speaker[-1] != ' ')
		speaker--;
	return take_requester(speaker, (size_t)(end - speaker), fault);
}

int iommu_fault_parse(const char *text, size_t len, struct iommu_fault *ret_fault)
{
	/* A message of the kernel's has at most 1024 (PRINTKRB_RECORD_MAX). */
	char line[1024];
	struct iommu_fault fault = { 0 };

	if (len >= sizeof(line) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(line, text, len);
	line[len] = '\0';
	if (!parse_dmar(line, &fault) && !parse_amd(line, &fault))
		return -EINVAL;
	*ret_fault = fault;
	return 0;
}
