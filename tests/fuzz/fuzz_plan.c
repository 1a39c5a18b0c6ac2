/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A saved plan: what is taken for one is the same again when it is written and read. */
#include "fuzz.h"

#include <string.h>

#include "base/error.h"
#include "plan/saved.h"

/* Without its edits, whose sums cannot be turned back into files. */
static void check_written(const struct plan_saved *saved)
{
	struct plan plan = { .members = saved->members, .count = saved->count };
	struct plan_saved again;
	char *text;
	size_t len;

	must(plan_saved_write(&plan, &saved->options, &text, &len, NULL) == 0);
	if (len <= PLAN_SAVED_MAX) {
		must(plan_saved_parse(text, len, "", &again, NULL) == 0);
		must(again.count == saved->count);
		must(again.options.headless == saved->options.headless);
		for (size_t i = 0; i < again.count; i++)
			must(!strcmp(again.members[i].driver, saved->members[i].driver) &&
			     !strcmp(again.members[i].identity.path,
				     saved->members[i].identity.path));
		plan_saved_free(&again);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct error err = ERROR_INIT;
	struct plan_saved saved;

	if (plan_saved_parse(text, size, "x.json", &saved, &err) == 0) {
		must(size <= PLAN_SAVED_MAX && saved.count <= PLAN_SAVED_ITEMS_MAX);
		for (size_t i = 0; i < saved.n_edits; i++)
			must(strlen(saved.edits[i].after) % 64 == 0);
		check_written(&saved);
		plan_saved_free(&saved);
	} else {
		must(err.kind == ERROR_REFUSED && err.evidence);
	}
	error_clear(&err);
	return 0;
}
