/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AMD's table with ROMs: what is found lies within it. */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "iommu/vfct.h"
#include "pci/device.h"
#include "table.h"

static void look(const uint8_t *bytes, size_t len)
{
	const struct pci_device device = { .address = { .bus = 11 },
					   .ids = FACT_KNOWN,
					   .vendor_id = 0x1002,
					   .device_id = 0x1638 };
	struct error err = ERROR_INIT;
	const uint8_t *rom;
	size_t size;
	int r = vfct_find(bytes, len, &device, &rom, &size, &err);

	must(r == 0 || r == -EINVAL || r == -ENOENT);
	must(error_is_set(&err) == (r < 0));
	must(r < 0 || (rom > bytes && size && size <= len - (size_t)(rom - bytes)));
	error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *repaired;

	look(data, size);
	repaired = table_repaired(data, size, "VFCT");
	if (repaired)
		look(repaired, size);
	free(repaired);
	return 0;
}
