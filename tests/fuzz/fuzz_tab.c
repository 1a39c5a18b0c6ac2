/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/pciferry.tab: what is read is written byte for byte, and a change changes one
 * line. */
#include "fuzz.h"

#include <string.h>

#include "bootcfg/tab.h"

static void check_written(const struct bootcfg_tab *tab, const char *text, size_t len)
{
	size_t written_len;
	char *written;

	must(bootcfg_tab_write(tab, &written, &written_len) == 0);
	must(written_len == len && !memcmp(written, text, len));
	free(written);
}

/* What counts, set again, changes nothing; taken out, it is gone, and comes back alike.
 */
static void check_changes(struct bootcfg_tab *tab, size_t at, const char *text,
			  size_t len)
{
	struct bootcfg_tab_entry entry = tab->lines[at].entry;
	const struct bootcfg_tab_line *line;
	size_t count = tab->count;
	char *to;

	must(bootcfg_tab_find(tab, &entry) == &tab->lines[at]);
	must(bootcfg_tab_set(tab, &entry) == 0);
	check_written(tab, text, len);
	entry.to = to = entry.to ? strdup(entry.to) : NULL;
	must(bootcfg_tab_remove(tab, &entry));
	must(!bootcfg_tab_find(tab, &entry) && tab->count < count);
	must(bootcfg_tab_set(tab, &entry) == 0);
	line = bootcfg_tab_find(tab, &entry);
	must(line == &tab->lines[tab->count - 1] && line->has_end);
	must(line->entry.count == entry.count);
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct bootcfg_tab tab;
	size_t counting = 0, last = 0;

	must(bootcfg_tab_parse(text, size, &tab) == 0);
	check_written(&tab, text, size);
	for (size_t i = 0; i < tab.count; i++) {
		const struct bootcfg_tab_line *line = &tab.lines[i];

		must(line->number == i + 1);
		must(line->bad || line->entry.kind != TAB_OTHER);
		must(!line->repeats || line->bad);
		if (!line->bad && line->entry.kind != TAB_EMPTY) {
			counting++;
			last = i;
		}
	}
	if (counting)
		check_changes(&tab, last, text, size);
	bootcfg_tab_free(&tab);
	return 0;
}
