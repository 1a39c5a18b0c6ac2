/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host's processors: whatever they are, a guest has as many as it was to have, and each
 * of them once; the host keeps others. */
#include "fuzz.h"

#include "base/error.h"
#include "vm/tune.h"

static void check_tuning(const struct vm_tuning *tuning, unsigned int wanted)
{
	must(tuning->n_vcpus == wanted && tuning->n_others);
	must(wanted % (tuning->threads * tuning->dies) == 0);
	for (size_t i = 0; i < tuning->n_vcpus; i++) {
		for (size_t j = 0; j < i; j++)
			must(tuning->vcpus[i] != tuning->vcpus[j]);
		for (size_t j = 0; j < tuning->n_others; j++)
			must(tuning->vcpus[i] != tuning->others[j]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_cpus cpus = { 0 };

	if (vm_cpus_parse(size ? (const char *)data : "", size, &cpus) < 0) {
		must(!cpus.items);
		return 0;
	}
	for (unsigned int wanted = 1; wanted <= cpus.count && wanted < 32; wanted++) {
		struct vm_tuning tuning = { 0 };
		struct error err = ERROR_INIT;

		if (vm_tune(&cpus, cpus.items[0].node, wanted, &tuning, &err) == 0)
			check_tuning(&tuning, wanted);
		else
			must(error_is_set(&err) && !tuning.vcpus);
		error_clear(&err);
		vm_tuning_free(&tuning);
	}
	vm_cpus_free(&cpus);
	return 0;
}
