/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's definition: what asks for nothing names nothing, and each device once. */
#include "fuzz.h"

#include "base/error.h"
#include "vm/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_domain domain = { 0 };
	struct error err = ERROR_INIT;

	if (vm_domain_parse(size ? (const char *)data : "", size, &domain, &err) < 0) {
		must(error_is_set(&err) && !domain.devices);
		error_clear(&err);
		return 0;
	}
	must(domain.asks || !domain.n_devices);
	must(domain.isolates || vm_cpuset_is_empty(&domain.pinned));
	for (size_t i = 0; i < domain.n_devices; i++) {
		must(domain.devices[i].device < 32 && domain.devices[i].function < 8);
		for (size_t j = 0; j < i; j++)
			must(pci_address_compare(&domain.devices[i], &domain.devices[j]));
	}
	vm_domain_free(&domain);
	return 0;
}
