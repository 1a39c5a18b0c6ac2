/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What drivers tell of their slices, as they have it in sysfs: a type's description, and
 * the types that NVIDIA's offers. */
#include "fuzz.h"

#include <string.h>

#include "pci/slices.h"

static void check_cost(const struct pci_slice_cost *cost)
{
	must(!(cost->known >> PCI_SLICE_FIELDS));
	must(!(cost->known & 1u << PCI_SLICE_WIDTH) ==
	     !(cost->known & 1u << PCI_SLICE_HEIGHT));
	/* Nine digits, of GiB at most. */
	for (int i = 0; i < PCI_SLICE_FIELDS; i++)
		must(cost->values[i] < 1024ull * 1000000000);
}

/* Told in the driver's own words, each is found again. */
static void check_type(const struct pci_vendor_type *type)
{
	struct pci_vendor_types again;
	struct pci_slice_cost cost;
	char *line;
	int len = asprintf(&line, "%u : %s\n", type->number, type->name);

	must(len > 0 && type->number && type->name[0]);
	must(pci_vendor_types_parse(line, (size_t)len, &again) == 0);
	must(again.count == 1 && again.items[0].number == type->number);
	pci_slice_cost_of_name(type->name, &cost);
	check_cost(&cost);
	pci_vendor_types_free(&again);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct pci_vendor_types types;
	struct pci_slice_cost cost;

	pci_slice_cost_parse(text, size, &cost);
	check_cost(&cost);
	must(pci_vendor_types_parse(text, size, &types) == 0);
	for (size_t i = 0; i < types.count; i++)
		check_type(&types.items[i]);
	pci_vendor_types_free(&types);
	return 0;
}
