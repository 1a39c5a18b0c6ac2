/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a guest finds the functions of this host, and the room that they need there. */
#include "pci/config.h"
#include "vm/guest.h"

void vm_place_functions(struct vm_function *functions, size_t count)
{
	unsigned int port = 0;

	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1;
		     next < count &&
		     pci_address_same_slot(&functions[i].host, &functions[next].host);)
			next++;
		port++;
		for (size_t j = i; j < next; j++) {
			functions[j].port = port;
			functions[j].function = j == i ? 0 : functions[j].host.function;
			functions[j].multifunction = j == i && next - i > 1;
		}
	}
}

void vm_unplace_single_functions(struct vm_function *functions, size_t count)
{
	/* They are sorted by their ports. */
	for (size_t i = 0; i < count; i++)
		functions[i].unplaced =
			(i == 0 || functions[i - 1].port != functions[i].port) &&
			(i + 1 == count || functions[i + 1].port != functions[i].port);
}

/* No device has as much; OVMF takes no larger number (16 TiB,
 * PlatformGetFirstNonAddress()). */
#define WINDOW_MAX (1ULL << 44)

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return to ? (value + to - 1) / to * to : value;
}

enum fact vm_measure_window(const struct host *host, const struct pci_devices *devices,
			    const struct vm_function *functions, size_t count,
			    uint64_t *ret_bytes)
{
	uint64_t total = 0, of_port = 0, largest = 0, window = 1;

	for (size_t i = 0; i < count; i++) {
		struct pci_resource resources[PCI_RESOURCE_COUNT];
		const struct pci_device *device = pci_find(devices, &functions[i].host);

		if (!device || pci_resources_read(host, device, resources) != FACT_KNOWN)
			return FACT_UNREADABLE;
		for (size_t j = 0; j < PCI_RESOURCE_ROM; j++) {
			const struct pci_resource *resource = &resources[j];

			if (!resource->is_64bit || !resource->prefetchable)
				continue;
			if (resource->size > WINDOW_MAX)
				return FACT_UNREADABLE;
			of_port += resource->size;
			if (resource->size > largest)
				largest = resource->size;
		}
		if (i + 1 < count && functions[i + 1].port == functions[i].port)
			continue;
		total += round_up(of_port, largest);
		if (total > WINDOW_MAX)
			return FACT_UNREADABLE;
		of_port = largest = 0;
	}
	/* The virtio devices' are there, too: what fits exactly does not fit. */
	while (total && window <= total)
		window <<= 1;
	*ret_bytes = window;
	return FACT_KNOWN;
}
