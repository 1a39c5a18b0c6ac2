/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of mdevctl's: what is read is written again, and nothing else is lost; what is
 * damaged is never written. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "bootcfg/mdevctl.h"

static void check_written(const char *bytes, size_t len, const char *type, bool starts)
{
	struct bootcfg_definition definition;

	must(bootcfg_definition_parse(bytes, len, &definition) == 0);
	must(!definition.damage && !strcmp(definition.type, type));
	must(definition.starts == starts);
	bootcfg_definition_free(&definition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct bootcfg_definition definition;
	char *bytes, *again;
	size_t len, again_len;
	int r;

	must(bootcfg_definition_parse(text, size, &definition) == 0);
	must(!definition.damage != !definition.type);
	r = bootcfg_definition_write(text, size, "other", !definition.starts, &bytes,
				     &len);
	must(r == (definition.damage ? -EINVAL : 0));
	if (r == 0) {
		check_written(bytes, len, "other", !definition.starts);
		must(bootcfg_definition_write(bytes, len, "other", !definition.starts,
					      &again, &again_len) == 0);
		must(again_len == len && !memcmp(again, bytes, len));
		free(again);
		free(bytes);
	}
	bootcfg_definition_free(&definition);
	return 0;
}
