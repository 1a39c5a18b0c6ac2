/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual functions and huge pages at each boot: their lines of the tab, and the service
 * that reads it. */
#include "base/cleanup.h"
#include "base/error.h"
#include "boot/internal.h"

int boot_edit_functions(const struct host *host, const struct boot_functions *functions,
			struct change_edits *edits, struct string_list *ret_instructions,
			struct error *err)
{
	const struct bootcfg_tab_entry entries[] = {
		{
			.kind = TAB_VF,
			.address = functions->physical,
			.identity = functions->identity,
			.count = functions->count,
			.to = functions->driver,
		},
		{
			.kind = TAB_SET,
			.address = functions->physical,
			.identity = functions->identity,
			.to = functions->settings,
		},
	};
	int r;

	/* Without a tab there are none to be taken out. */
	if (!functions->count && !host_exists(host, BOOTCFG_TAB))
		return 0;
	r = boot_edit_lines(host, BOOTCFG_TAB,
			    functions->count ? "make virtual functions at each boot"
					     : "make no virtual functions at boot",
			    entries, ARRAY_SIZE(entries), edits, err);

	if (r < 0 || !functions->count)
		return r;
	return boot_need_service(host, edits, ret_instructions, err);
}

int boot_edit_pages(const struct host *host, const char *path,
		    const struct bootcfg_tab_entry *entries, size_t count,
		    struct change_edits *edits, struct string_list *ret_notes,
		    struct error *err)
{
	bool any = false;
	int r;

	for (size_t i = 0; i < count; i++)
		any |= entries[i].count > 0;
	r = boot_edit_lines(host, path,
			    any ? "reserve huge pages at each boot"
				: "reserve no huge pages at boot",
			    entries, count, edits, err);
	return r == 0 && any ? boot_need_service(host, edits, ret_notes, err) : r;
}
