/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's definition is edited: what is put in and taken out again leaves no trace, and
 * what is taken out is that alone. */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "vm/definition.h"
#include "vm/splice.h"

static const char added[] = "<hostdev mode=\"subsystem\" type=\"pci\" managed=\"yes\">\n"
			    "  <source>\n"
			    "    <address bus=\"0xfe\"/>\n"
			    "  </source>\n"
			    "</hostdev>\n";

static void remove_each(const char *bytes, size_t len,
			const struct vm_definition *definition)
{
	for (size_t i = 0; i < definition->n_held; i++) {
		struct vm_definition left = { 0 };
		char *result;
		size_t result_len;

		must(vm_splice_remove(bytes, len, &definition->held[i].child, 1, &result,
				      &result_len, NULL) == 0);
		must(vm_definition_read(result, result_len, &left, NULL) == 0);
		must(left.n_held == definition->n_held - 1);
		for (size_t j = 0; j < left.n_held; j++)
			must(!pci_address_compare(
				&left.held[j].host,
				&definition->held[j < i ? j : j + 1].host));
		vm_definition_free(&left);
		free(result);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = size ? (const char *)data : "";
	struct vm_definition before = { 0 }, after = { 0 };
	struct error err = ERROR_INIT;
	char *longer, *back;
	size_t longer_len, back_len;

	if (vm_splice_add(bytes, size, added, &longer, &longer_len, &err) < 0) {
		must(error_is_set(&err));
		error_clear(&err);
		return 0;
	}
	must(vm_definition_read(bytes, size, &before, NULL) == 0);
	must(vm_definition_read(longer, longer_len, &after, NULL) == 0);
	must(after.n_held == before.n_held + 1);
	must(after.held[before.n_held].host.bus == 0xfe);
	remove_each(bytes, size, &before);
	must(vm_splice_remove(longer, longer_len, &after.held[before.n_held].child, 1,
			      &back, &back_len, NULL) == 0);
	must(back_len == size && !memcmp(back, bytes, size));
	free(longer);
	free(back);
	vm_definition_free(&before);
	vm_definition_free(&after);
	return 0;
}
