/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual functions at each boot: their line of the tab, and the service that reads it.
 */
#include "base/error.h"
#include "boot/internal.h"
#include "bootcfg/service.h"

static int enable_service(struct change_edits *edits)
{
	static const char program[] = "usr/bin/systemctl", unit[] = "pciferry.service";
	static const char *const enable[] = { "enable", unit, NULL };
	static const char *const disable[] = { program, "disable", unit, NULL };
	int r = change_edit_run_undone_by(edits, program, enable, disable,
					  "have systemd make them at each boot");

	if (r == 0)
		edits->items[edits->count - 1].is_due = true;
	return r;
}

int boot_edit_functions(const struct host *host, const struct boot_functions *functions,
			struct change_edits *edits, struct string_list *ret_instructions,
			struct error *err)
{
	const struct bootcfg_tab_entry entry = {
		.kind = TAB_VF,
		.address = functions->physical,
		.identity = functions->identity,
		.count = functions->count,
		.to = functions->driver,
	};
	int r;

	/* Without a tab there are none to be taken out. */
	if (!functions->count && !host_exists(host, BOOTCFG_TAB))
		return 0;
	r = boot_edit_lines(host, BOOTCFG_TAB,
			    functions->count ? "make virtual functions at each boot"
					     : "make no virtual functions at boot",
			    &entry, 1, edits, err);

	if (r < 0 || !functions->count)
		return r;
	switch (bootcfg_service(host)) {
	case SERVICE_ENABLED:
		break;
	case SERVICE_THERE:
		r = enable_service(edits);
		break;
	case SERVICE_MASKED:
		r = string_list_add(ret_instructions,
				    "pciferry.service is masked: systemctl unmask --now"
				    " pciferry.service, and systemctl enable it");
		break;
	case SERVICE_NONE:
		r = string_list_add(ret_instructions,
				    "systemd and pciferry.service are not here: have"
				    " pciferry bind --tab --wait run at boot");
		break;
	}
	return r < 0 ? error_oom(err) : 0;
}
