/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An option ROM: whatever its headers say, nothing beyond its end is read. */
#include "fuzz.h"

#include <errno.h>

#include "pci/rom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pci_rom rom;
	int r = pci_rom_parse(data, size, &rom);

	must(r == 0 || r == -EINVAL);
	must(r < 0 || (size > 2 && data[0] == 0x55 && data[1] == 0xaa));
	return 0;
}
