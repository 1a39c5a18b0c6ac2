/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU says: threads of all processors that were asked for, or none at all. */
#include "fuzz.h"

#include "vm/vm.h"

enum { PROCESSORS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pid_t threads[PROCESSORS] = { -1, -1 };
	int r = vm_threads_parse(size ? (const char *)data : "", size, threads,
				 PROCESSORS);

	for (size_t i = 0; i < PROCESSORS; i++)
		must(r > 0 ? threads[i] > 0 : threads[i] == -1);
	return 0;
}
