/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the initramfs does not do: pciferry.service does it, later in the boot. */
#include "bootcfg/service.h"

#include <string.h>

#include "base/error.h"
#include "boot/internal.h"

static const char systemctl[] = "usr/bin/systemctl";

static int enable_service(struct change_edits *edits)
{
	static const char unit[] = "pciferry.service";
	static const char *const enable[] = { "enable", unit, NULL };
	static const char *const disable[] = { systemctl, "disable", unit, NULL };
	int r = change_edit_run_undone_by(edits, systemctl, enable, disable,
					  "have systemd do it at each boot");

	if (r == 0)
		edits->items[edits->count - 1].is_due = true;
	return r;
}

bool boot_enables_service(const struct change_edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].kind == EDIT_RUN &&
		    !strcmp(edits->items[i].path, systemctl))
			return true;
	return false;
}

int boot_need_service(const struct host *host, struct change_edits *edits,
		      struct string_list *ret_instructions, struct error *err)
{
	int r = 0;

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

int boot_edit_settings(const struct host *host, const struct bootcfg_tab_entry *entries,
		       size_t count, struct change_edits *edits,
		       struct string_list *ret_instructions, struct error *err)
{
	int r = boot_edit_lines(host, BOOTCFG_TAB, "set them at each boot", entries,
				count, edits, err);

	return r < 0 ? r : boot_need_service(host, edits, ret_instructions, err);
}
